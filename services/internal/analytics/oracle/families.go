package oracle

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	schema "touchline.dev/schemas/clickhouse"
)

// Families returns which package of tests holds which objects against the reference,
// by the name of its folder. Golden and Streams see to it that it asks each of them in
// each of its modes. Plain twins stand for a call of another object; the laws hold them
// against that.
func Families() map[string][]string {
	return map[string][]string{
		"funnels": {
			"abandoned", "drop_off", "drop_off_next", "drop_off_next_page",
			"funnel", "funnel_actors", "funnel_breakdown", "funnel_exact", "funnel_significance", "funnel_trend",
		},
		"cohorts": {
			"active_users", "lifecycle", "metrics_daily", "north_star", "onboarding",
			"retention", "retention_actors", "retention_by", "retention_curve", "retention_hourly", "retention_rolling",
			"stickiness", "stickiness_counted", "time_to_value",
		},
		"visits": {
			"acquisition", "engagement", "engagement_features", "pages", "paths", "sessions", "sessions_daily",
			"timeline", "timeline_of", "timeline_persons",
		},
		// What `touchline funnel save` makes of a definition.
		"definition": {"saved_funnel", "saved_retention"},
	}
}

// Stored returns the objects that show what a service has stored, row by row, with
// nothing computed about persons: the tests of the package tables, and of freshness
// those of visits, hold each column of random rows against what was inserted.
func Stored() []string {
	return []string{"catalog", "freshness", "ledger", "ledger_reasons", "profiles", "rejected", "scores", "touchpoints"}
}

// SavedModes returns the modes of definitions, which are more than views have
// parameters for.
func SavedModes(object string) []Mode {
	list := map[string][]string{
		"saved_funnel": {
			"mode = ordered", "mode = strict", "mode = unordered", "count = persons", "count = totals", "count = sessions",
			"window of seconds", "window of a year", "any event", "a repeated step", "an optional step", "first = matching", "first = ever",
			"a condition on a step", "an exclusion", "an exclusion between two steps", "a condition on an exclusion", "hold",
			"by one value", "by two values", "attribution = first", "attribution = last", "attribution = step", "attribution = all",
		},
		"saved_retention": {
			"mode = recurring", "mode = first_time", "mode = first_ever", "granularity = hour", "granularity = day", "granularity = week", "granularity = month",
			"rolling", "rolling hours", "cumulative", "brackets", "minimum occurrences", "sum of revenue", "sum of a property", "any event", "a condition",
			"by one value", "by two values", "per person",
		},
	}[object]
	modes := make([]Mode, len(list))
	for i, name := range list {
		modes[i] = Mode{Name: name}
	}
	return modes
}

// duties returns the objects that the package of a test answers for, with their modes.
func duties(t testing.TB) map[string][]Mode {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	family := Families()[filepath.Base(folder)]
	if len(family) == 0 {
		t.Fatalf("%s answers for no object: give it some in families.go", folder)
	}
	objects, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string][]Mode{}
	for _, name := range family {
		modes[name] = SavedModes(name)
	}
	for _, o := range objects {
		if _, ours := modes[o.Name]; ours {
			if modes[o.Name], err = ModesOf(o); err != nil {
				t.Fatal(err)
			}
		}
	}
	return modes
}

// ModesOf returns the modes of a view.
func ModesOf(o schema.Object) ([]Mode, error) {
	names := make([]string, len(o.Params))
	for i, p := range o.Params {
		names[i] = p.Name
	}
	return Modes(o.Name, names)
}

// checkObjects reports objects that a package answers for and does not ask, and the
// reverse. A key is the name of an object, and after a blank whatever tells it from
// another key of the same one.
func checkObjects[V any](t testing.TB, what string, duties map[string][]Mode, asked map[string]V) {
	t.Helper()
	have := map[string]bool{}
	for key := range asked {
		name, _, _ := strings.Cut(key, " ")
		have[name] = true
	}
	if h, w := slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(duties)); !slices.Equal(h, w) {
		t.Errorf("%s ask about %q, want %q", what, h, w)
	}
}

// tally counts what was asked.
type tally struct {
	questions, rows int
	modes           map[string]bool
}

func (a tally) String() string {
	return fmt.Sprintf("%d questions, %d rows compared", a.questions, a.rows)
}
