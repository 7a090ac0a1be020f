package analytics

import "fmt"

// RetentionQuery is the parameters of analytics.retention. Days count from
// 1970-01-01.
type RetentionQuery struct {
	// StartEvent puts a person into a cohort, ReturnEvent counts as coming
	// back; an empty name stands for any event.
	StartEvent, ReturnEvent string
	// Granularity is "day", "week" (from Monday) or "month".
	Granularity string
	// Mode is "recurring": a person is in the cohort of each interval with a
	// start event; "first_time": in that of the first start event of all
	// history; or "first_ever", which is the same as long as events are told
	// by their name only.
	Mode string
	// Cumulative counts a person at every period up to their last return.
	Cumulative bool
	// From lies in interval 0.
	From             int32
	Cohorts, Periods int
	// AsOf is the time in ms at which intervals that ended, in the zone of the
	// stream, are complete.
	AsOf int64
}

// RetentionRow is a row of analytics.retention.
type RetentionRow struct {
	// CohortDate is the first day of the cohort, 2006-01-02.
	CohortDate string
	Cohort     int64
	Period     int64
	Persons    int64
	CohortSize int64
	Complete   bool
}

// Rate is the share of the cohort that came back, and NULL where it cannot be said
// yet or there is no cohort.
func (r RetentionRow) Rate() string {
	if !r.Complete {
		return null
	}
	return share(r.Persons, r.CohortSize)
}

// String returns the columns as text.
func (r RetentionRow) String() string {
	return fmt.Sprintf("%s %d %d %d %d %v %s", r.CohortDate, r.Cohort, r.Period, r.Persons, r.CohortSize, r.Complete, r.Rate())
}

// Retention answers q: a row for each cohort and period, also where nobody is.
// Period 0 is the cohort itself; in period k > 0 are those of it who came back in
// the k-th interval after the cohort's own, or when cumulative, then or later.
func Retention(s Stream, q RetentionQuery) []RetentionRow {
	var rows []RetentionRow
	for _, c := range q.Definition().Evaluate(s) {
		rows = append(rows, RetentionRow{
			CohortDate: dayText(q.calendar().FirstDay(c.Cohort)),
			Cohort:     int64(c.Cohort),
			Period:     int64(c.Period),
			Persons:    c.Persons,
			CohortSize: c.CohortSize,
			Complete:   c.Complete,
		})
	}
	return rows
}

func (q RetentionQuery) calendar() Calendar { return Calendar{q.Granularity, q.From} }

// Definition returns the general form of q.
func (q RetentionQuery) Definition() RetentionDefinition {
	return RetentionDefinition{
		Start:       Named(q.StartEvent),
		Return:      Named(q.ReturnEvent),
		Granularity: q.Granularity,
		Mode:        q.Mode,
		Cumulative:  q.Cumulative,
		From:        int64(q.From) * dayMs,
		Cohorts:     q.Cohorts,
		Periods:     q.Periods,
		AsOf:        q.AsOf,
	}
}

// Named returns the condition that an event has the name; an empty name stands for
// any event.
func Named(name string) func(Event) bool {
	return func(e Event) bool { return name == "" || e.Name == name }
}

// RetentionActorsQuery is the parameters of analytics.retention_actors: the persons
// behind one cell of a retention table.
type RetentionActorsQuery struct {
	RetentionQuery
	Cohort, Period int
}

// RetentionActor is a row of analytics.retention_actors: a person of the cohort.
type RetentionActor struct {
	Person     uint64
	CohortDate string
	Cohort     int64
	Period     int64
	// Returned says whether the person counts in the cell.
	Returned bool
	Complete bool
}

// String returns the columns as text.
func (a RetentionActor) String() string {
	return fmt.Sprintf("%016X %s %d %d %v %v", a.Person, a.CohortDate, a.Cohort, a.Period, a.Returned, a.Complete)
}

// RetentionActors answers q: a row for each person of the cohort.
func RetentionActors(s Stream, q RetentionActorsQuery) []RetentionActor {
	var rows []RetentionActor
	for person := range s.Persons() {
		// A person alone is a stream of its own, with cells of 0 and 1.
		for _, c := range q.Definition().Evaluate(s.only(person)) {
			if c.Cohort == q.Cohort && c.Period == q.Period && c.CohortSize == 1 {
				rows = append(rows, RetentionActor{
					Person:     person,
					CohortDate: dayText(q.calendar().FirstDay(c.Cohort)),
					Cohort:     int64(c.Cohort),
					Period:     int64(c.Period),
					Returned:   c.Persons == 1,
					Complete:   c.Complete,
				})
			}
		}
	}
	return rows
}

// RetentionCurveRow is a row of analytics.retention_curve.
type RetentionCurveRow struct {
	Period int64
	// Cohorts is how many cohorts of somebody have completed the period,
	// AtRisk the persons in them, Persons those of them who came back.
	Cohorts, AtRisk, Persons int64
}

// String returns the columns as text.
func (r RetentionCurveRow) String() string {
	return fmt.Sprintf("%d %d %d %d %s", r.Period, r.Cohorts, r.AtRisk, r.Persons, share(r.Persons, r.AtRisk))
}

// RetentionCurve sums the retention table up by period. Only complete cells count,
// so a young cohort takes part in the first periods only, and is not mistaken for
// one that was lost.
func RetentionCurve(s Stream, q RetentionQuery) []RetentionCurveRow {
	rows := make([]RetentionCurveRow, q.Periods)
	for _, r := range Retention(s, q) {
		row := &rows[r.Period]
		row.Period = r.Period
		if r.Complete && r.CohortSize > 0 {
			row.Cohorts++
			row.AtRisk += r.CohortSize
			row.Persons += r.Persons
		}
	}
	return rows
}

// only returns the stream of one person.
func (s Stream) only(person uint64) Stream {
	one := Stream{Overrides: s.Overrides, Zone: s.Zone}
	for _, e := range s.Events {
		if s.Unified(e.Person) == person {
			one.Events = append(one.Events, e)
		}
	}
	return one
}

// null is how rows show that there is no value.
const null = "NULL"

// share returns part / whole as text, NULL if there is no whole.
func share(part, whole int64) string {
	if whole == 0 {
		return null
	}
	return number(float64(part) / float64(whole))
}

// number returns a Float64 column as text.
func number(x float64) string { return fmt.Sprintf("%.9g", x) }
