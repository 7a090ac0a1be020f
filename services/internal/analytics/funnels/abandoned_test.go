package funnels

import (
	"errors"
	"fmt"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

type abandoned struct{ analytics.AbandonedQuery }

func (q abandoned) SQL(project string) string {
	return fmt.Sprintf("SELECT * FROM analytics.abandoned(project = %s, from = %s, to = %s, as_of = %s, after_seconds = %d)",
		clickhouse.Literal(project), oracle.Instant(q.From), oracle.Instant(q.To), oracle.Instant(q.AsOf), q.AfterSeconds)
}

func (q abandoned) Reference(s analytics.Stream) []string {
	return oracle.Texts(analytics.Abandoned(s, q.AbandonedQuery))
}

func readAbandoned(p oracle.Params) (oracle.Question, error) {
	var q abandoned
	err := errors.Join(p.Time("from", &q.From), p.Time("to", &q.To), p.Time("as_of", &q.AsOf), p.Number("after", &q.AfterSeconds))
	return q, err
}
