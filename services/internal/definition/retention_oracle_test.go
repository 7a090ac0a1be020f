package definition

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	money "github.com/shopspring/decimal"

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
			row += fmt.Sprintf(" %s", money.New(max(-most, min(most, c.Sum)), -4).StringFixed(4))
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

// most is the largest amount that a column shows, in 1/10000.
const most = 999_999_999_999_999_999

// Modes returns what the table asks for, as oracle.SavedModes names it.
func (q retentionQuestion) Modes() []string {
	modes := []string{"mode = " + q.Mode, "granularity = " + q.Granularity}
	if q.Rolling {
		modes = []string{"mode = " + q.Mode, "rolling"}
	}
	for mode, is := range map[string]bool{
		"rolling hours":       q.Rolling && q.Granularity == "hour",
		"cumulative":          q.Cumulative,
		"brackets":            len(q.Brackets) > 0,
		"minimum occurrences": q.MinOccurrences > 1,
		"sum of revenue":      q.Sum.Revenue,
		"sum of a property":   q.Sum.Property != "",
		"any event":           q.Start.Any || q.Return.Any,
		"a condition":         len(q.Start.Where)+len(q.Return.Where) > 0,
		"by one value":        len(q.By) == 1,
		"by two values":       len(q.By) == 2,
		"per person":          q.PerPerson,
	} {
		if is {
			modes = append(modes, mode)
		}
	}
	return modes
}

// value returns the number of an event in 1/10000.
func (s Sum) value(e analytics.Event) (int64, bool) {
	if s.Revenue {
		return e.Revenue, true
	}
	n, err := money.NewFromString(valueOf(e, Value{Property: s.Property}))
	return n.Shift(4).IntPart(), err == nil
}

func randomRetention(r *rand.Rand, projects []oracle.Project) retentionQuestion {
	event := func() Event {
		s := randomStep(r)
		return Event{s.Event, s.Any, s.Where}
	}
	q := retentionQuestion{Retention: Default().Retention, from: oracle.Border(r, projects)}
	q.Start, q.Return = event(), event()
	q.Granularity = oracle.Pick(r, "hour", "day", "day", "week", "month")
	q.Mode = oracle.Pick(r, "recurring", "first_time", "first_ever")
	q.Cohorts, q.Periods = 1+r.IntN(8), 1+r.IntN(8)
	q.MinOccurrences = oracle.Pick(r, 1, 1, 2, 3)
	switch r.IntN(4) {
	case 0:
		q.Rolling = true
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
	if r.IntN(2) == 0 {
		// At, just before or just after the end of an interval, by some clock.
		const hour = int64(time.Hour / time.Millisecond)
		q.asOf = oracle.Pick(r, q.from, q.from/hour*hour) + oracle.Pick[int64](r, 1, 24)*hour*int64(r.IntN(20)) + int64(r.IntN(3)-1)
	}
	return q
}
