package funnels

import (
	"maps"
	"slices"
	"testing"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// What divides a funnel sums up to it, and at each step
// persons = converted + pending + dropped.
func TestPartsSumUp(t *testing.T) {
	r := oracle.Seed(t)
	w := oracle.New(t)
	projects := oracle.Random(t, r)
	w.Load(t, r, projects)
	for range 3 {
		b := randomBreakdown(r, projects)
		b.attribution = oracle.Pick(r, analytics.AttributeFirst, analytics.AttributeLast, analytics.AttributeStep)
		whole := ask(t, w, "SELECT project, step, persons, converted, pending, dropped FROM ("+funnel{b.query}.SQL("*")+") WHERE entered > 0")
		if len(whole) < 5 {
			t.Fatalf("have %d projects with entrants, want more", len(whole))
		}
		for _, parts := range []oracle.Question{b, trend{b.query, oracle.Pick(r, "day", "week", "month")}, exact{b.query, analytics.InOrder, nil}} {
			sum := "SELECT project, step, sum(persons), sum(converted), sum(pending), sum(dropped) FROM (" + parts.SQL("*") +
				") WHERE entered > 0 GROUP BY project, step"
			same(t, sum, ask(t, w, sum), whole)
		}
		people := "SELECT project, toInt64(step), toInt64(countIf(level >= step)), toInt64(countIf(level > step OR outcome = 'converted')), " +
			"toInt64(countIf(level = step AND outcome = 'pending')), toInt64(countIf(level = step AND outcome = 'dropped')) FROM (" +
			actors{b.query}.SQL("*") + ") ARRAY JOIN range(1, " + oracle.Text(len(b.steps)+1) + ") AS step GROUP BY project, step"
		same(t, people, ask(t, w, people), whole)
		left := "SELECT project, step, persons, toInt64(0), pending, dropped FROM (" + funnel{b.query}.SQL("*") +
			") WHERE entered > 0 AND step < " + oracle.Text(len(b.steps))
		parts := "SELECT project, step, sum(persons), toInt64(0), sum(pending), sum(dropped) FROM (" + dropOff{b}.SQL("*") + ") GROUP BY project, step"
		same(t, parts, ask(t, w, parts), ask(t, w, left))
		off := "SELECT project, step FROM (" + funnel{b.query}.SQL("*") + ") WHERE persons != converted + pending + dropped"
		if rows := ask(t, w, off); len(rows) > 0 {
			t.Errorf("%s: have %v", off, rows)
		}
	}
}

func ask(t *testing.T, w *oracle.World, sql string) map[string][]string {
	t.Helper()
	rows, err := oracle.Ask(t, w.BI, sql)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func same(t *testing.T, place string, have, want map[string][]string) {
	t.Helper()
	if !slices.Equal(sortedKeys(have), sortedKeys(want)) {
		t.Errorf("%s: have projects %v, want %v", place, sortedKeys(have), sortedKeys(want))
		return
	}
	for name := range want {
		if !oracle.Same(t, name+": "+place, have[name], want[name]) {
			return
		}
	}
}

// Merging persons changes numbers; splitting them again gives the former ones back.
func TestSplitRestores(t *testing.T) {
	r := oracle.Seed(t)
	w := oracle.New(t)
	projects := oracle.Random(t, r)
	apart := slices.Clone(projects)
	for i := range apart {
		apart[i].Overrides, apart[i].Superseded = nil, nil
	}
	w.Load(t, r, apart)
	q := randomQuery(r, projects)
	q.steps, q.from, q.to = []string{"a", "b"}, oracle.Start.AddDate(0, 0, -2).UnixMilli(), oracle.End.UnixMilli()
	questions := []oracle.Question{funnel{q}, actors{q}, exact{q, analytics.InAnyOrder, nil}}
	var before []map[string][]string
	for _, question := range questions {
		before = append(before, ask(t, w, question.SQL("*")))
	}
	w.Override(t, projects)
	for i, question := range questions {
		if merged := ask(t, w, question.SQL("*")); maps.EqualFunc(before[i], merged, func(a, b []string) bool {
			return slices.Equal(sorted(a), sorted(b))
		}) {
			t.Errorf("%s: merging persons changed nothing", question.SQL("*"))
		}
	}
	w.Split(t, projects)
	for i, question := range questions {
		same(t, "after splitting: "+question.SQL("*"), ask(t, w, question.SQL("*")), before[i])
	}
}

// The random streams hit what they are made for: each fault, put into the question
// or the events, changes some answers of the reference.
func TestStreamsTellFaults(t *testing.T) {
	type asked struct {
		stream analytics.Stream
		exact
		breakdown
		next dropOffNext
		cart abandoned
	}
	faults := map[string]func(*asked){
		"persons not unified":  func(a *asked) { a.stream.Overrides = nil },
		"window a second less": func(a *asked) { a.exact.window-- },
		"from exclusive":       func(a *asked) { a.exact.from++ },
		"to inclusive":         func(a *asked) { a.exact.to++ },
		"as_of exclusive":      func(a *asked) { a.exact.asOf++ },
		"strict forgotten": func(a *asked) {
			if a.exact.mode == analytics.Strictly {
				a.exact.mode = analytics.InOrder
			}
		},
		"exclusions forgotten": func(a *asked) { a.exact.exclude = nil },
		"exclusion's range": func(a *asked) {
			for i := range a.exact.exclude {
				a.exact.exclude[i].from, a.exact.exclude[i].to = 1, len(a.exact.steps)
			}
		},
		"one value more": func(a *asked) { a.breakdown.top++ },
		"last for first": func(a *asked) {
			if a.breakdown.attribution == analytics.AttributeFirst {
				a.breakdown.attribution = analytics.AttributeLast
			}
		},
		"horizon a second less": func(a *asked) { a.next.horizon-- },
		"after another step":    func(a *asked) { a.next.afterStep = 3 - min(a.next.afterStep, 2) },
		"orders later":          func(a *asked) { a.cart.AfterSeconds *= 2 },
		"bots counted": func(a *asked) {
			for i := range a.stream.Events {
				a.stream.Events[i].Bot = false
			}
		},
		"log order reversed": func(a *asked) {
			for i := range a.stream.Events {
				a.stream.Events[i].Offset = 1e6 - a.stream.Events[i].Offset
			}
		},
	}
	answers := func(a asked) []string {
		return slices.Concat(a.exact.Reference(a.stream), a.breakdown.Reference(a.stream), a.next.Reference(a.stream), a.cart.Reference(a.stream))
	}
	r := oracle.Seed(t)
	projects := oracle.Random(t, r)
	told := map[string]int{}
	for range 6 {
		for _, p := range projects {
			one := []oracle.Project{p}
			a := asked{
				stream: p.Stream, exact: randomExact(r, one, oracle.Pick(r, analytics.InOrder, analytics.Strictly, analytics.InAnyOrder)),
				breakdown: randomBreakdown(r, one), next: randomNext(r, one, r.IntN(2) == 0),
			}
			q := randomQuery(r, one)
			a.cart = abandoned{analytics.AbandonedQuery{From: q.from, To: q.to, AsOf: q.asOf, AfterSeconds: q.window}}
			right := answers(a)
			for name, fault := range faults {
				wrong := a
				wrong.stream.Events = slices.Clone(a.stream.Events)
				wrong.exact.exclude = slices.Clone(a.exact.exclude)
				fault(&wrong)
				if !slices.Equal(sorted(right), sorted(answers(wrong))) {
					told[name]++
				}
			}
		}
	}
	for name := range faults {
		if told[name] < 3 {
			t.Errorf("%s: changed %d of %d answers, want more", name, told[name], 6*len(projects))
		}
	}
}

func sorted(rows []string) []string { return slices.Sorted(slices.Values(rows)) }
