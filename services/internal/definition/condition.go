package definition

import (
	"regexp"
	"slices"
	"strings"

	"touchline.dev/services/internal/clickhouse"
)

// Condition says which events are meant.
type Condition struct {
	// Event is a name; empty is any event.
	Event string `yaml:"event" doc:"Name of the event."`
	// Any has to be set for any event, so that a forgotten name is noticed.
	Any bool `yaml:"any" doc:"Any event, instead of a name."`
	// Where must all hold.
	Where []Filter `yaml:"where" doc:"Conditions on columns and properties, which must all hold."`
}

// Filter is a condition on a value of an event.
type Filter struct {
	Column   string   `yaml:"column" doc:"A column of touchline.events."`
	Property string   `yaml:"property" doc:"A property of the event."`
	Is       string   `yaml:"is" doc:"The operator: =, !=, in, contains, starts with, >, <, is set, is not set."`
	Value    string   `yaml:"value" doc:"What to compare with."`
	Values   []string `yaml:"values" doc:"What to compare with, for in."`
}

func (f Filter) value() Value { return Value{f.Column, f.Property} }

// The operators. A value that is not set is the text ”. so != holds for it, as the
// opposite of =. > and < compare numbers and hold for nothing else.
const (
	opEqual    = "="
	opNot      = "!="
	opIn       = "in"
	opContains = "contains"
	opStarts   = "starts with"
	opMore     = ">"
	opLess     = "<"
	opSet      = "is set"
	opNotSet   = "is not set"
)

func operators() []string {
	return []string{opEqual, opNot, opIn, opContains, opStarts, opMore, opLess, opSet, opNotSet}
}

// decimal is a number as people write it: no exponent, no infinity.
var decimal = regexp.MustCompile(`^-?[0-9]{1,13}(\.[0-9]{1,4})?$`)

const (
	maxFilters = 20
	maxValues  = 1000
)

func (c Condition) check(path string, add func(path, format string, args ...any)) {
	switch {
	case c.Event == "" && !c.Any:
		add(path+".event", "want the name of an event, or any: true")
	case c.Event != "" && c.Any:
		add(path+".any", "want event or any, not both")
	case len(c.Event) > maxName:
		add(path+".event", "want at most %d bytes", maxName)
	}
	if len(c.Where) > maxFilters {
		add(path+".where", "want at most %d conditions", maxFilters)
	}
	for i, f := range c.Where {
		f.check(item(path+".where", i), add)
	}
}

func (f Filter) check(path string, add func(path, format string, args ...any)) {
	numeric := f.Column == revenue && f.Property == ""
	if !numeric {
		f.value().check(path, add)
	}
	switch {
	case !slices.Contains(operators(), f.Is):
		add(path+".is", "want one of %s, got %.60q", strings.Join(operators(), ", "), f.Is)
		return
	case numeric && !slices.Contains([]string{opEqual, opNot, opMore, opLess}, f.Is):
		add(path+".is", "want =, !=, > or < for a number, got %q", f.Is)
		return
	}
	switch f.Is {
	case opSet, opNotSet:
		if f.Value != "" || len(f.Values) > 0 {
			add(path+".value", "%s takes no value", f.Is)
		}
	case opIn:
		if f.Value != "" || len(f.Values) == 0 || len(f.Values) > maxValues {
			add(path+".values", "want values, 1 to %d", maxValues)
		}
	default:
		if len(f.Values) > 0 {
			add(path+".values", "want value; only in takes values")
		}
		if (numeric || f.Is == opMore || f.Is == opLess) && !decimal.MatchString(f.Value) {
			add(path+".value", "want a number such as 12 or -0.5, at most 4 decimals, got %.60q", f.Value)
		}
		if f.Value == "" && (f.Is == opContains || f.Is == opStarts) {
			add(path+".value", "want a text")
		}
	}
	if len(f.Value) > maxName || slices.ContainsFunc(f.Values, func(v string) bool { return len(v) > maxName }) {
		add(path+".value", "want at most %d bytes", maxName)
	}
}

// sql is the condition on a row e of touchline.events.
func (c Condition) sql() string {
	parts := []string{}
	if base := c.base(); base != "true" {
		parts = append(parts, base)
	}
	for _, f := range c.Where {
		parts = append(parts, f.sql())
	}
	switch len(parts) {
	case 0:
		return "true"
	case 1:
		return parts[0]
	default:
		return "(" + strings.Join(parts, " AND ") + ")"
	}
}

// base is the condition without its filters.
func (c Condition) base() string {
	if c.Event == "" {
		return "true"
	}
	return "e.event = " + clickhouse.Literal(c.Event)
}

func (f Filter) sql() string {
	if f.Column == revenue && f.Property == "" {
		return "e.revenue " + f.Is + " toDecimal64(" + clickhouse.Literal(f.Value) + ", 4)"
	}
	text := f.value().text()
	if f.Property == "" {
		text = "e." + f.Column
	}
	switch f.Is {
	case opIn:
		return text + " IN (" + literals(f.Values) + ")"
	case opContains:
		return "position(" + text + ", " + clickhouse.Literal(f.Value) + ") > 0"
	case opStarts:
		return "startsWith(" + text + ", " + clickhouse.Literal(f.Value) + ")"
	case opMore, opLess:
		// A text that is no number is NULL, which must not be the value of the condition.
		return "ifNull(toFloat64OrNull(toString(" + text + ")) " + f.Is + " " + f.Value + ", false)"
	case opSet:
		return text + " != ''"
	case opNotSet:
		return text + " = ''"
	default:
		return text + " " + f.Is + " " + clickhouse.Literal(f.Value)
	}
}

func literals(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = clickhouse.Literal(text)
	}
	return strings.Join(quoted, ", ")
}

// among is the condition that an event has one of the names of the conditions, by
// which the primary key is used; "" when one of them is any event.
func among(conditions ...Condition) string {
	var names []string
	for _, c := range conditions {
		if c.Event == "" {
			return ""
		}
		if !slices.Contains(names, c.Event) {
			names = append(names, c.Event)
		}
	}
	return "e.event IN (" + literals(names) + ")"
}
