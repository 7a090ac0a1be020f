package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Mode is a way of asking an object that makes it follow another rule. Every mode of
// every object is held against the reference by a vector and by random streams.
type Mode struct {
	// Name says what is asked for: "mode = strict".
	Name string
	// asks reports whether the arguments of a call, as SQL, ask for it.
	asks func(arguments map[string]string) bool
}

// Modes returns the modes of an object with these parameters. A parameter of which it
// is not known whether it changes a rule is an error.
func Modes(object string, parameters []string) ([]Mode, error) {
	var all []Mode
	for _, parameter := range parameters {
		modes, ok := byParameter()[object+"."+parameter]
		if !ok {
			modes, ok = byParameter()[parameter]
		}
		if !ok && !slices.Contains(plain(), parameter) {
			return nil, fmt.Errorf("%s: parameter %s: say in modes.go which of its values make another rule", object, parameter)
		}
		all = append(all, modes...)
	}
	if object == "paths" {
		all = append(all, Mode{"between start and end", func(a map[string]string) bool { return !empty(a["start"]) && !empty(a["end"]) }})
	}
	return all, nil
}

// plain are the parameters that change what is looked at, and no rule.
func plain() []string {
	return []string{
		"project", "from", "to", "as_of", "steps", "sign_up", "activation", "first_use", "shown", "clicked", "person_id", "id",
		"after_step", "after_seconds", "horizon_seconds", "gap_seconds", "max_steps", "by", "top", "attribution_step",
		"cohorts", "periods", "cohort", "period", "exclude_from", "exclude_to", "occurrences",
	}
}

// byParameter returns the modes by the parameter that chooses one, or by "object.parameter".
func byParameter() map[string][]Mode {
	seconds := func(a map[string]string) int {
		n, err := strconv.Atoi(a["window_seconds"])
		if err != nil {
			return 0
		}
		return n
	}
	property := []Mode{
		{"by a property", func(a map[string]string) bool { return strings.HasPrefix(a["by"], "'properties.") }},
		{"by a column", func(a map[string]string) bool { return !strings.HasPrefix(a["by"], "'properties.") }},
	}
	return map[string][]Mode{
		"funnel_breakdown.by":             property,
		"funnel_significance.by":          property,
		"drop_off.by":                     property,
		"sessions_daily.by":               values("by", "visitor", "country"),
		"mode":                            values("mode", "recurring", "first_time", "first_ever"),
		"funnel_exact.mode":               values("mode", "ordered", "strict", "unordered"),
		"granularity":                     values("granularity", "day", "week", "month"),
		"retention_rolling.granularity":   values("granularity", "hour", "day", "week", "month"),
		"cumulative":                      values("cumulative", "false", "true"),
		"attribution":                     values("attribution", "first", "last", "step", "all"),
		"funnel_significance.attribution": values("attribution", "first", "last", "step"),
		"baseline":                        given("baseline"),
		"metric":                          values("metric", "persons", "new_persons", "events", "orders", "revenue", "sessions", "bounce_rate"),
		"comparison":                      values("comparison", ">=", "<=", "="),
		"match":                           values("match", "event", "kind"),
		"acquisition.by":                  values("by", "channel", "source", "medium", "campaign"),
		"event":                           given("event"),
		"start_event":                     given("start_event"),
		"return_event":                    given("return_event"),
		"currency":                        given("currency"),
		"features":                        given("features"),
		"exclude":                         given("exclude"),
		"only":                            given("only"),
		"start":                           given("start"),
		"end":                             given("end"),
		"window_seconds": {
			{"window of seconds", func(a map[string]string) bool { return seconds(a) <= 60 }},
			{"window of a year", func(a map[string]string) bool { return seconds(a) >= 365*86400 }},
		},
	}
}

func values(parameter string, list ...string) []Mode {
	modes := make([]Mode, len(list))
	for i, value := range list {
		modes[i] = Mode{parameter + " = " + value, func(a map[string]string) bool { return strings.Trim(a[parameter], "'") == value }}
	}
	return modes
}

func given(parameter string) []Mode {
	return []Mode{
		{"any " + parameter, func(a map[string]string) bool { return empty(a[parameter]) }},
		{"a certain " + parameter, func(a map[string]string) bool { return !empty(a[parameter]) }},
	}
}

func empty(sql string) bool { return sql == "''" || sql == "[]" }

// Asked returns the names of those modes that a question asks for. Questions about an
// object are calls of its view; others say themselves what they ask for, as
// Modes() []string.
func Asked(q Question, object string, modes []Mode) []string {
	if said, ok := q.(interface{ Modes() []string }); ok {
		return said.Modes()
	}
	return AskedBy(q.SQL("*"), object, modes)
}

// AskedBy returns the names of those modes that a statement asks a view for.
func AskedBy(sql, object string, modes []Mode) []string {
	view, arguments, err := Call(sql, "analytics.")
	if err != nil || view != "analytics."+object {
		return nil
	}
	var names []string
	for _, m := range modes {
		if m.asks(arguments) {
			names = append(names, m.Name)
		}
	}
	return names
}

// Call finds the call of a view whose name begins with a prefix in a statement, and
// returns its name and its arguments, each as SQL.
func Call(sql, prefix string) (view string, arguments map[string]string, err error) {
	begin := strings.Index(sql, prefix)
	if begin < 0 {
		return "", nil, fmt.Errorf("find %s in %s: it is not there", prefix, sql)
	}
	view, rest, ok := strings.Cut(sql[begin:], "(")
	if !ok || strings.ContainsAny(view, " \n)") {
		return "", nil, fmt.Errorf("find arguments of %s in %s: it is no call", prefix, sql)
	}
	arguments = map[string]string{}
	for rest != "" {
		end := argument(rest)
		name, value, ok := strings.Cut(rest[:end], "=")
		if !ok || end == len(rest) {
			return "", nil, fmt.Errorf("read arguments of %s: %q", prefix, rest)
		}
		arguments[strings.TrimSpace(name)] = strings.TrimSpace(value)
		if rest[end] == ')' {
			return view, arguments, nil
		}
		rest = rest[end+1:]
	}
	return "", nil, fmt.Errorf("read arguments of %s: no end", prefix)
}

// argument returns where the argument that a text begins with ends: at a comma or
// parenthesis that belongs to the call.
func argument(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\'':
			for i++; i < len(text) && text[i] != '\''; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '(', '[':
			depth++
		case ']':
			depth--
		case ')', ',':
			if depth == 0 {
				return i
			}
			if text[i] == ')' {
				depth--
			}
		}
	}
	return len(text)
}

// missing are the modes that were not asked for, by name.
func missing(modes []Mode, asked map[string]bool) []string {
	left := map[string]bool{}
	for _, m := range modes {
		if !asked[m.Name] {
			left[m.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(left))
}
