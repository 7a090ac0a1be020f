package analytics

import "slices"

// Path is how far a person came in a funnel of steps in order.
type Path struct {
	// Level is the highest step reached in any attempt, from 1; 0 means that
	// the person never did step 1.
	Level int
	// Times are those of the steps of the first attempt that reached Level.
	Times []int64
	// LastEntry is the time of the latest step 1. Until the window from there
	// has passed, Level may still rise.
	LastEntry int64
}

// attempt is one way through the steps so far: the time of its step 1 and the
// times of its steps.
type attempt struct {
	entry int64
	times []int64
}

// Ordered follows one person through different steps. Events are in the order of
// time; window is in milliseconds.
//
// The machine keeps, for each step k, the latest attempt that has reached it:
//
//   - Step 1 starts an attempt. A later step 1 starts another one, which replaces
//     it at step 1 only: what the first has reached further on stays.
//   - Step k takes the attempt at step k-1 on, if no more than window has passed
//     since its step 1, inclusive. Within an attempt the first event of a step
//     counts, so an attempt that is at step k already is not taken there again.
//   - Events of different steps at the same instant count in the order of the
//     steps, whatever order they came in. Of one step's events at one instant, one
//     counts.
//   - The first attempt to reach a step further than any before it is the
//     person's best; nothing follows the last step.
func Ordered(events []Event, steps []string, window int64) Path {
	var path Path
	at := make([]*attempt, len(steps)+1)
	for len(events) > 0 {
		now := events[0].Time
		n := 0
		for n < len(events) && events[n].Time == now {
			n++
		}
		var instant []int
		for _, e := range events[:n] {
			if k := slices.Index(steps, e.Name) + 1; k > 0 {
				instant = append(instant, k)
			}
		}
		events = events[n:]
		slices.Sort(instant)
		for _, k := range instant {
			if k == 1 {
				path.LastEntry = now
			}
			if path.Level == len(steps) {
				continue
			}
			from := &attempt{entry: now}
			if k > 1 {
				from = at[k-1]
			}
			switch {
			case from == nil || now-from.entry > window:
			case at[k] != nil && at[k].entry == from.entry:
			default:
				at[k] = &attempt{from.entry, append(slices.Clone(from.times), now)}
				if k > path.Level {
					path.Level, path.Times = k, at[k].times
				}
			}
		}
	}
	return path
}
