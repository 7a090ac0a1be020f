package analytics

import (
	"cmp"
	"fmt"
	"slices"
)

// EngagementQuery is the parameters of analytics.engagement. Times are milliseconds
// since 1970 UTC.
type EngagementQuery struct {
	From, To int64
	// Match says what Shown and Clicked name: "event" or "kind".
	Match          string
	Shown, Clicked string
	// By returns the value by which events are broken down.
	By func(Event) string
	// Top is how many of the most frequent values have rows of their own.
	Top int
}

// EngagementRow is a row of analytics.engagement.
type EngagementRow struct {
	Breakdown                     string
	Shown, Clicked                int64
	ClickRate                     float64
	ShownPersons, ClickedPersons  int64
	PersonRate                    float64
	shownPersons, reactingPersons map[uint64]bool
}

// String returns the columns as text.
func (r EngagementRow) String() string {
	return fmt.Sprintf("%s %d %d %.9g %d %d %.9g", r.Breakdown, r.Shown, r.Clicked, r.ClickRate, r.ShownPersons, r.ClickedPersons, r.PersonRate)
}

// matched returns what an event is compared by.
func matched(e Event, match string) string {
	if match == "kind" {
		return e.Kind
	}
	return e.Name
}

// Engagement answers q: how often something was shown and clicked, and by how many.
// ClickedPersons are those who clicked and to whom it was shown, in whatever order,
// under the same value.
func Engagement(s Stream, q EngagementQuery) []EngagementRow {
	var events []Event
	var values []string
	for _, e := range s.Counted() {
		if m := matched(e, q.Match); e.Time >= q.From && e.Time < q.To && (m == q.Shown || m == q.Clicked) {
			events = append(events, e)
			values = append(values, q.By(e))
		}
	}
	label := topValues(values, q.Top)
	rows := map[string]*EngagementRow{}
	for i, e := range events {
		value := label(values[i])
		r := rows[value]
		if r == nil {
			r = &EngagementRow{Breakdown: value, shownPersons: map[uint64]bool{}, reactingPersons: map[uint64]bool{}}
			rows[value] = r
		}
		if matched(e, q.Match) == q.Shown {
			r.Shown++
			r.shownPersons[e.Person] = true
		} else {
			r.Clicked++
			r.reactingPersons[e.Person] = true
		}
	}
	var list []EngagementRow
	for _, r := range rows {
		r.ShownPersons = int64(len(r.shownPersons))
		for id := range r.reactingPersons {
			if r.shownPersons[id] {
				r.ClickedPersons++
			}
		}
		r.ClickRate, r.PersonRate = ratio(r.Clicked, r.Shown), ratio(r.ClickedPersons, r.ShownPersons)
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b EngagementRow) int {
		return cmp.Or(cmp.Compare(b.Shown, a.Shown), cmp.Compare(b.Clicked, a.Clicked), cmp.Compare(a.Breakdown, b.Breakdown))
	})
	return list
}

// topValues returns what stands for a value in a breakdown: itself when it is one of
// the top most frequent, by alphabet where equally frequent; NotSet when it is not
// set, which takes none of the places; else Other.
func topValues(values []string, top int) func(string) string {
	count := map[string]int{}
	var distinct []string
	for _, v := range values {
		if count[v]++; count[v] == 1 && v != "" {
			distinct = append(distinct, v)
		}
	}
	slices.SortFunc(distinct, func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	distinct = distinct[:min(top, len(distinct))]
	return func(v string) string {
		if v != "" && !slices.Contains(distinct, v) {
			return Other
		}
		return cmp.Or(v, NotSet)
	}
}

// FeatureQuery is the parameters of analytics.engagement_features.
type FeatureQuery struct {
	From, To int64
	// Match says what Features names: "event" or "kind".
	Match string
	// Features are what to look for; every value when there are none.
	Features []string
}

// FeatureRow is a row of analytics.engagement_features.
type FeatureRow struct {
	Feature       string
	Uses          int64
	Persons       int64
	ActivePersons int64
}

// String returns the columns as text.
func (r FeatureRow) String() string {
	return fmt.Sprintf("%s %d %d %d %.9g %.9g", r.Feature, r.Uses, r.Persons, r.ActivePersons,
		ratio(r.Persons, r.ActivePersons), ratio(r.Uses, r.Persons))
}

// Features answers q: how many of the persons who did anything in [From, To) used
// each feature. A feature that is asked for and was used by nobody has a row, too, if
// anybody did anything.
func Features(s Stream, q FeatureQuery) []FeatureRow {
	active := map[uint64]bool{}
	users := map[string]map[uint64]bool{}
	uses := map[string]int64{}
	for _, feature := range q.Features {
		users[feature] = map[uint64]bool{}
	}
	for _, e := range s.Counted() {
		if e.Time < q.From || e.Time >= q.To {
			continue
		}
		active[e.Person] = true
		feature := matched(e, q.Match)
		if users[feature] == nil {
			if feature == "" || len(q.Features) > 0 {
				continue
			}
			users[feature] = map[uint64]bool{}
		}
		users[feature][e.Person] = true
		uses[feature]++
	}
	var rows []FeatureRow
	for feature, persons := range users {
		if len(active) > 0 {
			rows = append(rows, FeatureRow{feature, uses[feature], int64(len(persons)), int64(len(active))})
		}
	}
	slices.SortFunc(rows, func(a, b FeatureRow) int {
		return cmp.Or(cmp.Compare(b.Persons, a.Persons), cmp.Compare(a.Feature, b.Feature))
	})
	return rows
}
