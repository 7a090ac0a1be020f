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
	"retention_actors":  func(r *rand.Rand, p []oracle.Project) question { return retentionActors(randomActors(r, p)) },
}

// questionsPerView is how many sets of parameters each view is asked with; every set
// is one query about all streams.
const questionsPerView = 3

func TestVectors(t *testing.T) { oracle.Golden(t, oracle.New(t), "testdata/*.txt", readers()) }

// TestViews puts everything else to one server with random streams, because a server
// takes seconds to get its tables. Load strews the events over blocks in random order,
// and the reference sorts them, so equality also says that the order of arrival is of
// no importance.
func TestViews(t *testing.T) {
	w, r := oracle.New(t), oracle.Seed(t)
	projects := oracle.Random(t, r)
	w.Load(t, r, projects)
	for view, random := range randomQuestions {
		t.Run(view+" equals reference", func(t *testing.T) {
			rows := 0
			for asked := 0; asked < oracle.Questions(t, questionsPerView) || asked < 30 && rows < len(projects); asked++ {
				rows += w.Check(t, random(r, projects), projects)
			}
			if rows < len(projects) {
				t.Errorf("the reference gave %d rows: too few to prove anything", rows)
			}
		})
	}
	t.Run("kinds equal reference", func(t *testing.T) { kindsEqualReference(t, w, r, projects) })
	t.Run("sums", func(t *testing.T) { sums(t, w, r, projects) })
	t.Run("plain twins", func(t *testing.T) { plainTwins(t, w) })
	t.Run("bad input is refused", func(t *testing.T) { badInput(t, w) })
	t.Run("names are only names", func(t *testing.T) { names(t, w) })
	t.Run("splits", func(t *testing.T) { splits(t, w, r, projects) })
}
