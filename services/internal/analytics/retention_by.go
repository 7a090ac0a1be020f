package analytics

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// RetentionByQuery is the parameters of analytics.retention_by.
type RetentionByQuery struct {
	RetentionQuery
	// By returns the value of the column to break down by.
	By func(Event) string
	// Top is how many values are shown by themselves.
	Top int
}

// RetentionByRow is a row of analytics.retention_by.
type RetentionByRow struct {
	// Breakdown is "(not set)" for persons who never had a value, and "Other" for
	// those whose value is beyond the top.
	Breakdown string
	RetentionRow
}

// String returns the columns as text.
func (r RetentionByRow) String() string { return r.Breakdown + " " + r.RetentionRow.String() }

// RetentionBy answers q: the retention table of each value. A person's value is the
// first of all history that is not empty, so everybody is in one table and they sum
// up to Retention. Values are ranked by the sizes of their cohorts together, and
// those of equal size by alphabet. A value with nobody in a cohort has no table.
func RetentionBy(s Stream, q RetentionByQuery) []RetentionByRow {
	d := q.Definition()
	d.By, d.PerPerson = q.By, true
	size := map[string]int64{}
	cells := map[string][]RetentionCell{}
	for _, c := range d.Evaluate(s) {
		value := cmp.Or(c.Breakdown, "(not set)")
		cells[value] = append(cells[value], c)
		if c.Period == 0 {
			size[value] += c.CohortSize
		}
	}
	ranked := slices.SortedFunc(maps.Keys(size), func(a, b string) int { return cmp.Or(-cmp.Compare(size[a], size[b]), cmp.Compare(a, b)) })
	tables := map[string][]RetentionByRow{}
	for i, value := range ranked {
		label := value
		if i >= q.Top {
			label = "Other"
		}
		if tables[label] == nil {
			for _, c := range cells[value] {
				tables[label] = append(tables[label], RetentionByRow{label, RetentionRow{
					CohortDate: dayText(q.calendar().FirstDay(c.Cohort)), Cohort: int64(c.Cohort), Period: int64(c.Period), Complete: c.Complete,
				}})
			}
		}
		for k, c := range cells[value] {
			tables[label][k].Persons += c.Persons
			tables[label][k].CohortSize += c.CohortSize
		}
	}
	return slices.Concat(slices.Collect(maps.Values(tables))...)
}

// RollingQuery is the parameters of analytics.retention_rolling.
type RollingQuery struct {
	StartEvent, ReturnEvent string
	// Granularity is "hour", "day", "week" or "month": 1, 24, 168 or 720 h.
	Granularity string
	// From is where cohort 0 begins, in ms.
	From             int64
	Cohorts, Periods int
	// AsOf is the time in ms at which cells that can no longer change are complete.
	AsOf int64
}

// Definition returns the general form of q.
func (q RollingQuery) Definition() RetentionDefinition {
	return RetentionDefinition{
		Start:       Named(q.StartEvent),
		Return:      Named(q.ReturnEvent),
		Granularity: q.Granularity,
		Mode:        "first_time",
		Rolling:     true,
		From:        q.From,
		Cohorts:     q.Cohorts,
		Periods:     q.Periods,
		AsOf:        q.AsOf,
	}
}

// RollingRow is a row of analytics.retention_rolling.
type RollingRow struct {
	// CohortStart is when the cohort begins, in ms.
	CohortStart int64
	RetentionRow
}

// String returns the columns as text.
func (r RollingRow) String() string {
	return fmt.Sprintf("%s %s", instantText(r.CohortStart), r.RetentionRow)
}

// RetentionRolling answers q: retention by the clock of each person.
func RetentionRolling(s Stream, q RollingQuery) []RollingRow {
	d := q.Definition()
	var rows []RollingRow
	for _, c := range d.Evaluate(s) {
		start := q.From + int64(c.Cohort)*d.width()
		rows = append(rows, RollingRow{start, RetentionRow{
			CohortDate: dayText(utcDay(start)),
			Cohort:     int64(c.Cohort),
			Period:     int64(c.Period),
			Persons:    c.Persons,
			CohortSize: c.CohortSize,
			Complete:   c.Complete,
		}})
	}
	return rows
}
