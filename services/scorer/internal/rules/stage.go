package rules

import (
	"math"
	"strconv"

	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/fragment"
)

func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// Stage returns the last stage that holds, and since when, in milliseconds since
// 1970: the first time at which it may have held, as far as fragments tell.
//
// Exact are conditions that one event fulfils (an event, an order, a trait), days
// and numbers of active days. A condition that several events fulfil together is
// dated by the first of them, and one whose first time was not kept by the first
// event of the person. A stage that was left and reached again keeps its first
// time.
func (r *Rules) Stage(f *pb.Fragment, asOf int64) (name string, since int64) {
	for i := len(r.Stages) - 1; i >= 0; i-- {
		if since, ok := r.Stages[i].since(r, f, asOf); ok {
			return r.Stages[i].Name, since
		}
	}
	return "", f.FirstSeenMs
}

// since returns the first time at which the stage may have held, when it holds.
func (s *Stage) since(r *Rules, f *pb.Fragment, asOf int64) (since int64, ok bool) {
	since = f.FirstSeenMs
	for i := range s.All {
		if _, ok := s.All[i].holds(r, f, asOf); !ok {
			return 0, false
		}
		since = max(since, s.All[i].since(f, asOf))
	}
	if len(s.Any) == 0 {
		return since, true
	}
	first := int64(math.MaxInt64)
	for i := range s.Any {
		if _, ok := s.Any[i].holds(r, f, asOf); ok {
			first = min(first, s.Any[i].since(f, asOf))
		}
	}
	return max(since, first), first != math.MaxInt64
}

// since returns the first time at which the condition, which holds, may have held.
func (c *Condition) since(f *pb.Fragment, asOf int64) int64 {
	if c.FewerThan > 0 {
		if c.Fact == DaysSinceLast && c.least() == 0 {
			return f.LastSeenMs
		}
		return f.FirstSeenMs
	}
	switch c.Fact {
	case EventCount:
		return firstTime(f, c.Events)
	case Orders, Revenue:
		return firstTime(f, []string{fragment.FirstOrder})
	case ActiveDays:
		days := c.days(f, asOf)
		nth := int(math.Ceil(c.least()))
		return max(f.FirstSeenMs, min(f.LastSeenMs, int64(days[nth-1])*day))
	case DaysSinceFirst:
		return f.FirstSeenMs + int64(c.least()*float64(day))
	case DaysSinceLast:
		return f.LastSeenMs + int64(c.least()*float64(day))
	case Trait, TraitOther, TraitNumber:
		return f.Traits[c.Trait].GetAtMs()
	case BusinessEmail, FreeEmail:
		return f.Traits[fragment.Email].GetAtMs()
	}
	return f.FirstSeenMs
}

// firstTime returns the earliest first time of the names, or the first event's.
func firstTime(f *pb.Fragment, names []string) int64 {
	first := int64(math.MaxInt64)
	for _, name := range names {
		if t, ok := f.FirstTimes[name]; ok {
			first = min(first, t)
		}
	}
	if first == math.MaxInt64 {
		return f.FirstSeenMs
	}
	return first
}
