package cohorts

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

func retentionParameters(q analytics.RetentionQuery) string {
	return fmt.Sprintf("start_event = %s, return_event = %s, granularity = %s, mode = %s, cumulative = %v, from = %s, cohorts = %d, periods = %d, as_of = %s",
		clickhouse.Literal(q.StartEvent), clickhouse.Literal(q.ReturnEvent), clickhouse.Literal(q.Granularity), clickhouse.Literal(q.Mode),
		q.Cumulative, day(q.From), q.Cohorts, q.Periods, oracle.Instant(q.AsOf))
}

func readRetention(p oracle.Params) (q analytics.RetentionQuery, err error) {
	err = errors.Join(p.Text("start", &q.StartEvent), p.Text("return", &q.ReturnEvent), p.Text("granularity", &q.Granularity),
		p.Text("mode", &q.Mode), p.Bool("cumulative", &q.Cumulative), days(p, "from", &q.From),
		p.Int("cohorts", &q.Cohorts), p.Int("periods", &q.Periods), p.Time("as_of", &q.AsOf))
	return q, err
}

func retention(q analytics.RetentionQuery) question {
	return question{view: "retention", parameters: retentionParameters(q), reference: answer(analytics.Retention, q)}
}

func retentionCurve(q analytics.RetentionQuery) question {
	return question{view: "retention_curve", parameters: retentionParameters(q), reference: answer(analytics.RetentionCurve, q)}
}

func retentionActors(q analytics.RetentionActorsQuery) question {
	return question{view: "retention_actors", parameters: fmt.Sprintf("%s, cohort = %d, period = %d", retentionParameters(q.RetentionQuery), q.Cohort, q.Period),
		reference: answer(analytics.RetentionActors, q)}
}

var retentionReaders = map[string]oracle.Reader{
	"retention": func(p oracle.Params) (oracle.Question, error) {
		q, err := readRetention(p)
		return retention(q), err
	},
	"retention_curve": func(p oracle.Params) (oracle.Question, error) {
		q, err := readRetention(p)
		return retentionCurve(q), err
	},
	"retention_by": func(p oracle.Params) (oracle.Question, error) {
		var by analytics.RetentionByQuery
		var column string
		q, err := readRetention(p)
		err = errors.Join(err, p.Text("by", &column), p.Int("top", &by.Top))
		by.RetentionQuery, by.By = q, columns[column]
		return retentionBy(by, column), err
	},
	"retention_rolling": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.RollingQuery
		err := errors.Join(p.Text("start", &q.StartEvent), p.Text("return", &q.ReturnEvent), p.Text("granularity", &q.Granularity),
			p.Time("from", &q.From), p.Int("cohorts", &q.Cohorts), p.Int("periods", &q.Periods), p.Time("as_of", &q.AsOf))
		return rolling(q), err
	},
	"retention_hourly": func(p oracle.Params) (oracle.Question, error) {
		var q analytics.RetentionHourlyQuery
		err := errors.Join(p.Text("start", &q.StartEvent), p.Text("return", &q.ReturnEvent), p.Text("mode", &q.Mode), p.Bool("cumulative", &q.Cumulative),
			p.Time("from", &q.From), p.Int("cohorts", &q.Cohorts), p.Int("periods", &q.Periods), p.Time("as_of", &q.AsOf))
		return hourly(q), err
	},
	"retention_actors": func(p oracle.Params) (oracle.Question, error) {
		var a analytics.RetentionActorsQuery
		q, err := readRetention(p)
		a.RetentionQuery = q
		err = errors.Join(err, p.Int("cohort", &a.Cohort), p.Int("period", &a.Period))
		// Vectors cannot write down ids of persons, which are hashes; random streams
		// compare them.
		actors := retentionActors(a)
		actors.columns = "project, cohort_date, cohort, period, returned, complete"
		named := actors.reference
		actors.reference = func(s analytics.Stream) (rows []string) {
			for _, row := range named(s) {
				_, rest, _ := strings.Cut(row, " ")
				rows = append(rows, rest)
			}
			return rows
		}
		return actors, err
	},
}

func retentionBy(q analytics.RetentionByQuery, column string) question {
	return question{view: "retention_by", parameters: fmt.Sprintf("%s, by = %s, top = %d", retentionParameters(q.RetentionQuery), clickhouse.Literal(column), q.Top),
		reference: answer(analytics.RetentionBy, q)}
}

// columns are those to break down by.
var columns = map[string]func(analytics.Event) string{
	"acquisition_channel": func(e analytics.Event) string { return e.Acquisition },
	"utm_campaign":        func(e analytics.Event) string { return e.Campaign },
	"country":             func(e analytics.Event) string { return e.Country },
	"device_type":         func(e analytics.Event) string { return e.Device },
	"url_path":            func(e analytics.Event) string { return e.Path },
}

func randomBy(r *rand.Rand, projects []oracle.Project) question {
	column := oracle.Pick(r, slices.Sorted(maps.Keys(columns))...)
	return retentionBy(analytics.RetentionByQuery{RetentionQuery: randomRetention(r, projects), By: columns[column], Top: 1 + r.IntN(4)}, column)
}

func rolling(q analytics.RollingQuery) question {
	return question{view: "retention_rolling", parameters: fmt.Sprintf("start_event = %s, return_event = %s, granularity = %s, from = %s, cohorts = %d, periods = %d, as_of = %s",
		clickhouse.Literal(q.StartEvent), clickhouse.Literal(q.ReturnEvent), clickhouse.Literal(q.Granularity), oracle.Instant(q.From), q.Cohorts, q.Periods, oracle.Instant(q.AsOf)),
		reference: answer(analytics.RetentionRolling, q)}
}

func randomRolling(r *rand.Rand, projects []oracle.Project) analytics.RollingQuery {
	return analytics.RollingQuery{
		StartEvent:  randomEvent(r),
		ReturnEvent: randomEvent(r),
		Granularity: oracle.Pick(r, "hour", "day", "week", "month"),
		From:        oracle.Border(r, projects),
		Cohorts:     1 + r.IntN(9),
		Periods:     1 + r.IntN(9),
		AsOf:        oracle.Border(r, projects),
	}
}

func hourly(q analytics.RetentionHourlyQuery) question {
	return question{view: "retention_hourly", parameters: fmt.Sprintf("start_event = %s, return_event = %s, mode = %s, cumulative = %v, from = %s, cohorts = %d, periods = %d, as_of = %s",
		clickhouse.Literal(q.StartEvent), clickhouse.Literal(q.ReturnEvent), clickhouse.Literal(q.Mode), q.Cumulative, oracle.Instant(q.From), q.Cohorts, q.Periods, oracle.Instant(q.AsOf)),
		reference: answer(analytics.RetentionHourly, q)}
}

func randomHourly(r *rand.Rand, projects []oracle.Project) analytics.RetentionHourlyQuery {
	return analytics.RetentionHourlyQuery{
		StartEvent:  randomEvent(r),
		ReturnEvent: randomEvent(r),
		Mode:        oracle.Pick(r, "recurring", "first_time", "first_ever"),
		Cumulative:  r.IntN(2) == 0,
		From:        oracle.Border(r, projects) - int64(r.IntN(8))*900_000,
		Cohorts:     1 + r.IntN(20),
		Periods:     1 + r.IntN(20),
		AsOf:        oracle.Border(r, projects),
	}
}

// randomAsOf returns a time around which something happens, or some days later: at
// many such times the date of the project is not that of UTC.
func randomAsOf(r *rand.Rand, projects []oracle.Project) int64 {
	return oracle.Border(r, projects) + int64(r.IntN(20*24))*time.Hour.Milliseconds()
}

// randomDay returns a day on or around which something happens.
func randomDay(r *rand.Rand, projects []oracle.Project) int32 {
	return oracle.Pick(r, oracle.Pick(r, projects...).Events...).Day + int32(r.IntN(5)-2)
}

// randomEvent returns a name for a parameter: any event, one, or none.
func randomEvent(r *rand.Rand) string {
	return oracle.Pick(r, "", oracle.Pick(r, oracle.Names[:4]...), oracle.Pick(r, oracle.Names...))
}

func randomRetention(r *rand.Rand, projects []oracle.Project) analytics.RetentionQuery {
	return analytics.RetentionQuery{
		StartEvent:  randomEvent(r),
		ReturnEvent: randomEvent(r),
		Granularity: oracle.Pick(r, "day", "day", "week", "month"),
		Mode:        oracle.Pick(r, "recurring", "first_time", "first_ever"),
		Cumulative:  r.IntN(2) == 0,
		From:        oracle.Pick(r, randomDay(r, projects), oracle.DayOf(oracle.Start, time.UTC)-2),
		Cohorts:     1 + r.IntN(9),
		Periods:     1 + r.IntN(9),
		AsOf:        randomAsOf(r, projects),
	}
}

func randomActors(r *rand.Rand, projects []oracle.Project) analytics.RetentionActorsQuery {
	q := randomRetention(r, projects)
	return analytics.RetentionActorsQuery{RetentionQuery: q, Cohort: r.IntN(q.Cohorts), Period: r.IntN(q.Periods)}
}
