package analytics

import (
	"fmt"
	"math"
)

// NorthStarQuery is the parameters of analytics.north_star.
type NorthStarQuery struct {
	SpanQuery
	// Metric is "persons", "new_persons", "events", "orders" or "revenue".
	Metric string
	// Currency is that of the revenue; empty = any.
	Currency string
}

// NorthStarRow is a row of analytics.north_star.
type NorthStarRow struct {
	// IntervalDate is the first day of the interval, 2006-01-02.
	IntervalDate string
	Metric       string
	// Previous is the value in the interval before.
	Value, Previous float64
	Complete        bool
}

// String returns the columns as text. The change to the interval before is NULL
// where that was nothing, and while the interval lasts.
func (r NorthStarRow) String() string {
	change := null
	if r.Complete && r.Previous != 0 {
		change = number((r.Value - r.Previous) / r.Previous)
	}
	return fmt.Sprintf("%s %s %s %s %s %v", r.IntervalDate, r.Metric, number(r.Value), number(r.Previous), change, r.Complete)
}

// NorthStar answers q: a row for each interval.
func NorthStar(s Stream, q NorthStarQuery) []NorthStarRow {
	// amounts are in 1/10000 where the metric is revenue.
	amounts := map[int]int64{}
	for _, events := range s.Persons() {
		first := math.MaxInt
		for _, e := range events {
			if !Named(q.Event)(e) {
				continue
			}
			i := q.calendar().Number(e.Day)
			first = min(first, i)
			switch {
			case q.Metric == "events", q.Metric == "orders" && e.Kind == "order":
				amounts[i]++
			case q.Metric == "revenue" && (q.Currency == "" || e.Currency == q.Currency):
				amounts[i] += e.Revenue
			}
		}
		switch q.Metric {
		case "persons":
			for i := range q.active(events) {
				amounts[i]++
			}
		case "new_persons":
			amounts[first]++
		}
	}
	unit := 1.0
	if q.Metric == "revenue" {
		unit = 10000
	}
	rows := make([]NorthStarRow, q.calendar().Count(q.To))
	for i := range rows {
		rows[i] = NorthStarRow{
			IntervalDate: dayText(q.calendar().FirstDay(i)),
			Metric:       q.Metric,
			Value:        float64(amounts[i]) / unit,
			Previous:     float64(amounts[i-1]) / unit,
			Complete:     q.complete(i),
		}
	}
	return rows
}
