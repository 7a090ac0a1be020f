package definition

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// retentionQuestion is a retention table with its times as numbers.
type retentionQuestion struct {
	probe
	Retention
	from, asOf int64
}

func (q retentionQuestion) SQL(project string) string {
	d := Default()
	d.Retention = q.Retention
	d.Retention.Project, d.Retention.From, d.Retention.AsOf = project, instantText(q.from), instantText(q.asOf)
	columns := []string{"project"}
	for i := range q.By {
		columns = append(columns, valueColumn(i))
	}
	columns = append(columns, "cohort", "period", "persons", "cohort_size", "complete")
	if q.Sum.given() {
		columns = append(columns, "value_sum")
	}
	return strings.Replace(q.ask(d), "*", strings.Join(columns, ", "), 1)
}

func (q retentionQuestion) Reference(s analytics.Stream) []string {
	d := analytics.RetentionDefinition{
		Start:       func(e analytics.Event) bool { return matches(q.Start.condition(), e) },
		Return:      func(e analytics.Event) bool { return matches(q.Return.condition(), e) },
		Ever:        func(e analytics.Event) bool { return matches(Condition{Event: q.Start.Event, Any: q.Start.Any}, e) },
		Granularity: q.Granularity, Mode: q.Mode, Rolling: q.Rolling, Cumulative: q.Cumulative, Brackets: q.Brackets,
		MinOccurrences: q.MinOccurrences, PerPerson: q.PerPerson, From: q.from, Cohorts: q.Cohorts, Periods: q.periods(), AsOf: q.asOf,
	}
	if len(q.By) > 0 {
		d.By = func(e analytics.Event) string { return joinedOf(e, q.By, false) }
	}
	if q.Sum.given() {
		d.Value = q.Sum.value
	}
	if err := d.Validate(); err != nil {
		return []string{"the reference refuses it: " + err.Error()}
	}
	var rows []string
	for _, c := range d.Evaluate(s) {
		row := fmt.Sprintf("%d %d %d %d %v", c.Cohort, c.Period, c.Persons, c.CohortSize, c.Complete)
		if q.Sum.given() {
			row += fmt.Sprintf(" %s", strconv.FormatFloat(float64(c.Sum)/10000, 'f', 4, 64))
		}
		values := strings.Split(c.Breakdown+"\x1f", "\x1f")
		for _, value := range slices.Backward(values[:len(q.By)]) {
			if value == "" {
				value = analytics.NotSet
			}
			row = value + " " + row
		}
		rows = append(rows, row)
	}
	return rows
}

// value returns the number of an event in 1/10000.
func (s Sum) value(e analytics.Event) (int64, bool) {
	if s.Revenue {
		return e.Revenue, true
	}
	n, err := strconv.ParseInt(valueOf(e, Value{Property: s.Property}), 10, 64)
	return n * 10000, err == nil
}

func randomRetention(r *rand.Rand, projects []oracle.Project) retentionQuestion {
	event := func() Event {
		s := randomStep(r)
		return Event{s.Event, s.Any, s.Where}
	}
	q := retentionQuestion{Retention: Default().Retention, from: oracle.Border(r, projects)}
	q.Start, q.Return = event(), event()
	q.Granularity = oracle.Pick(r, "day", "day", "week", "month")
	q.Mode = oracle.Pick(r, "recurring", "first_time", "first_ever")
	q.Cohorts, q.Periods = 1+r.IntN(8), 1+r.IntN(8)
	q.MinOccurrences = oracle.Pick(r, 1, 1, 2, 3)
	switch r.IntN(4) {
	case 0:
		q.Rolling = true
		q.Granularity = oracle.Pick(r, "hour", "day", "week", "month")
	case 1:
		q.Cumulative = true
	case 2:
		for range 1 + r.IntN(4) {
			q.Brackets = append(q.Brackets, 1+r.IntN(4))
		}
	}
	if !q.Cumulative && r.IntN(3) == 0 {
		q.Sum = oracle.Pick(r, Sum{Revenue: true}, Sum{Property: "plan"})
	}
	if r.IntN(2) == 0 {
		q.By, q.PerPerson = []Value{randomValue(r)}, r.IntN(2) == 0
		if v := randomValue(r); v != q.By[0] && r.IntN(3) == 0 {
			q.By = append(q.By, v)
		}
	}
	if r.IntN(3) == 0 {
		q.from = oracle.Start.UnixMilli()
	}
	q.asOf = q.from + int64(r.IntN(60))*24*time.Hour.Milliseconds() + int64(r.IntN(1000))
	return q
}

func TestRetention_random(t *testing.T) {
	r := oracle.Seed(t)
	w := oracle.New(t)
	projects := oracle.Random(t, r)
	w.Load(t, r, projects)
	rows := 0
	for i := range oracle.Questions(t, 8) {
		q := randomRetention(r, projects)
		t.Run(fmt.Sprintf("%02d %s", i, q.Mode), func(t *testing.T) {
			q.probe = probe{t, w}
			rows += w.Check(t, q, projects)
			if t.Failed() {
				t.Logf("%+v", q.Retention)
			}
		})
	}
	if rows < 1000 {
		t.Errorf("the reference gave %d rows: the questions have hardly any answers", rows)
	}
}
