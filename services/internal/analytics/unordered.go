package analytics

import (
	"cmp"
	"slices"
)

// anyOrder follows one person through a funnel of which the steps may come in any
// order. Each hit matches one step, or forbids.
//
//   - An attempt begins with any step before to and has window, inclusive. It
//     comes as far as the number of different steps in it.
//   - The first attempt to come furthest is the person's. Its times are those at
//     which it did its first, second, ... different step.
//   - A forbidden event ends all attempts, and what they reached is lost, unless one
//     of them had all the steps. The person counts from there, but at least as one
//     who did a single step: the latest that could have begun an attempt.
//   - At one instant what is forbidden acts first.
func anyOrder(hits []hit, n int, window, to int64) Path {
	hits = slices.Clone(hits)
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(len(a.steps), len(b.steps)))
	})
	var best, latest []*hit
	begin := 0
	for i := range hits {
		h := &hits[i]
		switch {
		case len(best) == n:
		case len(h.steps) == 0:
			best, begin = nil, i+1
		default:
			for j := begin; j <= i; j++ {
				if hits[j].Time >= to || h.Time-hits[j].Time > window {
					continue
				}
				if done := different(hits[j : i+1]); len(done) > len(best) {
					best = done
				}
			}
		}
		if len(h.steps) > 0 && h.Time < to {
			latest = []*hit{h}
		}
	}
	if len(best) == 0 {
		best = latest
	}
	p := pathOf(best)
	if len(latest) > 0 {
		p.LastEntry = latest[0].Time
	}
	return p
}

// different returns the first hit of each step, in the order of time.
func different(hits []hit) []*hit {
	var first []*hit
	for i := range hits {
		if !slices.ContainsFunc(first, func(h *hit) bool { return h.steps[0] == hits[i].steps[0] }) {
			first = append(first, &hits[i])
		}
	}
	return first
}
