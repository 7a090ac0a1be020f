package analytics

import (
	"cmp"
	"fmt"
	"slices"
)

// TrendRow is a row of analytics.funnel_trend: a step of those whose path begins in
// an interval.
type TrendRow struct {
	// EntryDate is the first day of the interval, since 1970-01-01.
	EntryDate int32
	Step      int64
	Event     string
	// The numbers are those of FunnelRow.
	Entered, Persons, Converted, Pending, Dropped int64
	ConversionTotal, ConversionStep               float64
	MedianSeconds                                 float64
	// Complete says that every window which opened in the interval has closed.
	Complete bool
}

// String returns the columns as text.
func (r TrendRow) String() string {
	return fmt.Sprintf("%s %d %s %d %d %d %d %d %.9g %.9g %.9g %v", dayText(r.EntryDate), r.Step, r.Event,
		r.Entered, r.Persons, r.Converted, r.Pending, r.Dropped, r.ConversionTotal, r.ConversionStep, r.MedianSeconds, r.Complete)
}

// FunnelTrend divides one funnel by the day, week (from Monday) or month in which
// the path begins, in the zone of the project; everybody is in one interval, so the
// intervals sum up to the funnel. Who enters again and comes further moves to the
// later interval. An interval without entrants has no row.
func FunnelTrend(s Stream, d FunnelDefinition, granularity string) []TrendRow {
	groups := groupEntrants(d.Entrants(s), func(e Entrant) int32 { return Calendar{granularity, e.EntryDay}.FirstDay(0) })
	var rows []TrendRow
	for start, members := range groups {
		// The day ends in every zone no later than 12 h after it does in UTC.
		end := int64(Calendar{granularity, start}.FirstDay(1))*dayMs + 12*hourMs
		for _, r := range d.Rows(members) {
			rows = append(rows, TrendRow{start, r.Step, r.Event, r.Entered, r.Persons, r.Converted, r.Pending, r.Dropped,
				r.ConversionTotal, r.ConversionStep, r.FromPrevious.Median, end+d.window() < d.AsOf})
		}
	}
	slices.SortFunc(rows, func(a, b TrendRow) int {
		return cmp.Or(cmp.Compare(a.EntryDate, b.EntryDate), cmp.Compare(a.Step, b.Step))
	})
	return rows
}
