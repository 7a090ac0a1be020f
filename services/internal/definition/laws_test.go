package definition

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// lawful are definitions of every kind, about all events of the random streams.
func lawful(p probe) []oracle.Question {
	from, to := oracle.Start.AddDate(0, 0, -2), oracle.End
	funnel := func(change func(*Funnel)) oracle.Question {
		q := funnelQuestion{probe: p, Funnel: Default().Funnel, from: from.UnixMilli(), to: to.UnixMilli(), asOf: to.UnixMilli()}
		q.Steps = []Step{{Event: "a"}, {Event: "b"}}
		change(&q.Funnel)
		return q
	}
	retention := func(change func(*Retention)) oracle.Question {
		q := retentionQuestion{probe: p, Retention: Default().Retention, from: from.UnixMilli(), asOf: to.UnixMilli()}
		q.Start, q.Return = Event{Event: "a"}, Event{Any: true}
		q.Cohorts, q.Periods = 9, 5
		change(&q.Retention)
		return q
	}
	plan := []Value{{Property: "plan"}}
	return []oracle.Question{
		funnel(func(f *Funnel) { f.By = plan }),
		funnel(func(f *Funnel) { f.Mode, f.Exclude = "strict", []Exclusion{{Event: "c"}} }),
		funnel(func(f *Funnel) { f.Mode = "unordered" }),
		funnel(func(f *Funnel) { f.Count, f.Hold = "totals", plan }),
		funnel(func(f *Funnel) { f.Count, f.Steps[0].First = "sessions", "ever" }),
		funnel(func(f *Funnel) {
			f.Steps = []Step{{Any: true, First: "matching"}, {Event: "b", Optional: true}, {Event: "a"}}
		}),
		retention(func(r *Retention) { r.Mode, r.By, r.Sum = "recurring", plan, Sum{Revenue: true} }),
		retention(func(r *Retention) { r.Mode, r.Brackets = "first_ever", []int{1, 3, 9} }),
		retention(func(r *Retention) { r.Rolling = true }),
		retention(func(r *Retention) { r.Cumulative, r.MinOccurrences = true, 2 }),
		retention(func(r *Retention) {
			r.Granularity, r.By, r.PerPerson, r.Cohorts = "hour", []Value{{Column: "country"}}, true, 100
		}),
	}
}

// answersTo puts questions about all projects, and returns the rows of each, sorted.
func answersTo(t *testing.T, w *oracle.World, list []oracle.Question) []string {
	t.Helper()
	texts := make([]string, len(list))
	for i, q := range list {
		answers, err := oracle.Ask(t, w.BI, q.SQL("*"))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, project := range slices.Sorted(maps.Keys(answers)) {
			fmt.Fprintln(&b, project, slices.Sorted(slices.Values(answers[project])))
		}
		texts[i] = b.String()
	}
	return texts
}

// The laws of the views hold for definitions: how events arrive changes nothing; merging
// persons changes the answers, and splitting them restores every number.
func TestLaws(t *testing.T) {
	r := oracle.Seed(t)
	projects := oracle.Random(t, r)
	t.Run("order of arrival", func(t *testing.T) {
		var first []string
		for _, a := range []oracle.Arrival{
			{Order: func(a, b analytics.Event) int { return cmp.Compare(a.Time, b.Time) }, Blocks: 6},
			{Order: func(a, b analytics.Event) int { return cmp.Compare(b.Time, a.Time) }, Blocks: 25, Again: true, PersonsFirst: true, Merged: true},
		} {
			w := oracle.New(t)
			w.LoadAs(t, r, projects, a)
			have := answersTo(t, w, lawful(probe{t, w}))
			if first == nil {
				first = have
			}
			sameTexts(t, have, first)
		}
	})
	t.Run("merge then split", func(t *testing.T) {
		apart := slices.Clone(projects)
		for i := range apart {
			apart[i].Overrides, apart[i].Superseded = nil, nil
		}
		w := oracle.New(t)
		w.Load(t, r, apart)
		list := lawful(probe{t, w})
		before := answersTo(t, w, list)
		w.Override(t, projects)
		for i, merged := range answersTo(t, w, list) {
			if merged == before[i] {
				t.Errorf("question %d: merging persons changed nothing", i)
			}
		}
		w.Split(t, projects)
		sameTexts(t, answersTo(t, w, list), before)
	})
}

func sameTexts(t *testing.T, have, want []string) {
	t.Helper()
	for i := range want {
		if have[i] != want[i] || want[i] == "" {
			t.Errorf("question %d: have %.2000s\nwant %.2000s", i, have[i], want[i])
		}
	}
}
