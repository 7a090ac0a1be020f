package funnels

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

type significance struct {
	breakdown
	baseline string
}

// near cuts a figure to seven digits after the point: the two implementations need not
// have the same last bits of logarithms and roots. The border between two figures lies
// where no simple fraction does.
func near(x float64) float64 { return math.Floor(x*1e7+0.3) / 1e7 }

func (q significance) SQL(project string) string {
	call := q.call("funnel_significance", project, "by = "+clickhouse.Literal(q.by), "attribution = "+clickhouse.Literal(string(q.attribution)),
		fmt.Sprintf("attribution_step = %d", q.step), fmt.Sprintf("top = %d", q.top), "baseline = "+clickhouse.Literal(q.baseline))
	var cut []string
	for _, column := range []string{"conversion_low", "conversion_high", "difference", "difference_low", "difference_high", "p_value", "p_value_adjusted"} {
		cut = append(cut, fmt.Sprintf("floor(%s * 1e7 + 0.3) / 1e7 AS %[1]s", column))
	}
	return strings.Replace(call, "*", "* REPLACE ("+strings.Join(cut, ", ")+")", 1)
}

func (q significance) Reference(s analytics.Stream) []string {
	rows := analytics.FunnelSignificance(s, q.definition(), q.top, q.baseline)
	for i := range rows {
		r := &rows[i]
		for _, x := range []*float64{
			&r.Interval.Low, &r.Interval.High, &r.Difference, &r.DifferenceInterval.Low, &r.DifferenceInterval.High, &r.PValue, &r.Adjusted,
		} {
			*x = near(*x)
		}
	}
	return oracle.Texts(rows)
}

func readSignificance(p oracle.Params) (oracle.Question, error) {
	b, err := readBreakdown(p)
	q := significance{breakdown: b}
	q.attribution, q.step = analytics.AttributeFirst, 1
	err = errors.Join(err, p.Text("baseline", &q.baseline))
	if _, ok := p["attribution"]; ok {
		var attribution string
		err = errors.Join(err, p.Text("attribution", &attribution), p.Int("step", &q.step))
		q.attribution = analytics.Attribution(attribution)
	}
	return q, err
}

func randomSignificance(r *rand.Rand, projects []oracle.Project) significance {
	q := significance{breakdown: randomBreakdown(r, projects)}
	for q.attribution == analytics.AttributeAll {
		q.attribution = oracle.Pick(r, analytics.AttributeFirst, analytics.AttributeLast, analytics.AttributeStep)
	}
	q.steps = q.steps[:min(len(q.steps), 3)]
	q.step = min(q.step, len(q.steps))
	q.baseline = oracle.Pick(r, "", "", "DE", "(not set)", "Other", "web", "nobody has this")
	return q
}

// What published examples give.
func TestSignificanceOfKnownTables(t *testing.T) {
	for name, c := range map[string]struct {
		persons, converted, others, othersConverted int
		p                                           float64
		test                                        string
		low, high                                   float64
	}{
		// Fisher's tea: three cups of four were told right, and one of the others.
		"tea": {4, 3, 4, 1, 0.485714286, "exact", -0.1355, 0.7891},
		// Newcombe 1998, table II: 56/70 and 48/80, method 10.
		"newcombe (a)": {70, 56, 80, 48, 0.008045, "z", 0.0524, 0.3339},
		// 9/10 and 3/10 of the same table, where cells are too small for z.
		"newcombe (b)": {10, 9, 10, 3, 0.0198, "exact", 0.1705, 0.8090},
		"newcombe (c)": {7, 6, 7, 2, 0.1026, "exact", 0.0582, 0.8062},
		"everybody":    {5, 5, 7, 7, 1, "exact", -0.4345, 0.3543},
	} {
		rows := analytics.FunnelSignificance(shares(c.persons, c.converted, c.others, c.othersConverted), twoSteps(), 5, "b")
		r := rows[0]
		if math.Abs(r.PValue-c.p) > 5e-5 || r.Test != c.test ||
			math.Abs(r.DifferenceInterval.Low-c.low) > 5e-5 || math.Abs(r.DifferenceInterval.High-c.high) > 5e-5 {
			t.Errorf("%s: have %v, want p %v by %s, %v to %v", name, r, c.p, c.test, c.low, c.high)
		}
	}
}

func twoSteps() analytics.FunnelDefinition {
	d := query{steps: []string{"A", "B"}, window: 60, from: start, to: start + 1000, asOf: start + 1e6}.definition()
	d.By, d.Attribution = columns["country"], analytics.AttributeFirst
	return d
}

// shares is a stream of two groups, a and b, of whom some do both steps.
func shares(persons, converted, others, othersConverted int) analytics.Stream {
	var s analytics.Stream
	group := func(country string, persons, converted int) {
		for i := range persons {
			id := uint64(len(s.Events) + 1)
			s.Events = append(s.Events, analytics.Event{Person: id, Name: "A", Time: start, Country: country, Offset: id})
			if i < converted {
				s.Events = append(s.Events, analytics.Event{Person: id, Name: "B", Time: start + 1, Country: country, Offset: id + 1})
			}
		}
	}
	group("a", persons, converted)
	group("b", others, othersConverted)
	return s
}
