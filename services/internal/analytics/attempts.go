package analytics

import (
	"cmp"
	"slices"
)

// attempts divides what a person did into attempts, each with a path of its own.
//
//   - Step 1 starts an attempt when none is under way; the first event of each next
//     step takes it on. Optional steps may be passed over.
//   - It ends with the last step; when window has passed since its step 1; with an
//     event that is forbidden before the next step, which excludes it; and strictly
//     with any event that is not the next step, which may start the next attempt.
//   - Of one instant's events those of lower steps come first; if they do not all
//     match the same, they forbid nothing and lie between nothing.
func attempts(hits []hit, n int, optional func(step int) bool, strict bool, window int64) []Path {
	var done []Path
	var now []*hit
	end := func(excluded bool) {
		p := pathOf(now)
		p.LastEntry, p.Excluded = p.Times[0], excluded
		done = append(done, p)
		now = nil
	}
	for instant := range instants(hits) {
		together := !alike(instant)
		instant = slices.Clone(instant)
		slices.SortStableFunc(instant, func(a, b hit) int { return cmp.Compare(a.lowest(n), b.lowest(n)) })
		for i := range instant {
			h := &instant[i]
			if len(now) > 0 && h.Time-now[0].Time > window {
				end(false)
			}
			if now != nil {
				if k := nextStep(len(now), h.steps, optional); k > 0 {
					for len(now) < k-1 {
						now = append(now, nil)
					}
					if now = append(now, h); k == n {
						end(false)
					}
					continue
				}
				if !together && slices.Contains(h.forbids, len(now)+1) {
					end(true)
				} else if !together && strict {
					end(false)
				}
			}
			if now == nil && slices.Contains(h.steps, 1) {
				if now = []*hit{h}; n == 1 {
					end(false)
				}
			}
		}
	}
	if now != nil {
		end(false)
	}
	return done
}

// lowest is the lowest step that h matches; after the last one if it matches none.
func (h hit) lowest(n int) int {
	if len(h.steps) == 0 {
		return n + 1
	}
	return h.steps[0]
}

// nextStep returns the step of steps that follows level, or 0.
func nextStep(level int, steps []int, optional func(step int) bool) int {
	for _, k := range steps {
		if k <= level {
			continue
		}
		for level+1 < k && optional(level+1) {
			level++
		}
		if k == level+1 {
			return k
		}
		return 0
	}
	return 0
}
