package cohorts

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// untold are the views that a fault does not concern: some look at times only, some
// say of nothing whether it is complete, or of one cell, which is rarely at a border.
var untold = map[string][]string{
	"days in UTC":     {"retention_rolling", "retention_hourly", "time_to_value"},
	"the zone is UTC": {"retention_rolling", "time_to_value", "stickiness", "stickiness_counted", "retention_actors"},
}

// The random streams hit what they are made for: each fault, put into the events,
// changes the reference's answer to some question of each view it concerns.
func TestRandomStreamsTellFaults(t *testing.T) {
	faults := map[string]func(*analytics.Stream){
		"persons not unified": func(s *analytics.Stream) { s.Overrides = nil },
		"bots counted": func(s *analytics.Stream) {
			for i := range s.Events {
				s.Events[i].Bot = false
			}
		},
		"days in UTC": func(s *analytics.Stream) {
			for i, e := range s.Events {
				s.Events[i].Day = oracle.DayOf(time.UnixMilli(e.Time), time.UTC)
			}
		},
		"the zone is UTC": func(s *analytics.Stream) { s.Zone = time.UTC },
		"an event lost":   func(s *analytics.Stream) { s.Events = s.Events[1:] },
	}
	r := oracle.Seed(t)
	projects := oracle.Random(t, r)
	for name, fault := range faults {
		for view, random := range randomQuestions {
			if slices.Contains(untold[name], view) {
				continue
			}
			if told := tell(r, projects, random, fault); told == 0 {
				t.Errorf("%s: %s: no answer changed", name, view)
			}
		}
	}
}

// tell returns how many answers a fault changes, up to the first.
func tell(r *rand.Rand, projects []oracle.Project, random func(*rand.Rand, []oracle.Project) question, fault func(*analytics.Stream)) int {
	for range 200 {
		q := random(r, projects)
		for _, p := range projects {
			wrong := analytics.Stream{Events: slices.Clone(p.Events), Overrides: p.Overrides, Zone: p.Zone}
			fault(&wrong)
			right, have := q.Reference(p.Stream), q.Reference(wrong)
			slices.Sort(right)
			slices.Sort(have)
			if !slices.Equal(right, have) {
				return 1
			}
		}
	}
	return 0
}
