package analytics

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// newQuery reads the question of a vector. Each mode has its view here, so that
// vectors and random streams put the same question to both sides.
func newQuery(view string, p params) (query, error) {
	var q query
	var err error
	switch view {
	case "funnel":
		var f FunnelQuery
		err = p.funnel(&f)
		q = funnelQuery{f}
	case "drop_off_next":
		var d DropOffQuery
		var after int64
		err = errors.Join(p.funnel(&d.FunnelQuery), p.number("after_step", &after), p.number("horizon", &d.HorizonSeconds))
		d.AfterStep = int(after)
		q = dropOffQuery{d}
	case "retention":
		var r RetentionQuery
		err = p.retention(&r)
		q = retentionQuery{r}
	default:
		return nil, fmt.Errorf("no view %q", view)
	}
	if len(p) > 0 {
		err = errors.Join(err, fmt.Errorf("unknown parameters %v", p))
	}
	return q, err
}

func (p params) funnel(q *FunnelQuery) error {
	var steps string
	err := errors.Join(p.text("steps", &steps), p.number("window", &q.WindowSeconds),
		p.time("from", &q.From), p.time("to", &q.To), p.time("as_of", &q.AsOf))
	q.Steps = strings.Split(steps, ",")
	return err
}

func (p params) retention(q *RetentionQuery) error {
	var cumulative string
	var from, asOf, cohorts, periods int64
	err := errors.Join(p.text("start", &q.StartEvent), p.text("return", &q.ReturnEvent),
		p.text("granularity", &q.Granularity), p.text("mode", &q.Mode), p.text("cumulative", &cumulative),
		p.time("from", &from), p.number("cohorts", &cohorts), p.number("periods", &periods), p.time("as_of", &asOf))
	q.StartEvent = strings.TrimSuffix(q.StartEvent, "*")
	q.ReturnEvent = strings.TrimSuffix(q.ReturnEvent, "*")
	q.Cumulative = cumulative == "true"
	q.From, q.AsOf = dayOf(time.UnixMilli(from), time.UTC), dayOf(time.UnixMilli(asOf), time.UTC)
	q.Cohorts, q.Periods = int(cohorts), int(periods)
	return err
}

type funnelQuery struct{ FunnelQuery }

func (q funnelQuery) reference(s Stream) []string { return texts(Funnel(s, q.FunnelQuery)) }

func (q funnelQuery) view(project string) string {
	return fmt.Sprintf("SELECT * FROM analytics.funnel(%s)", q.parameters(project))
}

func (q FunnelQuery) parameters(project string) string {
	return fmt.Sprintf("project = %s, steps = [%s], window_seconds = %d, from = %s, to = %s, as_of = %s",
		literal(project), strings.Join(literals(q.Steps), ", "), q.WindowSeconds, instant(q.From), instant(q.To), instant(q.AsOf))
}

func (q funnelQuery) read(scan func(...any) error) (string, error) {
	var r FunnelRow
	err := scan(&r.Step, &r.Event, &r.Persons, &r.Pending, &r.Dropped, &r.ConversionTotal, &r.ConversionStep, &r.MedianSeconds, &r.P90Seconds)
	return r.String(), err
}

type dropOffQuery struct{ DropOffQuery }

func (q dropOffQuery) reference(s Stream) []string { return texts(DropOffNext(s, q.DropOffQuery)) }

func (q dropOffQuery) view(project string) string {
	return fmt.Sprintf("SELECT * FROM analytics.drop_off_next(%s, after_step = %d, horizon_seconds = %d)",
		q.parameters(project), q.AfterStep, q.HorizonSeconds)
}

func (q dropOffQuery) read(scan func(...any) error) (string, error) {
	var r DropOffRow
	err := scan(&r.NextEvent, &r.Persons, &r.MedianSeconds)
	return r.String(), err
}

type retentionQuery struct{ RetentionQuery }

func (q retentionQuery) reference(s Stream) []string { return texts(Retention(s, q.RetentionQuery)) }

func (q retentionQuery) view(project string) string {
	return fmt.Sprintf("SELECT * FROM analytics.retention(project = %s, start_event = %s, return_event = %s, granularity = %s, "+
		"mode = %s, cumulative = %v, from = '%s', cohorts = %d, periods = %d, as_of = '%s')",
		literal(project), literal(q.StartEvent), literal(q.ReturnEvent), literal(q.Granularity), literal(q.Mode), q.Cumulative,
		date(q.From).Format(time.DateOnly), q.Cohorts, q.Periods, date(q.AsOf).Format(time.DateOnly))
}

func (q retentionQuery) read(scan func(...any) error) (string, error) {
	var r RetentionRow
	var day time.Time
	err := scan(&day, &r.Cohort, &r.Period, &r.Persons, &r.CohortSize, &r.Complete)
	r.CohortDate = day.Format(time.DateOnly)
	return r.String(), err
}

func texts[R fmt.Stringer](rows []R) []string {
	text := make([]string, len(rows))
	for i, r := range rows {
		text[i] = r.String()
	}
	return text
}

func instant(ms int64) string {
	return "'" + time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000") + "'"
}

func literals(texts []string) []string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = literal(text)
	}
	return quoted
}

func literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
