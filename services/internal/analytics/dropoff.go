package analytics

import (
	"cmp"
	"fmt"
	"slices"
)

// DropOffRow is a row of analytics.drop_off: those of a group who got as far as a
// step.
type DropOffRow struct {
	Value string
	Step  int64
	Event string
	// Persons did the step; Dropped and Pending no later one.
	Persons, Dropped, Pending int64
	// Rate is Dropped / Persons.
	Rate float64
	// Spent is how long those who dropped had taken from step 1 to this one.
	Spent Spread
}

// String returns the columns as text.
func (r DropOffRow) String() string {
	return fmt.Sprintf("%s %d %s %d %d %d %.9g %v", r.Value, r.Step, r.Event, r.Persons, r.Dropped, r.Pending, r.Rate, r.Spent)
}

// DropOff says where the entrants of d leave the funnel, for each of the top values
// and each step but the last.
func DropOff(s Stream, d FunnelDefinition, top int) []DropOffRow {
	var rows []DropOffRow
	for _, g := range d.Breakdown(d.Entrants(s), top) {
		funnel := d.Rows(g.Entrants)
		for _, r := range funnel[:len(funnel)-1] {
			var spent []float64
			for _, e := range g.Entrants {
				if e.Level == int(r.Step) && e.Outcome == Dropped {
					spent = append(spent, float64(e.Last()-e.Entered())/1000)
				}
			}
			rows = append(rows, DropOffRow{g.Value, r.Step, r.Event, r.Persons, r.Dropped, r.Pending, ratio(r.Dropped, r.Persons), spread(spent)})
		}
	}
	return rows
}

// DropOffNextRow is a row of analytics.drop_off_next and drop_off_next_page.
type DropOffNextRow struct {
	Next          string
	Persons       int64
	Share         float64
	MedianSeconds float64
}

// String returns the columns as text.
func (r DropOffNextRow) String() string {
	return fmt.Sprintf("%s %d %.9g %.9g", r.Next, r.Persons, r.Share, r.MedianSeconds)
}

// Nothing is what those did next who did nothing.
const Nothing = "(nothing)"

// DropOffNext says what those did next who dropped after a step: the first event
// for which next gives a text, after the last step of their path and within the
// horizon, inclusive. Any such event counts, also one at the start of another
// attempt. Of simultaneous ones the first in the log counts. The most frequent is
// first.
func DropOffNext(s Stream, d FunnelDefinition, afterStep int, horizonSeconds int64, next func(Event) string) []DropOffNextRow {
	persons := s.Persons()
	seconds := map[string][]float64{}
	left := only(d.Entrants(s), func(e Entrant) bool { return e.Level == afterStep && e.Outcome == Dropped })
	for _, entrant := range left {
		did, after := Nothing, 0.0
		for _, e := range persons[entrant.Person] {
			late := e.Time - entrant.Last()
			if late > 0 && late <= horizonSeconds*1000 && next(e) != "" {
				did, after = next(e), float64(late)/1000
				break
			}
		}
		seconds[did] = append(seconds[did], after)
	}
	var rows []DropOffNextRow
	for did, values := range seconds {
		n := int64(len(values))
		rows = append(rows, DropOffNextRow{did, n, ratio(n, int64(len(left))), quantile(values, 0.5)})
	}
	slices.SortFunc(rows, func(a, b DropOffNextRow) int {
		return cmp.Or(cmp.Compare(b.Persons, a.Persons), cmp.Compare(a.Next, b.Next))
	})
	return rows
}
