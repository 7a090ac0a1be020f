package definition

import (
	"fmt"
	"slices"
)

// Retention is everything that can be asked of a retention table. Its meaning is that of
// analytics.RetentionDefinition.
type Retention struct {
	Project     string `yaml:"project" doc:"Id of the project, or * for all that the reader may see."`
	Start       Event  `yaml:"start" doc:"What puts a person into a cohort."`
	Return      Event  `yaml:"return" doc:"What counts as coming back."`
	Granularity string `yaml:"granularity" doc:"hour, day, week (from Monday) or month, in the project's time zone."`
	Mode        string `yaml:"mode" doc:"recurring, first_time or first_ever."`
	Rolling     bool   `yaml:"rolling" doc:"Count intervals from the person's own first start: 24 h, 7 days or 30 days."`
	Cumulative  bool   `yaml:"cumulative" doc:"Count a person at every period up to the last return."`
	Brackets    []int  `yaml:"brackets" doc:"Widths, in intervals, of the periods after period 0; instead of periods."`
	// MinOccurrences does not count for the cohort itself.
	MinOccurrences int     `yaml:"min_occurrences" doc:"How many return events within an interval make a return."`
	Sum            Sum     `yaml:"sum" doc:"A number to add up."`
	By             []Value `yaml:"by" doc:"One or two values to break down by."`
	PerPerson      bool    `yaml:"per_person" doc:"With by: give each person their first value, so that the tables add up to the whole. Otherwise a return needs the value of the start."`
	From           string  `yaml:"from" doc:"The first cohort holds this time: 30d (ago), or 2026-10-01."`
	Cohorts        int     `yaml:"cohorts" doc:"Number of cohorts."`
	Periods        int     `yaml:"periods" doc:"Number of periods, with period 0."`
	AsOf           string  `yaml:"as_of" doc:"Cells that ended before this are complete."`
}

// Event is which events are meant.
type Event struct {
	Event string   `yaml:"event" doc:"Name of the event."`
	Any   bool     `yaml:"any" doc:"Any event, instead of a name."`
	Where []Filter `yaml:"where" doc:"Conditions on columns and properties, which must all hold."`
}

func (e Event) condition() Condition { return Condition(e) }

func (e Event) label() string {
	if e.Any {
		return "(any event)"
	}
	return e.Event
}

// Sum is a number of an event.
type Sum struct {
	Revenue  bool   `yaml:"revenue" doc:"The column revenue."`
	Property string `yaml:"property" doc:"A property; what is no number counts as 0."`
}

func (s Sum) given() bool { return s != Sum{} }

func (s Sum) sql() string {
	switch {
	case s.Revenue:
		return "e.revenue"
	case s.given():
		return "toDecimal64OrZero(toString(" + propertyText(s.Property) + "), 4)"
	default:
		return "toDecimal64(0, 4)"
	}
}

const maxIntervals = 1000

func (r Retention) check(add func(path, format string, args ...any)) {
	at := func(path, format string, args ...any) { add("retention."+path, format, args...) }
	checkProject("project", r.Project, at)
	r.Start.condition().check("start", at)
	r.Return.condition().check("return", at)
	oneOf("mode", r.Mode, at, "recurring", "first_time", "first_ever")
	oneOf("granularity", r.Granularity, at, "hour", "day", "week", "month")
	if r.Rolling && r.Cumulative {
		at("rolling", "cannot be cumulative")
	}
	if r.Rolling && len(r.Brackets) > 0 {
		at("rolling", "cannot have brackets")
	}
	if r.Cumulative && r.Sum.given() {
		at("cumulative", "cannot add up numbers")
	}
	if r.Sum.Revenue && r.Sum.Property != "" {
		at("sum", "want revenue or a property, not both")
	}
	if len(r.Sum.Property) > maxName {
		at("sum.property", "want at most %d bytes", maxName)
	}
	if slices.ContainsFunc(r.Brackets, func(width int) bool { return width < 1 || width > maxIntervals }) || len(r.Brackets) >= maxIntervals {
		at("brackets", "want fewer than %d widths, each 1 to %d", maxIntervals, maxIntervals)
	}
	for path, n := range map[string]int{"cohorts": r.Cohorts, "periods": r.Periods, "min_occurrences": r.MinOccurrences} {
		if n < 1 || n > maxIntervals {
			at(path, "want 1 to %d, got %d", maxIntervals, n)
		}
	}
	checkInstants(at, map[string]string{"from": r.From, "as_of": r.AsOf})
	checkValues("by", r.By, maxBy, at)
	if r.PerPerson && len(r.By) == 0 {
		at("per_person", "want by, the values to break down by")
	}
}

// periods is the number of periods, with period 0.
func (r Retention) periods() int {
	if len(r.Brackets) > 0 {
		return 1 + len(r.Brackets)
	}
	return r.Periods
}

func (r Retention) summary() string {
	return fmt.Sprintf("retention by %s: %s, then %s", r.Granularity, r.Start.label(), r.Return.label())
}

func (r Retention) columns() []Column {
	columns := []Column{{"project", "String", "id of the project"}}
	for i, v := range r.By {
		columns = append(columns, Column{valueColumn(i), "String", "breakdown by " + v.label()})
	}
	columns = append(columns,
		Column{"cohort_time", "DateTime64(3, 'UTC')", "beginning of the cohort: unless it is rolling or an hour, of its date"},
		Column{"cohort_date", "Date", "its date; rolling and by the hour, in UTC"},
		Column{"cohort", "Int64", "number of the cohort, from 0"},
		Column{"period", "Int64", "number of the period after the cohort's own, which is 0"},
		Column{"persons", "Int64", "who came back; in period 0, the cohort"},
		Column{"cohort_size", "Int64", "persons of the cohort"},
		Column{"complete", "Bool", "nothing can be added any more"},
		Column{"rate", "Nullable(Float64)", "persons / cohort_size; NULL where it is not complete or nobody is in the cohort"},
	)
	if r.Sum.given() {
		columns = append(columns,
			Column{"value_sum", "Decimal(18, 4)", "sum over the events that count"},
			Column{"value_per_person", "Float64", "value_sum / persons"})
	}
	return columns
}
