package access

import (
	"slices"
	"strings"
	"testing"

	"touchline.dev/services/internal/clickhouse"
)

// nonsense are values of parameters that no view may take, and what the error must
// name. A view is asked for each of its parameters that stands here.
var nonsense = []struct{ parameter, value, want string }{
	{"steps", "[]", "steps: want "},
	{"steps", "['a', '']", "steps: "},
	{"steps", "['a', 'b', 'a']", "steps: "},
	{"steps", "['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k']", "steps: want "},
	{"window_seconds", "0", "window_seconds: want "},
	{"window_seconds", "31622401", "window_seconds: want "},
	{"window_seconds", "18446744073709551615", "window_seconds: want "},
	{"horizon_seconds", "0", "horizon_seconds: want "},
	{"horizon_seconds", "31622401", "horizon_seconds: want "},
	{"to", "'1990-01-01'", "from: want a time before to"},
	{"from", "'1969-01-01'", "from: want "},
	{"as_of", "'yesterday'", "as_of"},
	{"granularity", "'fortnight'", "granularity: want "},
	{"granularity", "''", "granularity: want "},
	{"mode", "'no such mode'", "mode: want "},
	{"cumulative", "2", "cumulative"},
	{"cohorts", "0", "cohort"},
	{"cohorts", "65535", "cohort"},
	{"periods", "0", "period"},
	{"periods", "65535", "period"},
	{"top", "0", "top: want "},
	{"by", "'no_such_column'", "no_such_column"},
	{"by", "'event_time) OR (1'", "event_time) OR (1"},
}

// Also on empty tables: a mistake must not look like nobody. Where nonsense in one
// parameter makes nonsense of another, the guard of that one may speak first.
func TestNonsenseIsRefused(t *testing.T) {
	w := newWorld(t)
	unused := slices.Clone(nonsense)
	for _, o := range w.objects {
		for _, n := range nonsense {
			if !takes(o, n.parameter) || n.value == "'1990-01-01'" && !takes(o, "from") {
				continue
			}
			unused = slices.DeleteFunc(unused, func(u struct{ parameter, value, want string }) bool { return u == n })
			given := call(o, map[string]string{"project": clickhouse.Literal(ours), n.parameter: n.value})
			if err := drain(t, w.reader, "SELECT * FROM "+given); err == nil || !strings.Contains(err.Error(), n.want) && !strings.Contains(err.Error(), ": want ") {
				t.Errorf("%s: %s = %s: error %v, want %q", o.Name, n.parameter, n.value, err, n.want)
			}
		}
	}
	for _, n := range unused {
		if n.parameter != "top" && n.parameter != "by" {
			t.Errorf("no view takes the parameter %s", n.parameter)
		}
	}
}

// What a session of the reader may set does not change an answer.
func TestAnswersDoNotDependOnTheSession(t *testing.T) {
	w := newWorld(t)
	w.load(t, ours, 4)
	for _, o := range w.objects {
		if !ofProjects(o) {
			continue
		}
		var have [2]string
		for i, settings := range []string{"", " SETTINGS join_use_nulls = 1, session_timezone = 'Asia/Tokyo', max_block_size = 100"} {
			rows, err := ask(t, w.reader, "SELECT toString(tuple("+steady(o)+")) FROM "+w.about(o, "*")+settings)
			if err != nil {
				t.Errorf("%s: %v", o.Name, err)
			}
			slices.Sort(rows)
			have[i] = strings.Join(rows, "\n")
		}
		if have[0] != have[1] {
			t.Errorf("%s: %.1000s\nand with settings\n%.1000s", o.Name, have[0], have[1])
		}
	}
}
