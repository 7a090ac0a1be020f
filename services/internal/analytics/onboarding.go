package analytics

import "fmt"

// OnboardingQuery is the parameters of analytics.onboarding. Days count from
// 1970-01-01.
type OnboardingQuery struct {
	// Activation is an event, or with ByKind a kind.
	Activation string
	ByKind     bool
	// From is the first day, To the first that does not count.
	From, To int32
	// AsOf is the time in ms at which days that ended, in the zone of the stream,
	// are known.
	AsOf int64
}

// OnboardingRow is a row of analytics.onboarding: the persons who were new on a day.
type OnboardingRow struct {
	Day string
	New int64
	// Came are those active on the 1st, 7th and 30th day after it.
	Came [3]int64
	// OneSession are those with one session in their first 30 days, Activated
	// those activated in them.
	OneSession, Activated int64
	// Known says of Came, and then of OneSession and Activated, whether the days
	// that they look at have ended.
	Known    [5]bool
	Complete bool
}

// String returns the columns as text.
func (r OnboardingRow) String() string {
	counts := [5]int64{r.Came[0], r.Came[1], r.Came[2], r.OneSession, r.Activated}
	var rates [5]string
	for i, n := range counts {
		rates[i] = null
		if r.Known[i] {
			rates[i] = share(n, r.New)
		}
	}
	return fmt.Sprintf("%s %d %d %d %d %s %s %s %d %s %d %s %v", r.Day, r.New, r.Came[0], r.Came[1], r.Came[2],
		rates[0], rates[1], rates[2], r.OneSession, rates[3], r.Activated, rates[4], r.Complete)
}

// Onboarding answers q: a row for each day, with the persons whose first event of
// all history was on it. Events without a session belong to none, so a person
// without sessions has not been there in one.
func Onboarding(s Stream, q OnboardingQuery) []OnboardingRow {
	rows := make([]OnboardingRow, q.To-q.From)
	asOf := localDay(q.AsOf, s.zone())
	for i := range rows {
		day := q.From + int32(i)
		rows[i] = OnboardingRow{Day: dayText(day), Complete: day+30 < asOf}
		for k, last := range []int32{1, 7, 30, 29, 29} {
			rows[i].Known[k] = day+last < asOf
		}
	}
	for _, events := range s.Persons() {
		first := events[0].Day
		active, sessions, activated := map[int32]bool{}, map[uint64]bool{}, false
		for _, e := range events {
			first = min(first, e.Day)
		}
		for _, e := range events {
			active[e.Day] = true
			if e.Day >= first+30 {
				continue
			}
			if e.Session != 0 {
				sessions[e.Session] = true
			}
			if e.Name == q.Activation && !q.ByKind || e.Kind == q.Activation && q.ByKind {
				activated = true
			}
		}
		if first < q.From || first >= q.To {
			continue
		}
		row := &rows[first-q.From]
		row.New++
		for k, after := range []int32{1, 7, 30} {
			if active[first+after] {
				row.Came[k]++
			}
		}
		if len(sessions) == 1 {
			row.OneSession++
		}
		if activated {
			row.Activated++
		}
	}
	return rows
}
