package analytics

import (
	"fmt"
	"math"
)

// NorthStarQuery is the parameters of analytics.north_star.
type NorthStarQuery struct {
	SpanQuery
	// Metric is "persons", "new_persons", "events", "orders" or "revenue"; or
	// "sessions" or "bounce_rate", which have no Event.
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
	value := q.values(s)
	rows := make([]NorthStarRow, q.calendar().Count(q.To))
	for i := range rows {
		rows[i] = NorthStarRow{
			IntervalDate: dayText(q.calendar().FirstDay(i)),
			Metric:       q.Metric,
			Value:        value(i),
			Previous:     value(i - 1),
			Complete:     q.complete(i, s.zone()),
		}
	}
	return rows
}

// values returns the metric by interval.
func (q NorthStarQuery) values(s Stream) func(interval int) float64 {
	switch q.Metric {
	case "sessions", "bounce_rate":
		return q.sessions(s)
	case "revenue":
		return q.revenue(s)
	}
	counts := map[int]int64{}
	for _, events := range s.Persons() {
		first := math.MaxInt
		for _, e := range events {
			if !Named(q.Event)(e) {
				continue
			}
			i := q.calendar().Number(e.Day)
			first = min(first, i)
			if q.Metric == "events" || q.Metric == "orders" && e.Kind == "order" {
				counts[i]++
			}
		}
		switch q.Metric {
		case "persons":
			for i := range q.active(events) {
				counts[i]++
			}
		case "new_persons":
			counts[first]++
		}
	}
	return func(i int) float64 { return float64(counts[i]) }
}

func (q NorthStarQuery) revenue(s Stream) func(interval int) float64 {
	sums := map[int]*Amount{}
	for _, e := range s.Counted() {
		if !Named(q.Event)(e) || q.Currency != "" && e.Currency != q.Currency {
			continue
		}
		i := q.calendar().Number(e.Day)
		if sums[i] == nil {
			sums[i] = &Amount{}
		}
		sums[i].Add(e.Revenue)
	}
	return func(i int) float64 {
		if sums[i] == nil {
			return 0
		}
		return sums[i].Float()
	}
}

// sessions counts a session in the interval of its first day. Days are looked at as
// far back as a session may reach.
func (q NorthStarQuery) sessions(s Stream) func(interval int) float64 {
	from, to := q.calendar().FirstDay(-1)-margin, q.calendar().FirstDay(q.calendar().Count(q.To))
	cut := map[uint64][]Event{}
	for _, e := range s.Counted() {
		if e.Session != 0 && e.Day >= from && e.Day < to+margin {
			cut[e.Session] = append(cut[e.Session], e)
		}
	}
	sessions, bounces := map[int]int64{}, map[int]int64{}
	for id, events := range cut {
		session := newSession(id, events)
		i := q.calendar().Number(session.Day)
		sessions[i]++
		if session.Bounce {
			bounces[i]++
		}
	}
	if q.Metric == "sessions" {
		return func(i int) float64 { return float64(sessions[i]) }
	}
	return func(i int) float64 { return ratio(bounces[i], sessions[i]) }
}
