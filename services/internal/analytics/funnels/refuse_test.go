package funnels

import (
	"strings"
	"testing"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// Each bad parameter is refused with a text that names it, also where there is
// nothing to count, and nothing that stands in a parameter is taken for SQL.
func TestBadParametersAreRefused(t *testing.T) {
	w := oracle.New(t)
	good := query{steps: []string{"a", "b"}, window: 60, from: 1e12, to: 2e12, asOf: 2e12}
	with := func(change func(*query)) query {
		q := good
		change(&q)
		return q
	}
	many := make([]string, 200)
	for i := range many {
		many[i] = strings.Repeat("s", i+1)
	}
	shared := map[string]query{
		"steps: want 1 to 10 events":          with(func(q *query) { q.steps = nil }),
		"steps: want 1 to 10 events ":         with(func(q *query) { q.steps = many }),
		"steps: an event has no name":         with(func(q *query) { q.steps = []string{"a", ""} }),
		"steps: an event is repeated":         with(func(q *query) { q.steps = []string{"a", "b", "a"} }),
		"window_seconds: want 1 to 31622400":  with(func(q *query) { q.window = 0 }),
		"window_seconds: want 1 to 31622400 ": with(func(q *query) { q.window = 31622401 }),
		"from: want a time before to":         with(func(q *query) { q.to = q.from }),
		"from: want 1970-01-02 or later":      with(func(q *query) { q.from = 0 }),
		"as_of: want 1970-01-02 or later":     with(func(q *query) { q.asOf = 0 }),
	}
	for text, q := range shared {
		if len(q.steps) != 2 {
			// What is asked of the steps depends on their number.
			refused(t, w, funnel{q}.SQL("p"), text)
			continue
		}
		for _, question := range []oracle.Question{
			funnel{q}, actors{q}, trend{q, "day"}, dropOffNext{q, 1, 60, false}, dropOffNext{q, 1, 60, true},
			breakdown{q, "country", analytics.AttributeFirst, 1, 5},
			significance{breakdown{q, "country", analytics.AttributeFirst, 1, 5}, ""}, dropOff{breakdown{query: q, by: "country", top: 5}},
			exact{q, analytics.InOrder, nil}, exact{q, analytics.Strictly, nil}, exact{q, analytics.InAnyOrder, nil},
		} {
			refused(t, w, question.SQL("p"), text)
		}
	}
	by := func(column string, attribution analytics.Attribution, step, top int) string {
		return breakdown{good, column, attribution, step, top}.SQL("p")
	}
	compare := func(column string, attribution analytics.Attribution, step int) string {
		return significance{breakdown{good, column, attribution, step, 5}, ""}.SQL("p")
	}
	forbid := func(mode analytics.FunnelMode, x ...exclusion) string { return exact{good, mode, x}.SQL("p") }
	for sql, text := range map[string]string{
		by("nothing", analytics.AttributeFirst, 1, 5):                                                                  "'by.nothing'",
		by("country` FROM system.tables --", analytics.AttributeFirst, 1, 5):                                           "'by.country` FROM system.tables --'",
		by("country'", analytics.AttributeFirst, 1, 5):                                                                 "by.country'",
		by("", analytics.AttributeFirst, 1, 5):                                                                         "parameter `by`",
		by("properties.", analytics.AttributeFirst, 1, 5):                                                              "by.properties.",
		dropOff{breakdown{query: good, by: "nothing", top: 5}}.SQL("p"):                                                "'by.nothing'",
		by("country", "middle", 1, 5):                                                                                  "attribution: want first, last, step or all",
		by("country", "everybody", 1, 5):                                                                               "attribution: want first, last, step or all",
		compare("nothing", analytics.AttributeFirst, 1):                                                                "'by.nothing'",
		compare("country", analytics.AttributeAll, 1):                                                                  "attribution: want first, last or step",
		compare("country", analytics.AttributeStep, 3):                                                                 "attribution_step: want 1 to the number of steps",
		by("country", "project", 1, 5):                                                                                 "attribution: want first, last, step or all",
		by("country", analytics.AttributeStep, 3, 5):                                                                   "attribution_step: want 1 to the number of steps",
		by("country", analytics.AttributeStep, 0, 5):                                                                   "attribution_step: want 1 to the number of steps",
		by("country", analytics.AttributeFirst, 1, 0):                                                                  "top: want 1 to 1000",
		dropOff{breakdown{query: good, by: "country", top: 1001}}.SQL("p"):                                             "top: want 1 to 1000",
		trend{good, "fortnight"}.SQL("p"):                                                                              "granularity: want day, week or month",
		dropOffNext{good, 2, 60, false}.SQL("p"):                                                                       "after_step: want 1 to the number of steps less one",
		dropOffNext{good, 1, 0, true}.SQL("p"):                                                                         "horizon_seconds: want 1 to 31622400",
		forbid("sideways"):                                                                                             "mode: want ordered, strict or unordered",
		forbid(analytics.InOrder, exclusion{"a", 1, 2}):                                                                "exclude: an event is a step",
		forbid(analytics.InOrder, exclusion{"", 1, 2}):                                                                 "exclude: an event has no name",
		forbid(analytics.InOrder, exclusion{"x", 2, 2}):                                                                "exclude_from: want a step before exclude_to",
		forbid(analytics.InOrder, exclusion{"x", 1, 3}):                                                                "exclude_from: want a step before exclude_to",
		forbid(analytics.Strictly, exclusion{"x", 0, 1}):                                                               "exclude_from: want a step before exclude_to",
		forbid(analytics.InOrder, make([]exclusion, 11)...):                                                            "exclude: want at most 10 events",
		strings.Replace(forbid(analytics.InOrder, exclusion{"x", 1, 2}), "exclude_to = [2]", "exclude_to = []", 1):     "exclude_to: want a step for each excluded event",
		strings.Replace(forbid(analytics.InOrder, exclusion{"x", 1, 2}), "exclude_from = [1]", "exclude_from = []", 1): "exclude_from: want a step for each excluded event",
		exact{with(func(q *query) { q.steps = []string{"a", "b", "c"} }), analytics.InAnyOrder, []exclusion{{"x", 1, 2}}}.SQL("p"): "exclude_from: want 1 and exclude_to the last step",
		abandoned{analytics.AbandonedQuery{From: 1e12, To: 1e12, AsOf: 1e12, AfterSeconds: 5}}.SQL("p"):                            "from: want a time before to",
		abandoned{analytics.AbandonedQuery{From: 1e12, To: 2e12, AsOf: 2e12}}.SQL("p"):                                             "after_seconds: want 1 to 31622400",
		strings.Replace(funnel{good}.SQL("p"), "window_seconds = 60", "window_seconds = -1", 1):                                    "window_seconds",
		strings.Replace(funnel{good}.SQL("p"), "window_seconds = 60, ", "", 1):                                                     "window_seconds",
	} {
		refused(t, w, sql, text)
	}
}

func refused(t *testing.T, w *oracle.World, sql, text string) {
	t.Helper()
	rows, err := oracle.Ask(t, w.BI, sql)
	if err == nil {
		t.Errorf("%s: have %v, want refused: %s", sql, rows, text)
	} else if !strings.Contains(err.Error()[len(sql):], strings.TrimSpace(text)) {
		t.Errorf("%s: have %v, want %s", sql, err, text)
	}
}

// A name is a name, whatever stands in it; one that nobody did is no error.
func TestNamesAreNoSQL(t *testing.T) {
	w := oracle.New(t)
	q := query{steps: []string{"') OR 1 = 1 --", "{project:String}", `\`, "b\x00"}, window: 60, from: 1e12, to: 2e12, asOf: 2e12}
	rows, err := oracle.Ask(t, w.BI, funnel{q}.SQL("p"))
	if err != nil || !oracle.Same(t, "nobody", rows["p"], funnel{q}.Reference(analytics.Stream{})) {
		t.Errorf("have %v, %v", rows, err)
	}
}

// What a definition cannot mean is refused by the reference too.
func TestDefinitionsAreValidated(t *testing.T) {
	good := query{steps: []string{"a", "b"}, window: 60, from: 1e12, to: 2e12, asOf: 2e12}.definition()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for text, change := range map[string]func(*analytics.FunnelDefinition){
		"mode":           func(d *analytics.FunnelDefinition) { d.Mode = "sideways" },
		"count":          func(d *analytics.FunnelDefinition) { d.Count = "sheep" },
		"steps":          func(d *analytics.FunnelDefinition) { d.Steps = nil },
		"first step":     func(d *analytics.FunnelDefinition) { d.Steps[0].Optional = true },
		"first_ever":     func(d *analytics.FunnelDefinition) { d.Steps[1].First, d.Steps[1].Base = analytics.FirstEver, nil },
		"window_seconds": func(d *analytics.FunnelDefinition) { d.WindowSeconds = 0 },
		"from":           func(d *analytics.FunnelDefinition) { d.To = d.From },
		"exclusions":     func(d *analytics.FunnelDefinition) { d.Exclusions = append(d.Exclusions, analytics.Forbid("x", 1, 3)) },
		"totals":         func(d *analytics.FunnelDefinition) { d.Mode, d.Count = analytics.InAnyOrder, analytics.CountAttempts },
		"attribution_step": func(d *analytics.FunnelDefinition) {
			d.By, d.Attribution = analytics.Event.Page, analytics.AttributeStep
		},
		"attribution:": func(d *analytics.FunnelDefinition) { d.By = analytics.Event.Page },
	} {
		d := good
		d.Steps = analytics.StepsNamed("a", "b")
		change(&d)
		if err := d.Validate(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("have %v, want %s", err, text)
		}
	}
}
