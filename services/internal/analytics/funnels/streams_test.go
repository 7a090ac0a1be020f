package funnels

import (
	"math/rand/v2"
	"slices"
	"testing"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// setsOfParameters is how many times each view is asked about all streams.
const setsOfParameters = 2

func TestViewsEqualReferenceOnStreams(t *testing.T) {
	r := oracle.Seed(t)
	w := oracle.New(t)
	projects := oracle.Random(t, r)
	w.Load(t, r, projects)
	ask := map[string]func() oracle.Question{
		"abandoned": func() oracle.Question {
			q := randomQuery(r, projects)
			return abandoned{analytics.AbandonedQuery{From: q.from, To: q.to, AsOf: q.asOf, AfterSeconds: q.window}}
		},
		"funnel":                 func() oracle.Question { return funnel{randomQuery(r, projects)} },
		"funnel_exact ordered":   func() oracle.Question { return randomExact(r, projects, analytics.InOrder) },
		"funnel_exact strict":    func() oracle.Question { return randomExact(r, projects, analytics.Strictly) },
		"funnel_exact unordered": func() oracle.Question { return randomExact(r, projects, analytics.InAnyOrder) },
		"funnel_breakdown":       func() oracle.Question { return randomBreakdown(r, projects) },
		"funnel_significance":    func() oracle.Question { return randomSignificance(r, projects) },
		"funnel_trend":           func() oracle.Question { return trend{randomQuery(r, projects), oracle.Pick(r, "day", "week", "month")} },
		"funnel_actors":          func() oracle.Question { return actors{randomQuery(r, projects)} },
		"drop_off":               func() oracle.Question { return dropOff{randomBreakdown(r, projects)} },
		"drop_off_next":          func() oracle.Question { return randomNext(r, projects, false) },
		"drop_off_next_page":     func() oracle.Question { return randomNext(r, projects, true) },
	}
	oracle.Streams(t, w, projects, setsOfParameters, ask)
}

func randomQuery(r *rand.Rand, projects []oracle.Project) query {
	names := slices.Clone(oracle.Names[:oracle.Pick(r, 2, 3, 4, 6, len(oracle.Names))])
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	q := query{
		steps:  names[:1+r.IntN(min(len(names), 10))],
		window: oracle.Pick[int64](r, 1, 2, 5, 60, 240, 3600, 4*3600, 24*3600, 5*24*3600, 366*24*3600),
	}
	q.from, q.to = oracle.Span(r, projects)
	q.asOf = oracle.Pick(r, oracle.End.AddDate(2, 0, 0).UnixMilli(), entry(r, projects, q.steps[0])+q.window*1000)
	return q
}

// entry returns a time at, just before or just after a step 1, if some are easily
// found: where its window ends, a person ceases to be pending.
func entry(r *rand.Rand, projects []oracle.Project, name string) int64 {
	var e analytics.Event
	for range 50 {
		if e = oracle.Pick(r, oracle.Pick(r, projects...).Events...); e.Name == name {
			break
		}
	}
	return e.Time + int64(r.IntN(3)-1)
}

func randomBreakdown(r *rand.Rand, projects []oracle.Project) breakdown {
	q := breakdown{
		query:       randomQuery(r, projects),
		by:          oracle.Pick(r, sortedKeys(columns)...),
		attribution: oracle.Pick(r, analytics.AttributeFirst, analytics.AttributeLast, analytics.AttributeStep, analytics.AttributeAll),
		top:         1 + r.IntN(4),
	}
	q.step = 1 + r.IntN(len(q.steps))
	return q
}

func randomExact(r *rand.Rand, projects []oracle.Project, mode analytics.FunnelMode) exact {
	q := exact{query: randomQuery(r, projects), mode: mode}
	others := slices.DeleteFunc(slices.Clone(oracle.Names), func(name string) bool { return slices.Contains(q.steps, name) })
	for range r.IntN(4) {
		n := len(q.steps)
		if len(others) == 0 || n < 2 {
			break
		}
		x := exclusion{name: oracle.Pick(r, others...), from: 1, to: n}
		if mode != analytics.InAnyOrder {
			x.from = 1 + r.IntN(n-1)
			x.to = x.from + 1 + r.IntN(n-x.from)
		}
		q.exclude = append(q.exclude, x)
	}
	return q
}

func randomNext(r *rand.Rand, projects []oracle.Project, page bool) dropOffNext {
	for {
		q := dropOffNext{query: randomQuery(r, projects), page: page}
		if len(q.steps) == 1 {
			continue
		}
		q.afterStep = 1 + r.IntN(min(3, len(q.steps)-1))
		q.horizon = oracle.Pick[int64](r, 1, 5, 60, 3600, 24*3600, 10*24*3600)
		return q
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func TestVectors(t *testing.T) {
	oracle.Golden(t, oracle.New(t), "testdata/*.txt", readers)
}
