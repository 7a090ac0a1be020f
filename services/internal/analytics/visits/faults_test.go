package visits

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// blind are the views that a fault cannot change, because they do not look at what it
// touches.
var blind = map[string][]string{
	"days in UTC":        {"engagement", "engagement_features", "acquisition", "paths", "timeline", "timeline_of", "timeline_persons", "pages"},
	"sessions lost":      {"engagement", "engagement_features", "acquisition", "paths", "timeline_persons"},
	"log order reversed": {"engagement", "engagement_features", "timeline_persons"},
}

// The random streams hit what they are made for: each fault, put into the events,
// changes the reference's answer to some question of each view it concerns.
func TestRandomStreamsTellFaults(t *testing.T) {
	faults := map[string]func(*analytics.Stream){
		"persons not unified": func(s *analytics.Stream) { s.Overrides = nil },
		"bots counted":        each(func(e *analytics.Event) { e.Bot = false }),
		"days in UTC":         each(func(e *analytics.Event) { e.Day = oracle.DayOf(time.UnixMilli(e.Time), time.UTC) }),
		"sessions lost":       each(func(e *analytics.Event) { e.Session = 0 }),
		"log order reversed":  each(func(e *analytics.Event) { e.Offset = 1e6 - e.Offset }),
		"an event lost":       func(s *analytics.Stream) { s.Events = s.Events[1:] },
	}
	r := oracle.Seed(t)
	projects := oracle.Random(t, r)
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		for _, view := range slices.Sorted(maps.Keys(randomQuestions)) {
			if !slices.Contains(blind[name], view) && !told(r, projects, randomQuestions[view], faults[name]) {
				t.Errorf("%s: %s: no answer changed", name, view)
			}
		}
	}
}

// each makes a fault of all events of one event.
func each(fault func(*analytics.Event)) func(*analytics.Stream) {
	return func(s *analytics.Stream) {
		for i := range s.Events {
			fault(&s.Events[i])
		}
	}
}

// told reports whether a fault changes an answer.
func told(r *rand.Rand, projects []oracle.Project, random func(*rand.Rand, []oracle.Project) question, fault func(*analytics.Stream)) bool {
	for range 60 {
		q := random(r, projects)
		for _, p := range projects {
			wrong := analytics.Stream{Events: slices.Clone(p.Events), Overrides: p.Overrides, Zone: p.Zone}
			fault(&wrong)
			if !slices.Equal(slices.Sorted(slices.Values(q.Reference(p.Stream))), slices.Sorted(slices.Values(q.Reference(wrong)))) {
				return true
			}
		}
	}
	return false
}
