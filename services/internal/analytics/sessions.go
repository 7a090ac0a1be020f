package analytics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// SessionQuery asks for the sessions that began in [From, To), in milliseconds since
// 1970 UTC.
type SessionQuery struct{ From, To int64 }

// margin is how many days before and after the range are looked at. A session lasts
// a day at most, and the days of a project begin up to 14 hours off UTC's.
const margin = 2

// days returns the first and last day whose events are looked at.
func (q SessionQuery) days() (first, last int32) {
	return utcDay(q.From) - margin, utcDay(q.To) + margin
}

// Session is a row of touchline.sessions: all events of a session id that are not by
// bots. Their order is that of time and then of the log.
type Session struct {
	ID uint64
	// Person is who did the last event: a visitor who signs in is that user.
	Person     uint64
	Start, End int64
	// Day is the earliest day of its events.
	Day    int32
	Events int64
	// Pages are the page and screen views; Interactions the events with which
	// somebody did something.
	Pages, Interactions int64
	// EntryPage and ExitPage are the first and the last page or screen, "" where
	// there was none.
	EntryPage, ExitPage string
	// Acquisition and what follows are those of the first event that has an
	// acquisition channel.
	Acquisition, Source, Medium, Campaign string
	// Device and Country are those of the first page or screen, or else of the
	// first event.
	Device, Country string
	// Conversions are orders, sign-ups, leads and starts of subscriptions.
	Conversions, Orders int64
	// Revenue adds up amounts of any currency; Currency is "(mixed)" then.
	Revenue  Amount
	Currency string
	// Bounce says that the visitor did at most one thing.
	Bounce bool
	// New says that the person did nothing before.
	New bool
}

// Seconds returns how long the session lasted.
func (s Session) Seconds() float64 { return float64(s.End-s.Start) / 1000 }

// Visitor returns new or returning.
func (s Session) Visitor() string {
	if s.New {
		return "new"
	}
	return "returning"
}

// String returns the columns that the tests ask for as text.
func (s Session) String() string {
	return fmt.Sprintf("%s %s %s %.9g %d %d %s %s %v %v %s %s %s %s %s %s %d %d %s %s",
		instantText(s.Start), dayText(s.Day), instantText(s.End), s.Seconds(), s.Events, s.Pages, dash(s.EntryPage), dash(s.ExitPage),
		s.Bounce, s.New, dash(s.Acquisition), dash(s.Source), dash(s.Medium), dash(s.Campaign), dash(s.Device), dash(s.Country),
		s.Conversions, s.Orders, moneyText(s.Revenue.Clamped()), dash(s.Currency))
}

// passive are kinds of events in which the visitor does nothing.
var passive = []string{"identify", "group", "alias", "session_start", "consent", "error", "ad_impression"}

// converting are the kinds of events that count as conversions.
var converting = []string{"order", "sign_up", "lead", "subscription_start"}

// isPage reports whether e views a page or screen.
func isPage(e Event) bool { return e.Type == "page" || e.Type == "screen" }

// Sessions answers q, in the order of their start. Events without a session are in
// none.
func Sessions(s Stream, q SessionQuery) []Session {
	first := map[uint64]int64{}
	cut := map[uint64][]Event{}
	firstDay, lastDay := q.days()
	for _, e := range s.Counted() {
		if _, ok := first[e.Person]; !ok {
			first[e.Person] = e.Time
		}
		if e.Session != 0 && e.Day >= firstDay && e.Day <= lastDay {
			cut[e.Session] = append(cut[e.Session], e)
		}
	}
	var sessions []Session
	for id, events := range cut {
		session := newSession(id, events)
		session.New = first[session.Person] >= session.Start
		if session.Start >= q.From && session.Start < q.To {
			sessions = append(sessions, session)
		}
	}
	slices.SortFunc(sessions, func(a, b Session) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID)) })
	return sessions
}

func newSession(id uint64, events []Event) Session {
	last := events[len(events)-1]
	s := Session{ID: id, Person: last.Person, Start: events[0].Time, End: last.Time, Day: math.MaxInt32, Events: int64(len(events)),
		Device: events[0].Device, Country: events[0].Country}
	currencies := map[string]bool{}
	for _, e := range events {
		s.Day = min(s.Day, e.Day)
		if isPage(e) {
			if s.Pages++; s.Pages == 1 {
				s.EntryPage, s.Device, s.Country = e.Page(), e.Device, e.Country
			}
			s.ExitPage = e.Page()
		}
		if !slices.Contains(passive, e.Kind) {
			s.Interactions++
		}
		if slices.Contains(converting, e.Kind) {
			s.Conversions++
		}
		if e.Kind == "order" {
			s.Orders++
		}
		if e.Acquisition != "" && s.Acquisition == "" {
			s.Acquisition, s.Source, s.Medium, s.Campaign = e.Acquisition, e.Source, e.Medium, e.Campaign
		}
		if e.Revenue != 0 {
			s.Revenue.Add(e.Revenue)
			currencies[e.Currency] = true
		}
	}
	s.Bounce = s.Interactions <= 1
	s.Currency = currencyOf(currencies)
	return s
}

// SessionDaysQuery is the parameters of analytics.sessions_daily.
type SessionDaysQuery struct {
	SessionQuery
	// Granularity is "day", "week" (from Monday) or "month".
	Granularity string
	// By returns the value by which sessions are broken down.
	By func(Session) string
	// Top is how many of the most frequent values have rows of their own.
	Top int
}

// SessionDay is a row of analytics.sessions_daily.
type SessionDay struct {
	Day                                   string
	Breakdown                             string
	Sessions, Bounces, Pages, Conversions int64
	Visitors, NewVisitors                 int64
	AverageSeconds, MedianSeconds         float64
	Revenue                               Amount
	Currency                              string
	persons, newcomers                    map[uint64]bool
	ms                                    int64
	seconds                               []float64
	currencies                            map[string]bool
}

// String returns the columns as text.
func (r SessionDay) String() string {
	return fmt.Sprintf("%s %s %d %d %d %d %d %.9g %d %.9g %.9g %.9g %d %.9g %s %s", r.Day, r.Breakdown, r.Sessions,
		r.Visitors, r.NewVisitors, r.Visitors-r.NewVisitors, r.Bounces, ratio(r.Bounces, r.Sessions),
		r.Pages, ratio(r.Pages, r.Sessions), r.AverageSeconds, r.MedianSeconds,
		r.Conversions, ratio(r.Conversions, r.Sessions), moneyText(r.Revenue.Clamped()), dash(r.Currency))
}

// SessionDays answers q: for each interval and value the sessions that began in it,
// and who they were by. A visitor with a first session in it is new, all others are
// returning. The intervals are those of the project's days.
func SessionDays(s Stream, q SessionDaysQuery) []SessionDay {
	sessions := Sessions(s, q.SessionQuery)
	var values []string
	for _, session := range sessions {
		values = append(values, q.By(session))
	}
	label := topValues(values, q.Top)
	rows := map[string]*SessionDay{}
	for _, session := range sessions {
		day, value := dayText(startOf(q.Granularity, session.Day)), label(q.By(session))
		r := rows[day+" "+value]
		if r == nil {
			r = &SessionDay{Day: day, Breakdown: value, persons: map[uint64]bool{}, newcomers: map[uint64]bool{}, currencies: map[string]bool{}}
			rows[day+" "+value] = r
		}
		r.Sessions++
		r.Pages += session.Pages
		r.Conversions += session.Conversions
		r.Revenue.Plus(session.Revenue)
		r.ms += session.End - session.Start
		r.seconds = append(r.seconds, session.Seconds())
		r.persons[session.Person] = true
		if session.Bounce {
			r.Bounces++
		}
		if session.New {
			r.newcomers[session.Person] = true
		}
		if session.Revenue != (Amount{}) {
			r.currencies[session.Currency] = true
		}
	}
	var list []SessionDay
	for _, r := range rows {
		r.Visitors, r.NewVisitors = int64(len(r.persons)), int64(len(r.newcomers))
		r.AverageSeconds, r.MedianSeconds = ratio(r.ms, r.Sessions)/1000, quantile(r.seconds, 0.5)
		r.Currency = currencyOf(r.currencies)
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b SessionDay) int {
		return cmp.Or(strings.Compare(a.Day, b.Day), cmp.Compare(b.Sessions, a.Sessions), strings.Compare(a.Breakdown, b.Breakdown))
	})
	return list
}

// startOf returns the first day of the day's interval.
func startOf(granularity string, day int32) int32 {
	switch granularity {
	case "week":
		return monday(day)
	case "month":
		return day - int32(date(day).Day()) + 1
	}
	return day
}
