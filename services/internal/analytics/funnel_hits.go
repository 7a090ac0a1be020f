package analytics

import (
	"cmp"
	"maps"
	"slices"
)

// hits returns the events of a person that matter: those that match a step or are
// forbidden, and strictly all, because any may lie between two steps.
func (d FunnelDefinition) hits(history []Event) []hit {
	first := d.firsts(history)
	var hits []hit
	for i, e := range history {
		if e.Time < d.From || e.Time >= d.To+d.window() {
			continue
		}
		h := hit{Event: e}
		matches := false
		for k, step := range d.Steps {
			if !step.Match(e) || step.First != AnyTime && first[k] != i {
				continue
			}
			matches = true
			switch {
			case k == 0 && d.Mode != InAnyOrder && e.Time >= d.To:
			case d.Mode == InAnyOrder && len(h.steps) > 0:
				// It counts for the first step that it matches.
			default:
				h.steps = append(h.steps, k+1)
			}
		}
		if !matches {
			h.forbids = d.forbids(e)
		}
		if d.Mode == Strictly || len(h.steps) > 0 || len(h.forbids) > 0 {
			hits = append(hits, h)
		}
	}
	return hits
}

// firsts returns, for each step that happens once in a life, which event it is.
func (d FunnelDefinition) firsts(history []Event) []int {
	first := make([]int, len(d.Steps))
	for k, step := range d.Steps {
		match := step.Match
		if step.First == FirstEver {
			match = step.Base
		}
		first[k] = slices.IndexFunc(history, match)
	}
	return first
}

func (d FunnelDefinition) forbids(e Event) []int {
	before := map[int]bool{}
	for _, x := range d.Exclusions {
		if x.Match(e) {
			for k := x.From + 1; k <= x.To; k++ {
				before[k] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(before))
}

// unit is what is followed by itself: a person, or a session or value of one.
type unit struct {
	session uint64
	value   string
	hits    []hit
}

func (d FunnelDefinition) units(hits []hit) []unit {
	var units []unit
	for _, h := range hits {
		u := unit{}
		if d.Count == CountSessions {
			if u.session = h.Session; u.session == 0 {
				continue
			}
		}
		if d.By != nil && d.Attribution == AttributeAll {
			u.value = d.By(h.Event)
		}
		i := slices.IndexFunc(units, func(v unit) bool { return v.session == u.session && v.value == u.value })
		if i < 0 {
			i, units = len(units), append(units, u)
		}
		units[i].hits = append(units[i].hits, h)
	}
	return units
}

// paths follows a unit: one path, or one for each attempt.
func (d FunnelDefinition) paths(hits []hit) []Path {
	if d.Hold == nil {
		return d.follow(hits)
	}
	held := map[string][]hit{}
	for _, h := range hits {
		if value := d.Hold(h.Event); value != "" {
			held[value] = append(held[value], h)
		}
	}
	var paths []Path
	for _, value := range slices.Sorted(maps.Keys(held)) {
		paths = append(paths, d.follow(held[value])...)
	}
	if d.Count == CountAttempts || len(paths) == 0 {
		return paths
	}
	// What came furthest, of equals the earlier, of those the smaller value; but
	// any value's latest entry may still come further.
	best := slices.MinFunc(paths, func(a, b Path) int {
		return cmp.Or(cmp.Compare(b.counted(), a.counted()), cmp.Compare(a.entered(), b.entered()))
	})
	for _, p := range paths {
		best.LastEntry = max(best.LastEntry, p.LastEntry)
	}
	return []Path{best}
}

// counted is the level that counts: none of who is excluded.
func (p Path) counted() int {
	if p.Excluded {
		return 0
	}
	return p.Level
}

func (p Path) entered() int64 {
	if p.Level == 0 {
		return 0
	}
	return p.Times[0]
}

func (d FunnelDefinition) follow(hits []hit) []Path {
	n := len(d.Steps)
	optional := func(k int) bool { return d.Steps[k-1].Optional }
	switch {
	case d.Mode == InAnyOrder:
		return []Path{anyOrder(hits, n, d.window(), d.To)}
	case d.Count == CountAttempts:
		return attempts(hits, n, optional, d.Mode == Strictly, d.window())
	}
	m := machine{n: n, optional: optional, strict: d.Mode == Strictly, window: d.window()}
	return []Path{m.follow(hits)}
}

// attribute returns the value of a person's path; "" where none is set.
func (d FunnelDefinition) attribute(hits []hit, p Path) string {
	if d.Attribution == AttributeStep {
		s := d.AttributionStep
		if s > p.Level || p.Times[s-1] == Skipped {
			return NotReached
		}
		return d.By(p.Events[s-1])
	}
	var values []string
	if d.Count == CountAttempts {
		for i, e := range p.Events {
			if p.Times[i] != Skipped {
				values = append(values, d.By(e))
			}
		}
	} else {
		for _, h := range hits {
			if len(h.steps) > 0 {
				values = append(values, d.By(h.Event))
			}
		}
	}
	values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
	switch {
	case len(values) == 0:
		return ""
	case d.Attribution == AttributeLast:
		return values[len(values)-1]
	}
	return values[0]
}

func compareEntrants(a, b Entrant) int {
	return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Value, b.Value),
		cmp.Compare(a.Session, b.Session), cmp.Compare(a.entered(), b.entered()))
}
