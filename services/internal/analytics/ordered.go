package analytics

import "slices"

// Skipped stands in Path.Times for an optional step that was left out.
const Skipped int64 = -1

// Path is how far a person came in a funnel.
type Path struct {
	// Level is the highest step reached in any attempt, from 1; 0 means that
	// the person never did step 1.
	Level int
	// Times are those of the steps up to Level of the first attempt that reached
	// it, or Skipped. In any order they are those of the first, second, ...
	// different step.
	Times []int64
	// Events are the events that took the steps; of one left out it is empty.
	Events []Event
	// LastEntry is the time of the latest step 1. Until the window from there
	// has passed, Level may still rise.
	LastEntry int64
	// Excluded says that something forbidden lay in the path. Who is excluded
	// leaves the funnel and is not counted at any step.
	Excluded bool
}

// hit is an event that matters to a funnel.
type hit struct {
	Event
	// steps are the steps that it matches, ascending.
	steps []int
	// forbids are the steps before which it must not lie, ascending; only events
	// that match no step have some.
	forbids []int
}

// attempt is one way through the steps so far.
type attempt struct {
	// entry is the time of its step 1.
	entry    int64
	hits     []*hit
	excluded bool
}

// machine follows one person through the steps of a funnel in order, or strictly.
//
// It keeps, for each step k, the latest attempt that has reached it:
//
//   - Step 1 starts an attempt. A later step 1 starts another one, which replaces
//     it at step 1 only: what the first has reached further on stays.
//   - Step k takes the attempt at step k-1 on, if no more than window has passed
//     since its step 1, inclusive; where step k-1 is optional and has no such
//     attempt, the one before that. Within an attempt the first event of a step
//     counts, so an attempt that is at step k already is not taken there again.
//   - An event that matches several steps takes the highest first, so that it
//     never takes an attempt two steps on.
//   - An event that is forbidden before step k excludes the attempt at step k-1, if
//     it has not gone on and its window is open. An excluded attempt takes no other
//     one's place, but may be the person's best.
//   - Strictly, an event takes every attempt away from the steps that it does not
//     match.
//   - Events of one instant that do not all match the same count in the order of
//     the steps, whatever order they came in, each once in an attempt. They forbid
//     nothing and lie between nothing.
//   - The first attempt to reach a step further than any before it is the person's
//     best, also an excluded one; at the same step one that is not excluded takes
//     the place of an excluded one. Nothing follows the last step.
type machine struct {
	n        int
	optional func(step int) bool
	strict   bool
	window   int64

	at    []*attempt
	level int
	best  attempt
}

// follow returns the path of a person whose hits are in the order of time and log.
func (m *machine) follow(hits []hit) Path {
	m.at = make([]*attempt, m.n+1)
	for instant := range instants(hits) {
		if alike(instant) {
			for i := range instant {
				m.take(&instant[i])
			}
		} else {
			m.takeTogether(instant)
		}
		if m.at[m.n] != nil {
			break
		}
	}
	return m.path(hits)
}

func (m *machine) take(h *hit) {
	for _, k := range slices.Backward(h.steps) {
		m.match(h, k)
	}
	for _, k := range h.forbids {
		m.exclude(h.Time, k)
	}
	if m.strict {
		for k := 1; k <= m.n; k++ {
			if !slices.Contains(h.steps, k) {
				m.at[k] = nil
			}
		}
	}
}

func (m *machine) takeTogether(instant []hit) {
	for k := 1; k <= m.n; k++ {
		for i := range instant {
			h := &instant[i]
			if !slices.Contains(h.steps, k) {
				continue
			}
			if from := m.from(h.Time, k); from == nil || !slices.Contains(from.hits, h) {
				m.match(h, k)
			}
		}
	}
}

// from returns the attempt that an event at that time takes to step k.
func (m *machine) from(now int64, k int) *attempt {
	if k == 1 {
		return &attempt{entry: now}
	}
	for k--; ; k-- {
		if a := m.at[k]; a != nil && now-a.entry <= m.window {
			return a
		}
		if !m.optional(k) {
			return nil
		}
	}
}

func (m *machine) match(h *hit, k int) {
	from := m.from(h.Time, k)
	if from == nil || m.at[k] != nil && m.at[k].entry == from.entry {
		return
	}
	next := attempt{entry: from.entry, excluded: from.excluded, hits: slices.Clone(from.hits)}
	for len(next.hits) < k-1 {
		next.hits = append(next.hits, nil)
	}
	next.hits = append(next.hits, h)
	if !from.excluded {
		reached := next
		m.at[k] = &reached
	}
	if k > m.level || k == m.level && m.best.excluded {
		m.level, m.best = k, next
	}
}

func (m *machine) exclude(now int64, k int) {
	a := m.at[k-1]
	if a == nil || now-a.entry > m.window || m.at[k] != nil && m.at[k].entry == a.entry {
		return
	}
	a.excluded = true
	if m.level == k-1 && now-m.best.entry <= m.window {
		m.best.excluded = true
	}
}

func (m *machine) path(hits []hit) Path {
	p := pathOf(m.best.hits)
	p.Excluded = m.best.excluded
	for _, h := range hits {
		if slices.Contains(h.steps, 1) {
			p.LastEntry = h.Time
		}
	}
	return p
}

func pathOf(hits []*hit) Path {
	p := Path{Level: len(hits)}
	for _, h := range hits {
		if h == nil {
			p.Times, p.Events = append(p.Times, Skipped), append(p.Events, Event{})
			continue
		}
		p.Times, p.Events = append(p.Times, h.Time), append(p.Events, h.Event)
	}
	return p
}

// instants yields the hits of each instant.
func instants(hits []hit) func(yield func([]hit) bool) {
	return func(yield func([]hit) bool) {
		for len(hits) > 0 {
			n := 1
			for n < len(hits) && hits[n].Time == hits[0].Time {
				n++
			}
			if !yield(hits[:n]) {
				return
			}
			hits = hits[n:]
		}
	}
}

// alike reports whether all hits match and forbid the same.
func alike(instant []hit) bool {
	return !slices.ContainsFunc(instant[1:], func(h hit) bool {
		return !slices.Equal(h.steps, instant[0].steps) || !slices.Equal(h.forbids, instant[0].forbids)
	})
}
