package cohorts

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

func metricsDaily(q analytics.MetricsQuery) question {
	return question{view: "metrics_daily", parameters: fmt.Sprintf("%s, currency = %s, as_of = %s", span(q.SpanQuery), clickhouse.Literal(q.Currency), oracle.Instant(q.AsOf)),
		reference: answer(analytics.MetricsDaily, q)}
}

func randomMetrics(r *rand.Rand, projects []oracle.Project) analytics.MetricsQuery {
	return analytics.MetricsQuery{SpanQuery: randomSpan(r, projects), Currency: oracle.Pick(r, "", "", "EUR", "USD")}
}

func northStar(q analytics.NorthStarQuery) question {
	return question{view: "north_star", parameters: fmt.Sprintf("%s, metric = %s, currency = %s, granularity = %s, as_of = %s",
		span(q.SpanQuery), clickhouse.Literal(q.Metric), clickhouse.Literal(q.Currency), clickhouse.Literal(q.Granularity), oracle.Instant(q.AsOf)),
		reference: answer(analytics.NorthStar, q)}
}

func randomNorthStar(r *rand.Rand, projects []oracle.Project) analytics.NorthStarQuery {
	q := analytics.NorthStarQuery{
		SpanQuery: randomSpan(r, projects),
		Metric:    oracle.Pick(r, "persons", "new_persons", "events", "orders", "revenue", "sessions", "bounce_rate"),
		Currency:  oracle.Pick(r, "", "EUR", "USD"),
	}
	if q.Metric == "sessions" || q.Metric == "bounce_rate" {
		q.Event = ""
	}
	return q
}

var metricsReaders = map[string]oracle.Reader{
	"north_star": func(p oracle.Params) (oracle.Question, error) {
		span, err := readSpan(p)
		q := analytics.NorthStarQuery{SpanQuery: span}
		err = errors.Join(err, p.Text("metric", &q.Metric), p.Text("currency", &q.Currency), p.Text("granularity", &q.Granularity), p.Time("as_of", &q.AsOf))
		return northStar(q), err
	},
	"metrics_daily": func(p oracle.Params) (oracle.Question, error) {
		span, err := readSpan(p)
		q := analytics.MetricsQuery{SpanQuery: span}
		err = errors.Join(err, p.Text("currency", &q.Currency), p.Time("as_of", &q.AsOf))
		// Vectors cannot hold an empty text.
		daily := metricsDaily(q)
		daily.columns = "project, day, channel, events, persons, orders, revenue, if(currency = '', '-', currency), complete"
		rows := daily.reference
		daily.reference = func(s analytics.Stream) []string {
			texts := rows(s)
			for i, text := range texts {
				texts[i] = strings.Replace(text, "  ", " - ", 1)
			}
			return texts
		}
		return daily, err
	},
}
