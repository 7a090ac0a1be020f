package cohorts

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

func TestMain(m *testing.M) { oracle.Main(m) }

// question is a call of a view, and the reference's answer to it.
type question struct {
	view string
	// parameters are those after the project, as SQL.
	parameters string
	// columns are those to compare, the project first; empty = all.
	columns   string
	reference func(analytics.Stream) []string
}

func (q question) SQL(project string) string {
	return fmt.Sprintf("SELECT %s FROM analytics.%s(project = %s, %s)", cmp.Or(q.columns, "*"), q.view, clickhouse.Literal(project), q.parameters)
}

func (q question) Reference(s analytics.Stream) []string { return q.reference(s) }

// answer returns the rows of a reference as text.
func answer[Q any, R fmt.Stringer](reference func(analytics.Stream, Q) []R, q Q) func(analytics.Stream) []string {
	return func(s analytics.Stream) []string { return oracle.Texts(reference(s, q)) }
}

// day returns a day counted from 1970-01-01 as SQL.
func day(d int32) string { return "'" + oracle.Date(d).Format(time.DateOnly) + "'" }

// days reads a time of a vector as its day in UTC.
func days(p oracle.Params, key string, into *int32) error {
	var ms int64
	err := p.Time(key, &ms)
	*into = oracle.DayOf(time.UnixMilli(ms), time.UTC)
	return err
}
