package analytics

import (
	"fmt"
	"math"
	"time"
)

// RetentionQuery is the parameters of analytics.retention. Days count from
// 1970-01-01.
type RetentionQuery struct {
	// StartEvent puts a person into a cohort, ReturnEvent counts as coming
	// back; an empty name stands for any event.
	StartEvent, ReturnEvent string
	// Granularity is "day", "week" (from Monday) or "month".
	Granularity string
	// Mode is "recurring": a person is in the cohort of each interval with a
	// start event; or "first_time": in that of the first start event of all
	// history.
	Mode string
	// Cumulative counts a person at every period up to their last return.
	Cumulative bool
	// From lies in interval 0.
	From             int32
	Cohorts, Periods int
	// AsOf is the day on which intervals that end before it are complete.
	AsOf int32
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

// String returns the columns as text.
func (r RetentionRow) String() string {
	return fmt.Sprintf("%s %d %d %d %d %v", r.CohortDate, r.Cohort, r.Period, r.Persons, r.CohortSize, r.Complete)
}

// Retention answers q: a row for each cohort and period, also where nobody is.
// Period 0 is the cohort itself; in period k > 0 are those of it who came back in
// the k-th interval after the cohort's own, or when cumulative, then or later.
func Retention(s Stream, q RetentionQuery) []RetentionRow {
	cell := make([][]int64, q.Cohorts)
	for i := range cell {
		cell[i] = make([]int64, q.Periods)
	}
	for _, events := range s.Persons() {
		starts, returns := map[int]bool{}, map[int]bool{}
		first := math.MaxInt
		for _, e := range events {
			i := q.interval(e.Day)
			if q.StartEvent == "" || e.Name == q.StartEvent {
				starts[i] = true
				first = min(first, i)
			}
			if q.ReturnEvent == "" || e.Name == q.ReturnEvent {
				returns[i] = true
			}
		}
		for i := range q.Cohorts {
			if !starts[i] || q.Mode == "first_time" && i != first {
				continue
			}
			cell[i][0]++
			last := i
			for r := range returns {
				last = max(last, r)
			}
			for k := 1; k < q.Periods; k++ {
				if returns[i+k] || q.Cumulative && i+k <= last {
					cell[i][k]++
				}
			}
		}
	}
	var rows []RetentionRow
	for i := range q.Cohorts {
		for k := range q.Periods {
			rows = append(rows, RetentionRow{
				CohortDate: q.firstDay(i),
				Cohort:     int64(i),
				Period:     int64(k),
				Persons:    cell[i][k],
				CohortSize: cell[i][0],
				Complete:   i+k < q.interval(q.AsOf),
			})
		}
	}
	return rows
}

// interval returns the number of the interval that holds the day, where From lies
// in interval 0.
func (q RetentionQuery) interval(day int32) int {
	switch q.Granularity {
	case "day":
		return int(day - q.From)
	case "week":
		return int(monday(day)-monday(q.From)) / 7
	default:
		return month(day) - month(q.From)
	}
}

// firstDay returns the first day of an interval.
func (q RetentionQuery) firstDay(interval int) string {
	var t time.Time
	switch q.Granularity {
	case "day":
		t = date(q.From).AddDate(0, 0, interval)
	case "week":
		t = date(monday(q.From)).AddDate(0, 0, 7*interval)
	default:
		t = time.Date(1970, time.Month(1+month(q.From)+interval), 1, 0, 0, 0, 0, time.UTC)
	}
	return t.Format(time.DateOnly)
}

func date(day int32) time.Time { return time.Unix(int64(day)*24*60*60, 0).UTC() }

// monday returns the Monday of the week that holds the day.
func monday(day int32) int32 { return day - int32(date(day).Weekday()+6)%7 }

// month counts months from January 1970.
func month(day int32) int { return (date(day).Year()-1970)*12 + int(date(day).Month()) - 1 }
