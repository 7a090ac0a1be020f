package analytics

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Property returns the value of a property of an event as text: of a JSON string what
// it says, of a number the shortest way to write it (1.50 is 1.5), of anything else
// compact JSON. It is "" for null and where the property is missing. The name is that of
// a member of the properties themselves, whatever stands in it: what lies within a
// member has no name.
func Property(name string) func(Event) string {
	return func(e Event) string {
		text := e.Properties[name]
		if text == "null" {
			return ""
		}
		var value string
		if json.Unmarshal([]byte(text), &value) == nil {
			return value
		}
		if number, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, ".eE") {
			return strconv.FormatFloat(number, 'f', -1, 64)
		}
		var compact bytes.Buffer
		if json.Compact(&compact, []byte(text)) != nil {
			return text
		}
		return compact.String()
	}
}

// FunnelGroup is a funnel of those who have a value.
type FunnelGroup struct {
	Value string
	// Additive says that nobody is in two groups: the groups' persons sum up to the
	// funnel's at every step.
	Additive bool
	Entrants []Entrant
}

// Breakdown divides entrants by their value: the top values by who entered, of
// equals the smaller text, then all others as one. NotSet and NotReached stand by
// themselves and take nobody's place among the top.
func (d FunnelDefinition) Breakdown(entrants []Entrant, top int) []FunnelGroup {
	groups := groupEntrants(entrants, func(e Entrant) string {
		if e.Value == "" {
			return NotSet
		}
		return e.Value
	})
	var values []string
	for value := range groups {
		if value != NotSet && value != NotReached {
			values = append(values, value)
		}
	}
	slices.SortFunc(values, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a, b))
	})
	shown := map[string][]Entrant{}
	for value, members := range groups {
		if slices.Index(values, value) >= top {
			value = Other
		}
		shown[value] = append(shown[value], members...)
	}
	var rows []FunnelGroup
	for value, members := range shown {
		rows = append(rows, FunnelGroup{value, d.Attribution != AttributeAll, members})
	}
	slices.SortFunc(rows, func(a, b FunnelGroup) int {
		return cmp.Or(cmp.Compare(len(b.Entrants), len(a.Entrants)), cmp.Compare(a.Value, b.Value))
	})
	return rows
}

// BreakdownRow is a row of analytics.funnel_breakdown.
type BreakdownRow struct {
	Value    string
	Additive bool
	FunnelRow
}

// String returns the columns as text.
func (r BreakdownRow) String() string {
	return fmt.Sprintf("%s %v %v", r.Value, r.FunnelRow, r.Additive)
}

// FunnelBreakdown answers d, a row for each group and step.
func FunnelBreakdown(s Stream, d FunnelDefinition, top int) []BreakdownRow {
	var rows []BreakdownRow
	for _, g := range d.Breakdown(d.Entrants(s), top) {
		for _, r := range d.Rows(g.Entrants) {
			rows = append(rows, BreakdownRow{g.Value, g.Additive, r})
		}
	}
	return rows
}
