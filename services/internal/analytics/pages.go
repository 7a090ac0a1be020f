package analytics

import (
	"cmp"
	"fmt"
	"slices"
)

// PageQuery is the parameters of analytics.pages: the views in [From, To), in
// milliseconds since 1970 UTC.
type PageQuery struct {
	From, To int64
	// Top is how many pages there are rows for.
	Top int
}

// PageRow is a row of analytics.pages.
type PageRow struct {
	Page                    string
	Views, Visitors         int64
	Entries, Exits, Bounces int64
	ExitRate, BounceRate    float64
	AverageSeconds          float64
	MedianSeconds           float64
}

// String returns the columns that the tests ask for as text.
func (r PageRow) String() string {
	return fmt.Sprintf("%s %d %d %d %d %d %.9g %.9g %.9g %.9g", dash(r.Page), r.Views, r.Visitors, r.Entries, r.Exits, r.Bounces,
		r.ExitRate, r.BounceRate, r.AverageSeconds, r.MedianSeconds)
}

// Pages answers q: the pages and screens with the most views.
//
// A view is an entry when no other precedes it in its session, an exit when none
// follows, and a bounce when it is an entry of a session that is one (see Session).
// The time on a page is that to the next view of the session, so exits have none.
// Views without a session count as views only. To know what precedes and follows,
// the views of a day before and after the range are looked at.
func Pages(s Stream, q PageQuery) []PageRow {
	interactions := map[uint64]int64{}
	firstDay, lastDay := SessionQuery{q.From, q.To}.days()
	cut := map[uint64][]Event{}
	for _, e := range s.Counted() {
		if e.Session != 0 && e.Day >= firstDay && e.Day <= lastDay && !slices.Contains(passive, e.Kind) {
			interactions[e.Session]++
		}
		if isPage(e) && e.Time >= q.From-dayMs && e.Time < q.To+dayMs {
			cut[e.Session] = append(cut[e.Session], e)
		}
	}
	pages := map[string]*PageRow{}
	visitors := map[string]map[uint64]bool{}
	seconds := map[string][]float64{}
	total := map[string]int64{}
	for session, views := range cut {
		for i, e := range views {
			if e.Time < q.From || e.Time >= q.To {
				continue
			}
			name := e.Page()
			r := pages[name]
			if r == nil {
				r = &PageRow{Page: name}
				pages[name], visitors[name] = r, map[uint64]bool{}
			}
			r.Views++
			visitors[name][e.Person] = true
			if session == 0 {
				continue
			}
			if i == 0 {
				r.Entries++
				if interactions[session] <= 1 {
					r.Bounces++
				}
			}
			if i+1 == len(views) {
				r.Exits++
			} else {
				ms := views[i+1].Time - e.Time
				total[name] += ms
				seconds[name] = append(seconds[name], float64(ms)/1000)
			}
		}
	}
	var rows []PageRow
	for name, r := range pages {
		r.Visitors = int64(len(visitors[name]))
		r.ExitRate, r.BounceRate = ratio(r.Exits, r.Views), ratio(r.Bounces, r.Entries)
		r.AverageSeconds, r.MedianSeconds = ratio(total[name], int64(len(seconds[name])))/1000, quantile(seconds[name], 0.5)
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b PageRow) int { return cmp.Or(cmp.Compare(b.Views, a.Views), cmp.Compare(a.Page, b.Page)) })
	return rows[:min(q.Top, len(rows))]
}
