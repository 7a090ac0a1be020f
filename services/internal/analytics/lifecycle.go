package analytics

import "fmt"

// LifecycleRow is a row of analytics.lifecycle.
type LifecycleRow struct {
	// IntervalDate is the first day of the interval, 2006-01-02.
	IntervalDate string
	// Status is "new", "returning", "resurrecting" or "dormant".
	Status string
	// Persons is negative where they are dormant.
	Persons  int64
	Complete bool
}

// String returns the columns as text.
func (r LifecycleRow) String() string {
	return fmt.Sprintf("%s %s %d %v", r.IntervalDate, r.Status, r.Persons, r.Complete)
}

// Lifecycle answers q: for each interval, who is active in it by where they come
// from, and who was active in the one before and is not in it.
//
// A person is new in the interval of the first event of all their history, whatever
// its name; else returning, if they were active in the interval before; else
// resurrecting.
func Lifecycle(s Stream, q SpanQuery) []LifecycleRow {
	count := q.calendar().Count(q.To)
	persons := map[string][]int64{}
	for _, status := range []string{"new", "returning", "resurrecting", "dormant"} {
		persons[status] = make([]int64, count)
	}
	for _, events := range s.Persons() {
		created := q.calendar().Number(events[0].Day)
		for _, e := range events {
			created = min(created, q.calendar().Number(e.Day))
		}
		active := q.active(events)
		for i := range count {
			switch {
			case active[i] && i == created:
				persons["new"][i]++
			case active[i] && active[i-1]:
				persons["returning"][i]++
			case active[i]:
				persons["resurrecting"][i]++
			case active[i-1]:
				persons["dormant"][i]--
			}
		}
	}
	var rows []LifecycleRow
	for status, counts := range persons {
		for i, n := range counts {
			rows = append(rows, LifecycleRow{dayText(q.calendar().FirstDay(i)), status, n, q.complete(i, s.zone())})
		}
	}
	return rows
}
