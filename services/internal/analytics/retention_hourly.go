package analytics

import (
	"fmt"
	"time"
)

// RetentionHourlyQuery is the parameters of analytics.retention_hourly.
type RetentionHourlyQuery struct {
	StartEvent, ReturnEvent string
	// Mode and Cumulative are those of RetentionQuery.
	Mode       string
	Cumulative bool
	// From is a time in ms: the hour on the project's clocks that holds it is the
	// first cohort's.
	From             int64
	Cohorts, Periods int
	// AsOf is the time in ms at which hours that ended are complete.
	AsOf int64
}

// Definition returns the general form of q.
func (q RetentionHourlyQuery) Definition() RetentionDefinition {
	return RetentionDefinition{
		Start:       Named(q.StartEvent),
		Return:      Named(q.ReturnEvent),
		Granularity: "hour",
		Mode:        q.Mode,
		Cumulative:  q.Cumulative,
		From:        q.From,
		Cohorts:     q.Cohorts,
		Periods:     q.Periods,
		AsOf:        q.AsOf,
	}
}

// RetentionHourlyRow is a row of analytics.retention_hourly.
type RetentionHourlyRow struct {
	// CohortStart is when the cohort's hour begins, in ms.
	CohortStart int64
	// CohortHour is what the clocks of the project show then, 0 to 23.
	CohortHour int
	RetentionRow
}

// String returns the columns as text.
func (r RetentionHourlyRow) String() string {
	return fmt.Sprintf("%s %s %d %d %d %d %d %v %s", instantText(r.CohortStart), r.CohortDate, r.CohortHour, r.Cohort, r.Period,
		r.Persons, r.CohortSize, r.Complete, r.Rate())
}

// RetentionHourly answers q: retention by the hours that pass, so a day on which
// clocks change has 23 or 25 cohorts.
func RetentionHourly(s Stream, q RetentionHourlyQuery) []RetentionHourlyRow {
	var rows []RetentionHourlyRow
	for _, c := range q.Definition().Evaluate(s) {
		start := hourStart(q.From, s.zone()) + int64(c.Cohort)*hourMs
		rows = append(rows, RetentionHourlyRow{start, time.UnixMilli(start).In(s.zone()).Hour(), RetentionRow{
			CohortDate: dayText(localDay(start, s.zone())),
			Cohort:     int64(c.Cohort),
			Period:     int64(c.Period),
			Persons:    c.Persons,
			CohortSize: c.CohortSize,
			Complete:   c.Complete,
		}})
	}
	return rows
}
