package cohorts

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// monday is 2026-01-05 00:00 UTC in ms.
const monday = int64(1767571200000)

// stream makes events out of "person event hours [plan] [amount]" each.
func stream(zone *time.Location, lines ...string) analytics.Stream {
	s := analytics.Stream{Zone: zone}
	for i, line := range lines {
		words := append(strings.Fields(line), "", "")
		hours, err := strconv.ParseFloat(words[2], 64)
		if err != nil {
			panic(err) // the lines are ours
		}
		at := monday + int64(hours*3600_000)
		e := analytics.Event{Person: uint64(words[0][0]), Name: words[1], Time: at, Day: oracle.DayOf(time.UnixMilli(at), zone), Offset: uint64(i)}
		e.Campaign = words[3]
		if amount, err := strconv.Atoi(words[4]); err == nil {
			e.Revenue = int64(amount)
		}
		s.Events = append(s.Events, e)
	}
	return s
}

// golden are four persons over five days.
var golden = stream(time.UTC, "a s 2", "a r 26", "a r 75", "b s 23", "b r 25", "c s 30", "c s 80", "c r 100", "d r 50")

func TestRetentionDefinition(t *testing.T) {
	named := analytics.Named
	plan := func(name, value string) func(analytics.Event) bool {
		return func(e analytics.Event) bool { return e.Name == name && e.Campaign == value }
	}
	campaign := func(e analytics.Event) string { return e.Campaign }
	amount := func(e analytics.Event) (int64, bool) { return e.Revenue, e.Revenue != 0 }
	base := analytics.RetentionDefinition{
		Start: named("s"), Return: named("r"), Granularity: "day", Mode: "recurring", From: monday, Cohorts: 4, Periods: 4, AsOf: monday + 100*24*3600_000,
	}
	for _, c := range []struct {
		name   string
		change func(*analytics.RetentionDefinition)
		stream analytics.Stream
		// want are the rows of a table, persons by period, with sums after a colon.
		want string
	}{
		{"recurring", func(*analytics.RetentionDefinition) {}, golden, "2,2,0,1 | 1,0,0,1 | 0,0,0,0 | 1,1,0,0"},
		{"first time", func(d *analytics.RetentionDefinition) { d.Mode = "first_time" }, golden, "2,2,0,1 | 1,0,0,1 | 0,0,0,0 | 0,0,0,0"},
		{"rolling", func(d *analytics.RetentionDefinition) { d.Rolling = true }, golden, "2,1,0,1 | 1,0,1,0 | 0,0,0,0 | 0,0,0,0"},
		{"cumulative", func(d *analytics.RetentionDefinition) { d.Mode, d.Cumulative = "first_time", true }, golden, "2,2,1,1 | 1,1,1,1 | 0,0,0,0 | 0,0,0,0"},
		// Day 1; days 2 and 3; days 4 to 6.
		{"brackets", func(d *analytics.RetentionDefinition) { d.Brackets = []int{1, 2, 3} }, golden, "2,2,1,0 | 1,0,1,0 | 0,0,0,0 | 1,1,0,0"},
		{"a person once in a bracket", func(d *analytics.RetentionDefinition) { d.Cohorts, d.Periods, d.Brackets = 1, 2, []int{5} },
			stream(time.UTC, "p s 0", "p r 24", "p r 48", "p r 144", "q s 1", "q r 144"), "2,1"},
		{"minimum occurrences, per day also in a bracket", func(d *analytics.RetentionDefinition) {
			d.Cohorts, d.Periods, d.Brackets, d.MinOccurrences = 1, 2, []int{3}, 2
		}, stream(time.UTC, "p s 0", "p r 24", "p r 25", "q s 0", "q r 24", "q r 48"), "2,1"},
		{"the first start that matches, and the first ever", func(d *analytics.RetentionDefinition) {
			d.Mode, d.Start, d.Cohorts, d.Periods = "first_time", plan("s", "pro"), 2, 2
		}, stream(time.UTC, "p s 0 free", "p s 24 pro", "q s 1 pro"), "1,0 | 1,0"},
		{"first ever", func(d *analytics.RetentionDefinition) {
			d.Mode, d.Start, d.Ever, d.Cohorts, d.Periods = "first_ever", plan("s", "pro"), named("s"), 2, 2
		}, stream(time.UTC, "p s 0 free", "p s 24 pro", "q s 1 pro"), "1,0 | 0,0"},
		{"sums", func(d *analytics.RetentionDefinition) { d.Value, d.Cohorts, d.Periods = amount, 1, 2 },
			stream(time.UTC, "p s 0 - 5", "p s 1 - 7", "p r 24 - 30", "p r 25 - 1", "q s 0", "q r 30 - 4"), "2:12,2:35"},
		{"a return has the start's value", func(d *analytics.RetentionDefinition) { d.By, d.Cohorts, d.Periods = campaign, 1, 2 },
			stream(time.UTC, "p s 0 x", "p s 1 y", "p r 24 x", "q s 2 y", "q r 24 x"), "x: 1,1 / y: 2,0"},
		{"a person has the first value", func(d *analytics.RetentionDefinition) { d.By, d.PerPerson, d.Cohorts, d.Periods = campaign, true, 1, 2 },
			stream(time.UTC, "p s 0", "p s 1 y", "p r 24 x", "q s 2 y", "q r 24 x", "r s 3"), "1,0 / y: 2,2"},
		{"hours of a zone half an hour off", func(d *analytics.RetentionDefinition) { d.Granularity, d.Cohorts, d.Periods = "hour", 2, 2 },
			stream(time.FixedZone("", 5*3600+1800), "p s 0.4", "p r 0.6", "q s 0.6", "q r 1.4"), "1,1 | 1,0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := base
			c.change(&d)
			if err := d.Validate(); err != nil {
				t.Fatal(err)
			}
			if have := table(d.Evaluate(c.stream)); have != c.want {
				t.Errorf("have %s\nwant %s", have, c.want)
			}
		})
	}
}

// table writes cells as rows of persons by period.
func table(cells []analytics.RetentionCell) string {
	var text strings.Builder
	for i, c := range cells {
		switch {
		case c.Period > 0:
			text.WriteString(",")
		case c.Cohort > 0:
			text.WriteString(" | ")
		case i > 0:
			text.WriteString(" / ")
		}
		if c.Period == 0 && c.Cohort == 0 && c.Breakdown != "" {
			text.WriteString(c.Breakdown + ": ")
		}
		fmt.Fprint(&text, c.Persons)
		if c.Sum != 0 {
			fmt.Fprintf(&text, ":%d", c.Sum)
		}
	}
	return text.String()
}

func TestRetentionDefinitionRefuses(t *testing.T) {
	good := analytics.RetentionDefinition{
		Start: analytics.Named(""), Return: analytics.Named(""), Granularity: "day", Mode: "recurring", Cohorts: 3, Periods: 3,
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*analytics.RetentionDefinition){
		"granularity: want":                func(d *analytics.RetentionDefinition) { d.Granularity = "year" },
		"mode: want":                       func(d *analytics.RetentionDefinition) { d.Mode = "" },
		"cohorts: want":                    func(d *analytics.RetentionDefinition) { d.Cohorts = 10000 },
		"periods: want 1 to":               func(d *analytics.RetentionDefinition) { d.Periods = 0 },
		"start, return: want":              func(d *analytics.RetentionDefinition) { d.Return = nil },
		"rolling: cannot be cumulative":    func(d *analytics.RetentionDefinition) { d.Rolling, d.Cumulative = true, true },
		"rolling: cannot have brackets":    func(d *analytics.RetentionDefinition) { d.Rolling, d.Brackets = true, []int{1, 1} },
		"cumulative: cannot add up values": func(d *analytics.RetentionDefinition) { d.Cumulative, d.Value = true, amountOf },
		"periods: want one more than":      func(d *analytics.RetentionDefinition) { d.Brackets = []int{1} },
		"brackets: want widths":            func(d *analytics.RetentionDefinition) { d.Brackets = []int{1, 0} },
		"min_occurrences: want 1 or more":  func(d *analytics.RetentionDefinition) { d.MinOccurrences = -1 },
	} {
		d := good
		change(&d)
		if err := d.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want an error that says %q", err, want)
		}
	}
}

func amountOf(e analytics.Event) (int64, bool) { return e.Revenue, true }

// A criterion such as "at most 1" is put to intervals with events only.
func TestStickinessBy(t *testing.T) {
	s := stream(time.UTC, "p a 1", "p a 25", "p a 26", "q a 1", "q a 2")
	q := analytics.SpanQuery{Event: "a", Granularity: "day", From: 20458, To: 20461}
	for want, criterion := range map[string]func(int) bool{
		"1 1 2 1;2 1 1 0.5;3 0 0 0": func(int) bool { return true },
		"1 1 1 1;2 0 0 0;3 0 0 0":   func(n int) bool { return n <= 1 },
		"1 2 2 1;2 0 0 0;3 0 0 0":   func(n int) bool { return n >= 2 },
	} {
		have := strings.Join(oracle.Texts(analytics.StickinessBy(s, q, criterion)), ";")
		if have != want {
			t.Errorf("have %s, want %s", have, want)
		}
	}
}
