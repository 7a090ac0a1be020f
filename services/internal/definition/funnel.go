package definition

import (
	"reflect"
	"slices"
	"time"
)

// Funnel is everything that can be asked of a funnel. Its meaning is that of
// analytics.FunnelDefinition.
type Funnel struct {
	Project string `yaml:"project" doc:"Id of the project, or * for all that the reader may see."`
	Mode    string `yaml:"mode" doc:"ordered, strict or unordered."`
	Count   string `yaml:"count" doc:"persons, totals (every attempt) or sessions."`
	// Window is how long an attempt may last, from its first step, inclusive.
	Window time.Duration `yaml:"window" doc:"Time from the first step to the last."`
	// An attempt begins in [From, To).
	From            string      `yaml:"from" doc:"Attempts begin from here: 30d (ago), or 2026-10-01."`
	To              string      `yaml:"to" doc:"Attempts begin before this."`
	AsOf            string      `yaml:"as_of" doc:"Attempts of which the window is open at this time are pending."`
	Steps           []Step      `yaml:"steps" doc:"The steps."`
	Exclude         []Exclusion `yaml:"exclude" doc:"What must not happen between steps."`
	Hold            []Value     `yaml:"hold" doc:"Up to 3 values that have to be the same at all steps."`
	By              []Value     `yaml:"by" doc:"One or two values to break down by."`
	Attribution     string      `yaml:"attribution" doc:"Whose value counts in a breakdown: first, last, step, or all."`
	AttributionStep int         `yaml:"attribution_step" doc:"With attribution step: which."`
	Top             int         `yaml:"top" doc:"How many values of a breakdown stand by themselves; the others are Other."`
}

// Step is a step of a funnel.
type Step struct {
	Event    string   `yaml:"event" doc:"Name of the event."`
	Any      bool     `yaml:"any" doc:"Any event, instead of a name."`
	Where    []Filter `yaml:"where" doc:"Conditions on columns and properties, which must all hold."`
	Name     string   `yaml:"name" doc:"How the step is called in the result; the event's name when it is left out."`
	Optional bool     `yaml:"optional" doc:"The step may be left out."`
	First    string   `yaml:"first" doc:"matching: the first event in all history that matches; ever: the first with the name, if it matches the conditions too."`
}

func (s Step) condition() Condition { return Condition{s.Event, s.Any, s.Where} }

func (s Step) label() string {
	switch {
	case s.Name != "":
		return s.Name
	case s.Any:
		return "(any event)"
	default:
		return s.Event
	}
}

// Exclusion is what must not happen after one step and before another of an attempt.
type Exclusion struct {
	Event  string   `yaml:"event" doc:"Name of the event."`
	Any    bool     `yaml:"any" doc:"Any event that is no step, instead of a name."`
	Where  []Filter `yaml:"where" doc:"Conditions on columns and properties, which must all hold."`
	After  int      `yaml:"after" doc:"Number of the step after which; 1 when it is left out."`
	Before int      `yaml:"before" doc:"Number of the step before which; the last one when it is left out."`
}

func (x Exclusion) condition() Condition { return Condition{x.Event, x.Any, x.Where} }

// bounds returns the steps between which the exclusion holds, of n.
func (x Exclusion) bounds(n int) (after, before int) {
	after, before = x.After, x.Before
	if after == 0 {
		after = 1
	}
	if before == 0 {
		before = n
	}
	return after, before
}

const (
	maxSteps      = 20
	maxExclusions = 20
	maxHold       = 3
	maxBy         = 2
	maxTop        = 1000
	maxWindow     = 366 * 24 * time.Hour
)

func (f Funnel) check(add func(path, format string, args ...any)) {
	at := func(path, format string, args ...any) { add("funnel."+path, format, args...) }
	checkProject("project", f.Project, at)
	oneOf("mode", f.Mode, at, "ordered", "strict", "unordered")
	oneOf("count", f.Count, at, "persons", "totals", "sessions")
	oneOf("attribution", f.Attribution, at, "first", "last", "step", "all")
	checkInstants(at, map[string]string{"from": f.From, "to": f.To, "as_of": f.AsOf})
	checkOrder(f.From, f.To, at)
	unordered := f.Mode == "unordered"
	if f.Window < time.Second || f.Window > maxWindow || f.Window%time.Second != 0 {
		at("window", "want whole seconds from 1s to 366d, got %s", f.Window)
	}
	if unordered && f.Count == "totals" {
		at("count", "totals have no meaning in any order")
	}
	if len(f.Steps) > maxSteps {
		at("steps", "want 1 to %d", maxSteps)
	}
	for i, s := range f.Steps {
		f.checkStep(i, s, at)
	}
	if len(f.Exclude) > maxExclusions {
		at("exclude", "want at most %d", maxExclusions)
	}
	for i, x := range f.Exclude {
		f.checkExclusion(item("exclude", i), x, at)
	}
	checkValues("hold", f.Hold, maxHold, at)
	checkValues("by", f.By, maxBy, at)
	n := len(f.Steps)
	switch {
	case f.Attribution == "step" && len(f.By) == 0:
		at("attribution", "want by, the values to break down by")
	case f.Attribution == "step" && unordered && f.AttributionStep != 1:
		at("attribution_step", "in any order only 1 has a meaning")
	case f.Attribution == "step" && (f.AttributionStep < 1 || f.AttributionStep > n):
		at("attribution_step", "want 1 to %d, got %d", n, f.AttributionStep)
	}
	if f.Top < 1 || f.Top > maxTop {
		at("top", "want 1 to %d, got %d", maxTop, f.Top)
	}
}

func (f Funnel) checkStep(i int, s Step, add func(path, format string, args ...any)) {
	path := item("steps", i)
	s.condition().check(path, add)
	oneOf(path+".first", s.First, add, "", "matching", "ever")
	switch {
	case s.Optional && i == 0:
		add(path+".optional", "the first step cannot be optional")
	case s.Optional && f.Mode == "unordered":
		add(path+".optional", "in any order no step can be optional")
	}
	if len(s.Name) > maxName {
		add(path+".name", "want at most %d bytes", maxName)
	}
}

func (f Funnel) checkExclusion(path string, x Exclusion, add func(path, format string, args ...any)) {
	x.condition().check(path, add)
	n := len(f.Steps)
	after, before := x.bounds(n)
	switch {
	case after < 1 || after > n:
		add(path+".after", "want a step from 1 to %d, got %d", n, after)
	case before <= after || before > n:
		add(path+".before", "want a step after %d and up to %d, got %d", after, n, before)
	case f.Mode == "unordered" && (after != 1 || before != n):
		add(path+".after", "in any order an exclusion holds for all steps: want neither after nor before")
	}
	if slices.ContainsFunc(f.Steps, func(s Step) bool { return reflect.DeepEqual(s.condition(), x.condition()) }) {
		add(path, "is the same as a step")
	}
}

func checkValues(path string, values []Value, most int, add func(path, format string, args ...any)) {
	if len(values) > most {
		add(path, "want at most %d", most)
	}
	for i, v := range values {
		v.check(item(path, i), add)
		if slices.Contains(values[:i], v) {
			add(item(path, i), "is given twice")
		}
	}
}

// columns are those of a row, in order.
func (f Funnel) columns() []Column {
	columns := []Column{{"project", "String", "id of the project"}}
	for i, v := range f.By {
		columns = append(columns, Column{valueColumn(i), "String", "breakdown by " + v.label()})
	}
	columns = append(columns, []Column{
		{"step", "Int64", "number of the step, from 1"},
		{"event", "String", "name of the step"},
		{"entered", "Int64", "how many did step 1"},
		{"persons", "Int64", "how many did this step"},
		{"converted", "Int64", "of them, who did a later step; at the last step, all"},
		{"pending", "Int64", "of them, who may still go on"},
		{"dropped", "Int64", "of them, who did not go on in time"},
		{"conversion_total", "Float64", "persons / entered"},
		{"conversion_step", "Float64", "persons / persons of the step before"},
		{"median_seconds", "Float64", "median time from the step before"},
		{"p75_seconds", "Float64", "75th percentile of it"},
		{"p90_seconds", "Float64", "90th percentile of it"},
		{"median_seconds_from_first", "Float64", "median time from step 1"},
		{"p75_seconds_from_first", "Float64", "75th percentile of it"},
		{"p90_seconds_from_first", "Float64", "90th percentile of it"},
	}...)
	if len(f.By) > 0 {
		columns = append(columns, Column{"additive", "Bool", "nobody is in two groups: the groups sum up to the whole"})
	}
	return columns
}

// valueColumn is the name of the column with the i-th value of a breakdown.
func valueColumn(i int) string { return [...]string{"value", "value_2"}[i] }
