package analytics

import (
	"fmt"
	"time"
)

// SpanQuery is the parameters that active_users, lifecycle and stickiness share.
// Days count from 1970-01-01.
type SpanQuery struct {
	// Event is what makes a person active; an empty name stands for any event.
	Event string
	// Granularity is "day", "week" (from Monday) or "month".
	Granularity string
	// From is the first day, To the first that does not count. An interval that
	// they touch counts as a whole.
	From, To int32
	// AsOf is the time in ms at which intervals that ended, in the zone of the
	// stream, are complete.
	AsOf int64
}

func (q SpanQuery) calendar() Calendar { return Calendar{q.Granularity, q.From} }

// complete says whether an interval of a zone ended before AsOf.
func (q SpanQuery) complete(interval int, zone *time.Location) bool {
	return interval < q.calendar().Number(localDay(q.AsOf, zone))
}

// active returns the numbers of the intervals in which a person was active, of all
// history.
func (q SpanQuery) active(events []Event) map[int]bool {
	intervals := map[int]bool{}
	for _, e := range events {
		if Named(q.Event)(e) {
			intervals[q.calendar().Number(e.Day)] = true
		}
	}
	return intervals
}

// ActiveUsersRow is a row of analytics.active_users.
type ActiveUsersRow struct {
	Day           string
	DAU, WAU, MAU int64
	Complete      bool
}

// String returns the columns as text.
func (r ActiveUsersRow) String() string {
	return fmt.Sprintf("%s %d %d %d %s %v", r.Day, r.DAU, r.WAU, r.MAU, number(ratio(r.DAU, r.MAU)), r.Complete)
}

// ActiveUsers answers q, whose granularity is the day: a row for each day, with the
// persons active on it, in the 7 days and in the 30 days that end with it.
func ActiveUsers(s Stream, q SpanQuery) []ActiveUsersRow {
	q.Granularity = "day"
	rows := make([]ActiveUsersRow, q.calendar().Count(q.To))
	for i := range rows {
		rows[i].Day = dayText(q.From + int32(i))
		rows[i].Complete = q.complete(i, s.zone())
	}
	for _, events := range s.Persons() {
		days := q.active(events)
		for i := range rows {
			for window, count := range map[int]*int64{1: &rows[i].DAU, 7: &rows[i].WAU, 30: &rows[i].MAU} {
				for back := range window {
					if days[i-back] {
						*count++
						break
					}
				}
			}
		}
	}
	return rows
}
