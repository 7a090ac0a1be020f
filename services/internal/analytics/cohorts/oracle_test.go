package cohorts

import (
	"maps"
	"math/rand/v2"
	"testing"

	"touchline.dev/services/internal/analytics/oracle"
)

// readers are those of the vectors, by the name of the view.
func readers() map[string]oracle.Reader {
	all := map[string]oracle.Reader{}
	for _, some := range []map[string]oracle.Reader{retentionReaders, spanReaders, metricsReaders, onboardingReaders} {
		maps.Copy(all, some)
	}
	return all
}

// randomQuestions are what random streams are asked about, by the name of the view.
var randomQuestions = map[string]func(*rand.Rand, []oracle.Project) question{
	"retention":         func(r *rand.Rand, p []oracle.Project) question { return retention(randomRetention(r, p)) },
	"retention_curve":   func(r *rand.Rand, p []oracle.Project) question { return retentionCurve(randomRetention(r, p)) },
	"active_users":      func(r *rand.Rand, p []oracle.Project) question { return activeUsers(randomSpan(r, p)) },
	"lifecycle":         func(r *rand.Rand, p []oracle.Project) question { return lifecycle(randomSpan(r, p)) },
	"stickiness":        func(r *rand.Rand, p []oracle.Project) question { return stickiness(randomSpan(r, p)) },
	"metrics_daily":     func(r *rand.Rand, p []oracle.Project) question { return metricsDaily(randomMetrics(r, p)) },
	"time_to_value":     func(r *rand.Rand, p []oracle.Project) question { return timeToValue(randomTimeToValue(r, p)) },
	"onboarding":        func(r *rand.Rand, p []oracle.Project) question { return onboarding(randomOnboarding(r, p)) },
	"retention_by":      randomBy,
	"retention_rolling": func(r *rand.Rand, p []oracle.Project) question { return rolling(randomRolling(r, p)) },
	"north_star":        func(r *rand.Rand, p []oracle.Project) question { return northStar(randomNorthStar(r, p)) },
	"retention_hourly":  func(r *rand.Rand, p []oracle.Project) question { return hourly(randomHourly(r, p)) },
	"stickiness_counted": func(r *rand.Rand, p []oracle.Project) question {
		return stickinessCounted(randomStickinessCounted(r, p))
	},
	"retention_actors": func(r *rand.Rand, p []oracle.Project) question { return retentionActors(randomActors(r, p)) },
}

// questionsPerView is how many sets of parameters each view is asked with; every set
// is one query about all streams.
const questionsPerView = 3

func TestVectors(t *testing.T) { oracle.Golden(t, oracle.New(t), "testdata/*.txt", readers()) }

// pay makes the amounts of every eighth project the largest and the smallest that an
// event can have, so that their sums go beyond the type that shows them, and gives the
// amounts of half of the projects several currencies.
func pay(r *rand.Rand, projects []oracle.Project) {
	const most = 999_999_999_999_999_999
	for i := range projects {
		for k, e := range projects[i].Events {
			if e.Revenue == 0 {
				continue
			}
			if i%8 == 0 {
				projects[i].Events[k].Revenue = oracle.Pick[int64](r, most, most, -most, 1)
			}
			if i%4 < 2 {
				projects[i].Events[k].Currency = oracle.Pick(r, "EUR", "EUR", "USD", "")
			}
		}
	}
}

// TestViews puts everything else to one server with random streams, because a server
// takes seconds to get its tables. Load strews the events over blocks in random order,
// and the reference sorts them, so equality also says that the order of arrival is of
// no importance.
func TestViews(t *testing.T) {
	w, r := oracle.New(t), oracle.Seed(t)
	projects := oracle.Random(t, r)
	pay(r, projects)
	w.Load(t, r, projects)
	ask := map[string]func() oracle.Question{}
	for view, random := range randomQuestions {
		ask[view] = func() oracle.Question { return random(r, projects) }
	}
	oracle.Streams(t, w, projects, questionsPerView, ask)
	t.Run("kinds equal reference", func(t *testing.T) { kindsEqualReference(t, w, r, projects) })
	t.Run("sums", func(t *testing.T) { sums(t, w, r, projects) })
	t.Run("plain twins", func(t *testing.T) { plainTwins(t, w) })
	t.Run("bad input is refused", func(t *testing.T) { badInput(t, w) })
	t.Run("names are only names", func(t *testing.T) { names(t, w) })
	t.Run("splits", func(t *testing.T) { splits(t, w, r, projects) })
}
