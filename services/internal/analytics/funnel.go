package analytics

import (
	"fmt"
	"slices"
)

// FunnelRow is a row of analytics.funnel: a step.
type FunnelRow struct {
	Step  int64
	Event string
	// Entered is how many did step 1, Persons how many did this step. Of these,
	// Converted did a later one (at the last step: all), Pending may still, and
	// Dropped did not in time.
	Entered, Persons, Converted, Pending, Dropped int64
	// ConversionTotal is Persons / Entered, ConversionStep Persons / Persons of the
	// step before.
	ConversionTotal, ConversionStep float64
	// FromPrevious and FromFirst are the median, the 75th and the 90th percentile of
	// the seconds since the step before and since step 1, over all who did the step;
	// 0 for step 1 and where nobody came.
	FromPrevious, FromFirst Spread
}

// Spread is quantiles of a duration, in seconds.
type Spread struct{ Median, P75, P90 float64 }

func spread(seconds []float64) Spread {
	return Spread{quantile(seconds, 0.5), quantile(seconds, 0.75), quantile(seconds, 0.9)}
}

// String returns the quantiles as text.
func (s Spread) String() string { return fmt.Sprintf("%.9g %.9g %.9g", s.Median, s.P75, s.P90) }

// String returns the columns as text.
func (r FunnelRow) String() string {
	return fmt.Sprintf("%d %s %d %d %d %d %d %.9g %.9g %v %v", r.Step, r.Event, r.Entered, r.Persons, r.Converted, r.Pending, r.Dropped,
		r.ConversionTotal, r.ConversionStep, r.FromPrevious, r.FromFirst)
}

// Rows counts entrants at each step. Where every step is required,
// Persons = Persons of the next step + Pending + Dropped; an optional step counts
// those who did it, so that counts may rise again after it.
func (d FunnelDefinition) Rows(entrants []Entrant) []FunnelRow {
	rows := make([]FunnelRow, len(d.Steps))
	for i, step := range d.Steps {
		r := &rows[i]
		r.Step, r.Event, r.Entered = int64(i+1), step.Name, int64(len(entrants))
		var fromPrevious, fromFirst []float64
		for _, e := range entrants {
			if i >= e.Level || e.Times[i] == Skipped {
				continue
			}
			r.Persons++
			switch {
			case e.Level > i+1 || e.Outcome == Converted:
				r.Converted++
			case e.Outcome == Pending:
				r.Pending++
			default:
				r.Dropped++
			}
			if i > 0 {
				before := i - 1
				for e.Times[before] == Skipped {
					before--
				}
				fromPrevious = append(fromPrevious, float64(e.Times[i]-e.Times[before])/1000)
				fromFirst = append(fromFirst, float64(e.Times[i]-e.Times[0])/1000)
			}
		}
		r.ConversionTotal = ratio(r.Persons, r.Entered)
		r.ConversionStep = ratio(r.Persons, rows[max(i-1, 0)].Persons)
		r.FromPrevious, r.FromFirst = spread(fromPrevious), spread(fromFirst)
	}
	return rows
}

// Funnel answers d for everybody who entered.
func Funnel(s Stream, d FunnelDefinition) []FunnelRow { return d.Rows(d.Entrants(s)) }

// StepsNamed returns steps that are the events of these names.
func StepsNamed(names ...string) []FunnelStep {
	return stepsBy(names, func(e Event) string { return e.Name })
}

// StepsOfKind returns steps that are events of these canonical kinds.
func StepsOfKind(kinds ...string) []FunnelStep {
	return stepsBy(kinds, func(e Event) string { return e.Kind })
}

func stepsBy(names []string, of func(Event) string) []FunnelStep {
	steps := make([]FunnelStep, len(names))
	for i, name := range names {
		match := func(e Event) bool { return of(e) == name }
		steps[i] = FunnelStep{Name: name, Match: match, Base: match}
	}
	return steps
}

// Forbid returns the exclusion of an event of that name between two steps.
func Forbid(name string, from, to int) FunnelExclusion {
	return FunnelExclusion{func(e Event) bool { return e.Name == name }, from, to}
}

// groupEntrants divides entrants by a key.
func groupEntrants[K comparable](entrants []Entrant, key func(Entrant) K) map[K][]Entrant {
	groups := map[K][]Entrant{}
	for _, e := range entrants {
		groups[key(e)] = append(groups[key(e)], e)
	}
	return groups
}

// only returns the entrants that keep holds for.
func only(entrants []Entrant, keep func(Entrant) bool) []Entrant {
	return slices.DeleteFunc(slices.Clone(entrants), func(e Entrant) bool { return !keep(e) })
}
