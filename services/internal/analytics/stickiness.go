package analytics

import "fmt"

// StickinessRow is a row of analytics.stickiness.
type StickinessRow struct {
	Intervals               int64
	Persons, PersonsAtLeast int64
	// Total is everybody who was active.
	Total int64
}

// String returns the columns as text.
func (r StickinessRow) String() string {
	return fmt.Sprintf("%d %d %d %s", r.Intervals, r.Persons, r.PersonsAtLeast, number(ratio(r.PersonsAtLeast, r.Total)))
}

// Stickiness answers q: for each number of intervals, how many persons were active
// in exactly and in at least so many of the span's.
func Stickiness(s Stream, q SpanQuery) []StickinessRow {
	return StickinessBy(s, q, func(occurrences int) bool { return occurrences > 0 })
}

// StickinessBy is Stickiness with another criterion: an interval counts when the
// number of a person's events in it satisfies it. Intervals without events are not
// put to it, so "at most 1" does not count those in which nobody came.
func StickinessBy(s Stream, q SpanQuery, criterion func(occurrences int) bool) []StickinessRow {
	rows := make([]StickinessRow, q.calendar().Count(q.To))
	for i := range rows {
		rows[i].Intervals = int64(i + 1)
	}
	for _, events := range s.Persons() {
		occurrences := map[int]int{}
		for _, e := range events {
			if Named(q.Event)(e) {
				occurrences[q.calendar().Number(e.Day)]++
			}
		}
		met := 0
		for i := range rows {
			if occurrences[i] > 0 && criterion(occurrences[i]) {
				met++
			}
		}
		if met == 0 {
			continue
		}
		rows[met-1].Persons++
		for i := range rows {
			rows[i].Total++
			if i < met {
				rows[i].PersonsAtLeast++
			}
		}
	}
	return rows
}

// StickinessCountedQuery is the parameters of analytics.stickiness_counted.
type StickinessCountedQuery struct {
	SpanQuery
	// Comparison is ">=", "<=" or "=": how the number of a person's events in an
	// interval is compared with Occurrences.
	Comparison  string
	Occurrences int64
}

// StickinessCounted answers q: Stickiness with the criterion.
func StickinessCounted(s Stream, q StickinessCountedQuery) []StickinessRow {
	return StickinessBy(s, q.SpanQuery, func(occurrences int) bool {
		switch n := int64(occurrences); q.Comparison {
		case ">=":
			return n >= q.Occurrences
		case "<=":
			return n <= q.Occurrences
		default:
			return n == q.Occurrences
		}
	})
}
