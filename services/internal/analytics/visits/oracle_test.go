package visits

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// readers are those of the vectors, by the name of the view.
var readers = map[string]oracle.Reader{
	"timeline": func(p oracle.Params) (oracle.Question, error) {
		var person uint64
		err := p.Person("person", &person)
		return timeline(person), err
	},
	"timeline_persons": func(p oracle.Params) (oracle.Question, error) {
		var id string
		err := p.Text("id", &id)
		return timelinePersons(id), err
	},
	"timeline_of": func(p oracle.Params) (oracle.Question, error) {
		var id string
		err := p.Text("id", &id)
		return timelineOf(id), err
	},
	"sessions": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.SessionQuery
		err := times(p, &q.From, &q.To)
		return sessions(q), err
	},
	"sessions_daily": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.SessionDaysQuery
		var by string
		err := errors.Join(times(p, &q.From, &q.To), p.Text("granularity", &q.Granularity), p.Text("by", &by), p.Int("top", &q.Top))
		return sessionDays(q, by), err
	},
	"paths": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.PathQuery
		err := errors.Join(times(p, &q.From, &q.To), p.Text("start", &q.Start), p.Text("end", &q.End), p.List("only", &q.Only),
			p.List("exclude", &q.Exclude), p.Number("gap", &q.GapSeconds), p.Int("steps", &q.MaxSteps), p.Int("top", &q.Top))
		return paths(q), err
	},
	"pages": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.PageQuery
		err := errors.Join(times(p, &q.From, &q.To), p.Int("top", &q.Top))
		return pages(q), err
	},
	"engagement": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.EngagementQuery
		var by string
		err := errors.Join(times(p, &q.From, &q.To), p.Text("match", &q.Match), p.Text("shown", &q.Shown), p.Text("clicked", &q.Clicked),
			p.Text("by", &by), p.Int("top", &q.Top))
		return engagement(q, by), err
	},
	"engagement_features": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.FeatureQuery
		err := errors.Join(times(p, &q.From, &q.To), p.Text("match", &q.Match), p.List("features", &q.Features))
		return features(q), err
	},
	"acquisition": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.AcquisitionQuery
		var by string
		err := errors.Join(times(p, &q.From, &q.To), p.Text("by", &by), p.Int("top", &q.Top))
		return acquisition(q, by), err
	},
}

func times(p oracle.Params, from, to *int64) error {
	return errors.Join(p.Time("from", from), p.Time("to", to))
}

// randomQuestions are what random streams are asked about, by the name of the view.
var randomQuestions = map[string]func(*rand.Rand, []oracle.Project) question{
	"timeline": func(r *rand.Rand, p []oracle.Project) question {
		return timeline(oracle.Pick(r, oracle.Pick(r, p...).Events...).Person)
	},
	"timeline_persons": func(r *rand.Rand, _ []oracle.Project) question { return timelinePersons(randomID(r)) },
	"timeline_of":      func(r *rand.Rand, _ []oracle.Project) question { return timelineOf(randomID(r)) },
	"sessions": func(r *rand.Rand, p []oracle.Project) question {
		from, to := oracle.Span(r, p)
		return sessions(analytics.SessionQuery{From: from, To: to})
	},
	"sessions_daily": func(r *rand.Rand, p []oracle.Project) question {
		from, to := oracle.Span(r, p)
		return sessionDays(analytics.SessionDaysQuery{
			SessionQuery: analytics.SessionQuery{From: from, To: to},
			Granularity:  oracle.Pick(r, "day", "week", "month"),
			Top:          1 + r.IntN(4),
		}, key(r, sessionColumns))
	},
	"paths": randomPaths,
	"pages": func(r *rand.Rand, p []oracle.Project) question {
		from, to := oracle.Span(r, p)
		return pages(analytics.PageQuery{From: from, To: to, Top: 1 + r.IntN(8)})
	},
	"engagement": func(r *rand.Rand, p []oracle.Project) question {
		q := analytics.EngagementQuery{Match: oracle.Pick(r, "kind", "event"), Top: 1 + r.IntN(3)}
		q.From, q.To = oracle.Span(r, p)
		names := slices.Clone(oracle.Names[:5])
		if q.Match == "kind" {
			names = []string{"ad_impression", "ad_click", "product_view", "order", "page_view"}
		}
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		q.Shown, q.Clicked = names[0], names[1]
		return engagement(q, key(r, eventColumns))
	},
	"engagement_features": func(r *rand.Rand, p []oracle.Project) question {
		q := analytics.FeatureQuery{Match: oracle.Pick(r, "kind", "event"), Features: oracle.Pick(r, nil, []string{"a", "order", "never"})}
		q.From, q.To = oracle.Span(r, p)
		return features(q)
	},
	"acquisition": func(r *rand.Rand, p []oracle.Project) question {
		from, to := oracle.Span(r, p)
		return acquisition(analytics.AcquisitionQuery{From: from, To: to, Top: 1 + r.IntN(3)}, key(r, touchValues))
	},
}

// randomID returns the id of a user or device of random streams, or of nobody.
func randomID(r *rand.Rand) string { return oracle.Pick(r, "u-1", "u-2", "d-1", "d-2", "nobody's") }

func randomPaths(r *rand.Rand, p []oracle.Project) question {
	items := slices.Concat(oracle.Names[:4], []string{"/a", "/", "Main", analytics.NotSet})
	r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	q := analytics.PathQuery{
		GapSeconds: oracle.Pick(r, int64(1), 60, 1800, 86400, 864000),
		MaxSteps:   3 + r.IntN(5),
		Top:        oracle.Pick(r, 1, 3, 50),
	}
	q.From, q.To = oracle.Span(r, p)
	if r.IntN(2) == 0 {
		q.Start = items[0]
	}
	if r.IntN(2) == 0 {
		q.End = items[1]
	}
	if r.IntN(3) == 0 {
		q.Exclude = items[2:4]
	}
	if r.IntN(3) == 0 {
		q.Only = []string{"a", "b", "page_view", "screen_view"}
	}
	return paths(q)
}

// key returns one of the keys of a map, the same for the same source of randomness.
func key[V any](r *rand.Rand, from map[string]V) string {
	return oracle.Pick(r, slices.Sorted(maps.Keys(from))...)
}

// questionsPerView is how many sets of parameters each view is asked with; every set
// is one query about all streams.
const questionsPerView = 3

func TestVectors(t *testing.T) { oracle.Golden(t, oracle.New(t), "testdata/*.txt", readers) }

func TestViewsEqualReference(t *testing.T) {
	w, r, projects := loaded(t)
	ask := map[string]func() oracle.Question{}
	for view, random := range randomQuestions {
		ask[view] = func() oracle.Question { return random(r, projects) }
	}
	oracle.Streams(t, w, projects, questionsPerView, ask)
}

// loaded returns a server with random streams.
func loaded(t *testing.T) (*oracle.World, *rand.Rand, []oracle.Project) {
	t.Helper()
	w, r := oracle.New(t), oracle.Seed(t)
	projects := oracle.Random(t, r)
	w.Load(t, r, projects)
	return w, r, projects
}
