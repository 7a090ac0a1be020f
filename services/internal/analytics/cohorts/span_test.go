package cohorts

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

func readSpan(p oracle.Params) (q analytics.SpanQuery, err error) {
	err = errors.Join(p.Text("event", &q.Event), days(p, "from", &q.From), days(p, "to", &q.To))
	return q, err
}

func span(q analytics.SpanQuery) string {
	return fmt.Sprintf("event = %s, from = %s, to = %s", clickhouse.Literal(q.Event), day(q.From), day(q.To))
}

func activeUsers(q analytics.SpanQuery) question {
	return question{view: "active_users", parameters: fmt.Sprintf("%s, as_of = %s", span(q), oracle.Instant(q.AsOf)), reference: answer(analytics.ActiveUsers, q)}
}

func stickiness(q analytics.SpanQuery) question {
	return question{view: "stickiness", parameters: fmt.Sprintf("%s, granularity = %s", span(q), clickhouse.Literal(q.Granularity)),
		reference: answer(analytics.Stickiness, q)}
}

func lifecycle(q analytics.SpanQuery) question {
	return question{view: "lifecycle", parameters: fmt.Sprintf("%s, granularity = %s, as_of = %s", span(q), clickhouse.Literal(q.Granularity), oracle.Instant(q.AsOf)),
		reference: answer(analytics.Lifecycle, q)}
}

func stickinessCounted(q analytics.StickinessCountedQuery) question {
	return question{view: "stickiness_counted", parameters: fmt.Sprintf("%s, granularity = %s, comparison = %s, occurrences = %d",
		span(q.SpanQuery), clickhouse.Literal(q.Granularity), clickhouse.Literal(q.Comparison), q.Occurrences),
		reference: answer(analytics.StickinessCounted, q)}
}

func randomStickinessCounted(r *rand.Rand, projects []oracle.Project) analytics.StickinessCountedQuery {
	return analytics.StickinessCountedQuery{SpanQuery: randomSpan(r, projects), Comparison: oracle.Pick(r, ">=", "<=", "="), Occurrences: 1 + r.Int64N(4)}
}

var spanReaders = map[string]oracle.Reader{
	"active_users": func(p oracle.Params) (oracle.Question, error) {
		q, err := readSpan(p)
		err = errors.Join(err, p.Time("as_of", &q.AsOf))
		return activeUsers(q), err
	},
	"stickiness": func(p oracle.Params) (oracle.Question, error) {
		q, err := readSpan(p)
		err = errors.Join(err, p.Text("granularity", &q.Granularity))
		return stickiness(q), err
	},
	"stickiness_counted": func(p oracle.Params) (oracle.Question, error) {
		span, err := readSpan(p)
		q := analytics.StickinessCountedQuery{SpanQuery: span}
		err = errors.Join(err, p.Text("granularity", &q.Granularity), p.Text("comparison", &q.Comparison), p.Number("occurrences", &q.Occurrences))
		return stickinessCounted(q), err
	},
	"lifecycle": func(p oracle.Params) (oracle.Question, error) {
		q, err := readSpan(p)
		err = errors.Join(err, p.Text("granularity", &q.Granularity), p.Time("as_of", &q.AsOf))
		return lifecycle(q), err
	},
}

func randomSpan(r *rand.Rand, projects []oracle.Project) analytics.SpanQuery {
	q := analytics.SpanQuery{
		Event:       randomEvent(r),
		Granularity: oracle.Pick(r, "day", "day", "week", "month"),
		From:        randomDay(r, projects),
		AsOf:        randomAsOf(r, projects),
	}
	q.To = q.From + 1 + int32(r.IntN(45))
	return q
}
