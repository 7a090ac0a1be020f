package cohorts

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

func spanOf(event string) analytics.SpanQuery {
	from := oracle.DayOf(oracle.Start, time.UTC)
	return analytics.SpanQuery{Event: event, Granularity: "day", From: from, To: from + 30, AsOf: oracle.Start.AddDate(0, 0, 20).UnixMilli()}
}

// answersTo returns the rows of a query, whatever their order.
func answersTo(t *testing.T, w *oracle.World, sql string) []string {
	t.Helper()
	answers, err := oracle.Ask(t, w.BI, sql)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for project, texts := range answers {
		for _, text := range texts {
			rows = append(rows, project+" "+text)
		}
	}
	slices.Sort(rows)
	return rows
}

// The parts of an answer sum up to its whole, in ClickHouse itself.
func sums(t *testing.T, w *oracle.World, r *rand.Rand, projects []oracle.Project) {
	for range 3 {
		q := retentionParameters(randomRetention(r, projects))
		span := span(spanOf(""))
		for name, sql := range map[string]string{
			"period 0 is the cohort": fmt.Sprintf("SELECT project, cohort FROM analytics.retention(project = '*', %s) WHERE period = 0 AND persons != cohort_size OR persons > cohort_size", q),
			"a cell's persons": fmt.Sprintf(`SELECT project, period FROM (
				SELECT project, cohort, period, persons FROM analytics.retention(project = '*', %[1]s) WHERE cohort = 0 AND period = 0
				UNION ALL SELECT project, cohort, period, -toInt64(count()) FROM analytics.retention_actors(project = '*', %[1]s, cohort = 0, period = 0) WHERE returned GROUP BY ALL)
				GROUP BY project, cohort, period HAVING sum(persons) != 0`, q),
			"groups": fmt.Sprintf(`SELECT project, cohort FROM (
				SELECT project, cohort, period, persons, cohort_size FROM analytics.retention(project = '*', %[1]s)
				UNION ALL SELECT project, cohort, period, -persons, -cohort_size FROM analytics.retention_by(project = '*', %[1]s, by = 'country', top = 1))
				GROUP BY project, cohort, period HAVING sum(persons) != 0 OR sum(cohort_size) != 0`, q),
			"life cycle and active users": fmt.Sprintf(`SELECT project, day FROM (
				SELECT project, day, dau AS persons FROM analytics.active_users(project = '*', %[1]s, as_of = '2026-03-01')
				UNION ALL SELECT project, interval_date, -persons FROM analytics.lifecycle(project = '*', %[1]s, as_of = '2026-03-01', granularity = 'day') WHERE status != 'dormant')
				GROUP BY project, day HAVING sum(persons) != 0`, span),
			"stickiness": fmt.Sprintf(`SELECT project, max(persons_at_least) FROM analytics.stickiness(project = '*', %s, granularity = 'day')
				GROUP BY project HAVING sum(persons) != max(persons_at_least)`, span),
			"new persons": fmt.Sprintf(`SELECT project, sum(n) FROM (
				SELECT project, interval_date AS day, persons AS n FROM analytics.lifecycle(project = '*', %[1]s, as_of = '2026-03-01', granularity = 'day') WHERE status = 'new'
				UNION ALL SELECT project, day, -new_persons FROM analytics.onboarding(project = '*', activation = 'a', %[2]s, as_of = '2026-03-01'))
				GROUP BY project, day HAVING sum(n) != 0`, span, strings.TrimPrefix(span, "event = '', ")),
			"legs": `SELECT project, leg FROM analytics.time_to_value(project = '*', sign_up = 'a', activation = 'b', first_use = 'c', window_seconds = 86400,
				from = '2026-02-20', to = '2026-10-01', as_of = '2026-03-05') GROUP BY project, leg
				HAVING sum(persons) != any(reached) OR any(reached) + any(pending) + any(dropped) != any(entered)`,
		} {
			if rows := answersTo(t, w, sql); len(rows) > 0 {
				t.Errorf("%s: %v\n%s", name, rows, sql)
			}
		}
	}
}

// A merge that is taken back leaves no trace.
func splits(t *testing.T, w *oracle.World, r *rand.Rand, projects []oracle.Project) {
	w.Split(t, projects)
	bare, merged := slices.Clone(projects), 0
	for i := range bare {
		merged += len(bare[i].Overrides)
		bare[i].Overrides = nil
	}
	if merged < len(projects) {
		t.Errorf("split %d persons: too few to prove anything", merged)
	}
	for _, random := range randomQuestions {
		w.Check(t, random(r, projects), bare)
	}
}

// The plain twins that tell events by their kind have cores of their own.
func kindsEqualReference(t *testing.T, w *oracle.World, r *rand.Rand, projects []oracle.Project) {
	for range questionsPerView {
		value := randomTimeToValue(r, projects)
		value.SignUp, value.Activation, value.FirstUse, value.ByKind = "sign_up", "activation", "feature_use", true
		board := randomOnboarding(r, projects)
		board.Activation, board.ByKind = "activation", true
		for view, q := range map[string]question{"value_times": timeToValue(value), "onboarding_days": onboarding(board)} {
			sql := strings.Replace(q.SQL("*"), "analytics."+q.view+"(", "touchline."+view+"(match = 'kind', ", 1)
			answers, err := oracle.Ask(t, w.Writer, sql)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range projects {
				if !oracle.Same(t, p.Name+"\n"+sql, answers[p.Name], q.Reference(p.Stream)) {
					break
				}
			}
		}
	}
}

// The plain twins can be read by who reads BI tools, and have rows of every project.
func plainTwins(t *testing.T, w *oracle.World) {
	for view := range randomQuestions {
		rows := answersTo(t, w, fmt.Sprintf("SELECT project, count() FROM analytics.%s_default GROUP BY project", view))
		if len(rows) == 0 && !slices.Contains([]string{"retention_actors", "retention_by", "metrics_daily"}, view) {
			t.Errorf("%s_default: no rows", view)
		}
	}
}
