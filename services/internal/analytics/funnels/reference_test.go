package funnels

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
)

// What only definitions can say: the rules that no view has parameters for. A stream
// is "A0 B5 A7": letters are events, numbers seconds; each has the session, plan and
// country that stand behind it as "A0/1/pro".
func TestDefinitions(t *testing.T) {
	any := analytics.FunnelStep{Name: "any", Match: func(analytics.Event) bool { return true }}
	plan := func(e analytics.Event) string { return e.Properties["plan"] }
	pro := analytics.FunnelStep{
		Name:  "B pro",
		Match: func(e analytics.Event) bool { return e.Name == "B" && plan(e) == "pro" },
		Base:  func(e analytics.Event) bool { return e.Name == "B" },
	}
	optional := func(name string) analytics.FunnelStep {
		s := analytics.StepsNamed(name)[0]
		s.Optional = true
		return s
	}
	once := func(s analytics.FunnelStep, first analytics.FunnelFirst) analytics.FunnelStep {
		s.First = first
		return s
	}
	steps := func(names string) []analytics.FunnelStep { return analytics.StepsNamed(strings.Fields(names)...) }
	with := func(first []analytics.FunnelStep, more ...analytics.FunnelStep) []analytics.FunnelStep {
		return append(first, more...)
	}
	for name, c := range map[string]struct {
		stream string
		window int64
		change func(*analytics.FunnelDefinition)
		// want is persons at each step.
		want string
	}{
		"a repeated step needs two events":    {"A0", 60, func(d *analytics.FunnelDefinition) { d.Steps = steps("A A") }, "1 0"},
		"two simultaneous ones will do":       {"A0 A0", 60, func(d *analytics.FunnelDefinition) { d.Steps = steps("A A") }, "1 1"},
		"first and third step the same":       {"A0 B0 A0", 60, func(d *analytics.FunnelDefinition) { d.Steps = steps("A B A") }, "1 1 1"},
		"one event counts once at an instant": {"A0 B0", 60, func(d *analytics.FunnelDefinition) { d.Steps = steps("A B A") }, "1 1 0"},
		"any event":                           {"A0 X5", 60, func(d *analytics.FunnelDefinition) { d.Steps = with(steps("A"), any) }, "1 1"},
		"any event first":                     {"X0 B5", 60, func(d *analytics.FunnelDefinition) { d.Steps = with(nil, any, steps("B")[0]) }, "1 1"},
		"a filter on a step":                  {"A0 B1 B5//pro", 60, func(d *analytics.FunnelDefinition) { d.Steps = with(steps("A"), pro) }, "1 1"},
		"an optional step left out":           {"A0 C5", 60, func(d *analytics.FunnelDefinition) { d.Steps = with(steps("A"), optional("B"), steps("C")[0]) }, "1 0 1"},
		"an optional step done":               {"A0 B2 C5", 60, func(d *analytics.FunnelDefinition) { d.Steps = with(steps("A"), optional("B"), steps("C")[0]) }, "1 1 1"},
		"an optional step out of time":        {"A0 B1 A50 C70", 60, func(d *analytics.FunnelDefinition) { d.Steps = with(steps("A"), optional("B"), steps("C")[0]) }, "1 0 1"},
		"strictly, an optional step left out": {"A0 C5", 60, func(d *analytics.FunnelDefinition) {
			d.Mode, d.Steps = analytics.Strictly, with(steps("A"), optional("B"), steps("C")[0])
		}, "1 0 1"},
		"the first of a life lies before the range": {"B-5 A0 B5", 60, func(d *analytics.FunnelDefinition) {
			d.Steps = with(steps("A"), once(steps("B")[0], analytics.FirstMatching))
		}, "1 0"},
		"the first that matches":         {"A0 B1 B5//pro", 60, func(d *analytics.FunnelDefinition) { d.Steps = with(steps("A"), once(pro, analytics.FirstMatching)) }, "1 1"},
		"the first ever does not match":  {"A0 B1 B5//pro", 60, func(d *analytics.FunnelDefinition) { d.Steps = with(steps("A"), once(pro, analytics.FirstEver)) }, "1 0"},
		"the first ever matches":         {"A0 B1//pro B5", 60, func(d *analytics.FunnelDefinition) { d.Steps = with(steps("A"), once(pro, analytics.FirstEver)) }, "1 1"},
		"totals: again after converting": {"A0 B1 A2 A3 B4", 60, func(d *analytics.FunnelDefinition) { d.Count = analytics.CountAttempts }, "2 2"},
		"totals: again after the window": {"A0 A61 B62", 60, func(d *analytics.FunnelDefinition) { d.Count = analytics.CountAttempts }, "2 1"},
		"totals: not within it":          {"A0 A60 B61", 60, func(d *analytics.FunnelDefinition) { d.Count = analytics.CountAttempts }, "1 0"},
		"totals: again after an exclusion": {"A0 X1 A2 B3", 60, func(d *analytics.FunnelDefinition) {
			d.Count, d.Exclusions = analytics.CountAttempts, []analytics.FunnelExclusion{analytics.Forbid("X", 1, 2)}
		}, "1 1"},
		"totals: strictly, broken": {"A0 X1 B2 A3 B4", 60, func(d *analytics.FunnelDefinition) { d.Count, d.Mode = analytics.CountAttempts, analytics.Strictly }, "2 1"},
		"totals: an optional step left out": {"A0 C1 A2 B3 C4", 60, func(d *analytics.FunnelDefinition) {
			d.Count, d.Steps = analytics.CountAttempts, with(steps("A"), optional("B"), steps("C")[0])
		}, "2 1 2"},
		"sessions: each by itself":               {"A0/1 B1/1 A5/2 B6/3 A7", 60, func(d *analytics.FunnelDefinition) { d.Count = analytics.CountSessions }, "2 1"},
		"held: the same plan at both steps":      {"A0//pro B1//free", 60, func(d *analytics.FunnelDefinition) { d.Hold = plan }, "1 0"},
		"held: the best plan counts":             {"A0//pro A1//free B2//free", 60, func(d *analytics.FunnelDefinition) { d.Hold = plan }, "1 1"},
		"held: without a plan nobody takes part": {"A0 B1", 60, func(d *analytics.FunnelDefinition) { d.Hold = plan }, "0 0"},
		"held: any plan may be excluded by itself": {"A0//pro X1//pro A2//free B3//free", 60, func(d *analytics.FunnelDefinition) {
			d.Hold, d.Exclusions = plan, []analytics.FunnelExclusion{analytics.Forbid("X", 1, 2)}
		}, "1 1"},
		"any order: the first step that it matches": {"A0 A1", 60, func(d *analytics.FunnelDefinition) { d.Mode, d.Steps = analytics.InAnyOrder, with(steps("A"), any) }, "1 0"},
		"a step is no exclusion": {"A0 B1", 60, func(d *analytics.FunnelDefinition) {
			d.Exclusions = []analytics.FunnelExclusion{{Match: any.Match, From: 1, To: 2}}
		}, "1 1"},
	} {
		d := analytics.FunnelDefinition{
			Mode: analytics.InOrder, Count: analytics.CountPersons, Steps: steps("A B"), WindowSeconds: c.window,
			From: start, To: start + 3600_000, AsOf: start + 86400_000,
		}
		c.change(&d)
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var have []string
		for _, r := range analytics.Funnel(short(t, c.stream), d) {
			have = append(have, number(r.Persons))
			if r.Persons != r.Converted+r.Pending+r.Dropped {
				t.Errorf("%s: have %v, want persons = converted + pending + dropped", name, r)
			}
		}
		if strings.Join(have, " ") != c.want {
			t.Errorf("%s: %s: have %v, want %s", name, c.stream, have, c.want)
		}
	}
}

// start is when the streams of TestDefinitions begin.
var start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli()

func number(n int64) string { return strconv.FormatInt(n, 10) }

// short reads a stream of one person.
func short(t *testing.T, text string) analytics.Stream {
	t.Helper()
	var s analytics.Stream
	for i, word := range strings.Fields(text) {
		parts := append(strings.Split(word, "/"), "", "")
		after, err := strconv.Atoi(parts[0][1:])
		if err != nil {
			t.Fatal(err)
		}
		e := analytics.Event{Person: 1, Name: parts[0][:1], Time: start + int64(after)*1000, Offset: uint64(i)}
		if parts[1] != "" {
			e.Session = uint64(parts[1][0])
		}
		if parts[2] != "" {
			e.Properties = map[string]string{"plan": parts[2]}
		}
		s.Events = append(s.Events, e)
	}
	return s
}
