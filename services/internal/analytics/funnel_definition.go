package analytics

import (
	"errors"
	"fmt"
	"slices"
)

// FunnelMode says what may lie between two steps.
type FunnelMode string

const (
	// InOrder lets other events lie between two steps.
	InOrder FunnelMode = "ordered"
	// Strictly lets no event lie between two steps.
	Strictly FunnelMode = "strict"
	// InAnyOrder counts different steps, whatever their order.
	InAnyOrder FunnelMode = "unordered"
)

// FunnelCount says what a funnel counts.
type FunnelCount string

const (
	// CountPersons counts each person once, by the attempt that came furthest.
	CountPersons FunnelCount = "persons"
	// CountAttempts counts each attempt; the next one begins after the end of the
	// one before: converted, out of time, excluded or, in strict mode, broken.
	CountAttempts FunnelCount = "totals"
	// CountSessions counts each session of a person once; events without a session
	// do not take part.
	CountSessions FunnelCount = "sessions"
)

// FunnelFirst restricts a step to one event of a person's life.
type FunnelFirst string

const (
	// AnyTime does not restrict a step.
	AnyTime FunnelFirst = ""
	// FirstMatching takes the first event in all history that matches the step.
	FirstMatching FunnelFirst = "first"
	// FirstEver takes the first event in all history that matches Base, if it
	// matches the step too.
	FirstEver FunnelFirst = "first_ever"
)

// FunnelStep is a condition that takes a person a step further.
type FunnelStep struct {
	Name  string
	Match func(Event) bool
	// Optional steps may be left out. The first step may not be optional.
	Optional bool
	First    FunnelFirst
	// Base is Match without its filters; only FirstEver asks for it.
	Base func(Event) bool
}

// FunnelExclusion is a condition that must not be met after step From and before
// step To of an attempt; steps count from 1. An event that matches a step is never
// excluded. In any order there is no range: From is 1 and To the last step.
type FunnelExclusion struct {
	Match    func(Event) bool
	From, To int
}

// Attribution says which value of a breakdown is a person's.
type Attribution string

const (
	// AttributeFirst takes the earliest value that is set of the person's events
	// that match a step; of simultaneous ones the first in the log.
	AttributeFirst Attribution = "first"
	// AttributeLast takes the latest.
	AttributeLast Attribution = "last"
	// AttributeStep takes the value of the event that took a certain step of the
	// person's path; NotReached for those who never did that step.
	AttributeStep Attribution = "step"
	// AttributeAll follows each value by itself, over the events that have it. A
	// person counts once for each value, so such a breakdown does not sum up.
	AttributeAll Attribution = "all"
)

// Groups of a breakdown that are no values.
const (
	NotSet     = "(not set)"
	NotReached = "(not reached)"
	Other      = "Other"
)

// FunnelDefinition is everything that can be asked of a funnel. Times are
// milliseconds since 1970 UTC.
type FunnelDefinition struct {
	Mode       FunnelMode
	Count      FunnelCount
	Steps      []FunnelStep
	Exclusions []FunnelExclusion
	// WindowSeconds is how long an attempt may last, inclusive, from its first
	// step. It is elapsed time, also across a change of daylight-saving time.
	WindowSeconds int64
	// An attempt begins in [From, To); its other steps count up to To + window.
	From, To int64
	// AsOf is the time at which an attempt of which the window is open is pending.
	AsOf int64
	// Hold, if set, is a value that has to be the same at all steps of an attempt.
	// Each value is followed by itself and the one that came furthest counts; events
	// without it do not take part.
	Hold func(Event) string
	// By, if set, is the value to break down by.
	By              func(Event) string
	Attribution     Attribution
	AttributionStep int
}

// Validate says what makes the definition meaningless.
func (d FunnelDefinition) Validate() error {
	n := len(d.Steps)
	var errs []error
	want := func(ok bool, text string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(text, args...))
		}
	}
	want(slices.Contains([]FunnelMode{InOrder, Strictly, InAnyOrder}, d.Mode), "mode: want ordered, strict or unordered")
	want(slices.Contains([]FunnelCount{CountPersons, CountAttempts, CountSessions}, d.Count), "count: want persons, totals or sessions")
	want(n >= 1, "steps: want 1 or more")
	want(d.WindowSeconds >= 1 && d.WindowSeconds <= 31622400, "window_seconds: want 1 to 31622400")
	want(d.From < d.To, "from: want a time before to")
	for i, s := range d.Steps {
		want(i > 0 || !s.Optional, "steps: the first step cannot be optional")
		want(d.Mode != InAnyOrder || !s.Optional, "steps: in any order no step can be optional")
		want(s.First != FirstEver || s.Base != nil, "steps: step %d: first_ever wants a condition without filters", i+1)
	}
	for _, x := range d.Exclusions {
		want(x.From >= 1 && x.From < x.To && x.To <= n, "exclusions: want steps from < to of 1 to %d", n)
		want(d.Mode != InAnyOrder || x.From == 1 && x.To == n, "exclusions: in any order they have no range of steps")
	}
	want(d.Mode != InAnyOrder || d.Count != CountAttempts, "count: totals are not defined in any order")
	if d.By != nil {
		switch d.Attribution {
		case AttributeFirst, AttributeLast, AttributeAll:
		case AttributeStep:
			want(d.AttributionStep >= 1 && d.AttributionStep <= n, "attribution_step: want 1 to %d", n)
			want(d.Mode != InAnyOrder || d.AttributionStep == 1, "attribution_step: in any order only 1 has a meaning")
		default:
			want(false, "attribution: want first, last, step or all")
		}
	}
	return errors.Join(errs...)
}

func (d FunnelDefinition) window() int64 { return d.WindowSeconds * 1000 }

// Outcomes of an entrant.
const (
	Converted = "converted"
	Dropped   = "dropped"
	Pending   = "pending"
)

// Entrant is a person (or an attempt or session of one) that did the first step.
type Entrant struct {
	Person uint64
	// Session is set when sessions are counted.
	Session uint64
	// Value is that of the breakdown; "" is not set.
	Value string
	Path
	// EntryDay is the day of the path's first step, since 1970-01-01.
	EntryDay int32
	Outcome  string
}

// Entered is the time of the first step.
func (e Entrant) Entered() int64 { return e.Times[0] }

// Last is the time of the last step reached.
func (e Entrant) Last() int64 { return e.Times[e.Level-1] }

// Entrants returns who entered the funnel and how far they came, by person, value
// and time of entry.
//
// An entrant has converted when its path has the last step, or has every step
// before optional ones at the end. Otherwise it is pending while the window of its
// latest entry is open at AsOf, inclusive, because its level may rise until then;
// afterwards it has dropped. So entered = converted + pending + dropped. Who is
// excluded has not entered.
func (d FunnelDefinition) Entrants(s Stream) []Entrant {
	var all []Entrant
	for id, history := range s.Persons() {
		for _, unit := range d.units(d.hits(history)) {
			for _, p := range d.paths(unit.hits) {
				if p.Level == 0 || p.Excluded {
					continue
				}
				e := Entrant{Person: id, Session: unit.session, Value: unit.value, Path: p, Outcome: Dropped}
				e.EntryDay = p.Events[0].Day
				if d.By != nil && d.Attribution != AttributeAll {
					e.Value = d.attribute(unit.hits, p)
				}
				switch {
				case p.Level >= d.lastRequired():
					e.Outcome = Converted
				case p.LastEntry+d.window() >= d.AsOf:
					e.Outcome = Pending
				}
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, compareEntrants)
	return all
}

// lastRequired is the last step that is not optional.
func (d FunnelDefinition) lastRequired() int {
	n := len(d.Steps)
	for n > 1 && d.Steps[n-1].Optional {
		n--
	}
	return n
}
