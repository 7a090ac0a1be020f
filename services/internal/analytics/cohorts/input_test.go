package cohorts

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"touchline.dev/services/internal/analytics/oracle"
)

// Parameters that would give a wrong or endless answer are refused, and the error
// names the parameter.
func badInput(t *testing.T, w *oracle.World) {
	retention := map[string]string{
		"project": "'stream-0000'", "start_event": "''", "return_event": "''", "granularity": "'day'", "mode": "'recurring'", "cumulative": "false",
		"from": "'2026-01-05'", "cohorts": "5", "periods": "5", "as_of": "'2026-02-05'",
	}
	span := map[string]string{"project": "'stream-0000'", "event": "''", "from": "'2026-01-05'", "to": "'2026-01-09'", "as_of": "'2026-02-05'"}
	spanOf := with(span, "granularity", "'day'")
	rolling := without(without(retention, "mode"), "cumulative")
	hourly := without(retention, "granularity")
	counted := with(with(without(spanOf, "as_of"), "comparison", "'>='"), "occurrences", "2")
	value := map[string]string{
		"project": "'stream-0000'", "sign_up": "'a'", "activation": "'b'", "first_use": "'c'", "window_seconds": "60",
		"from": "'2026-01-05'", "to": "'2026-01-09'", "as_of": "'2026-02-05'",
	}
	onboarding := with(without(span, "event"), "activation", "'a'")
	asked := map[string]bool{}
	for _, c := range []struct {
		view       string
		good       map[string]string
		key, value string
		want       string
	}{
		{"retention", retention, "granularity", "'hour'", "granularity: want day, week or month"},
		{"retention", retention, "granularity", "''", "granularity: want"},
		{"retention", retention, "mode", "'first'", "mode: want recurring, first_time or first_ever"},
		{"retention", retention, "cohorts", "0", "cohorts: want 1 to 1000"},
		{"retention", retention, "cohorts", "10000", "cohorts: want 1 to 1000"},
		{"retention", retention, "periods", "0", "periods: want 1 to 1000"},
		{"retention", retention, "from", "'2200-01-01'", "from: want a time before 2100"},
		{"retention_by", with(with(retention, "by", "'country'"), "top", "5"), "periods", "0", "periods: want 1 to 1000"},
		{"retention_rolling", rolling, "periods", "0", "periods: want 1 to 1000"},
		{"retention", retention, "from", "'1969-01-01'", "from: want 1970-01-08 or later"},
		{"retention_curve", retention, "mode", "''", "mode: want"},
		{"retention_by", with(with(retention, "by", "'country'"), "top", "5"), "by", "'nothing'", "by.nothing"},
		{"retention", retention, "as_of", "''", "as_of: want 1970-01-08 or later"},
		{"retention_by", with(with(retention, "by", "'country'"), "top", "5"), "as_of", "''", "as_of: want 1970-01-08 or later"},
		{"retention_rolling", rolling, "as_of", "''", "as_of: want 1970-01-08 or later"},
		{"active_users", span, "as_of", "''", "as_of: want 1970-01-08 or later"},
		{"metrics_daily", with(span, "currency", "''"), "as_of", "''", "as_of: want 1970-01-08 or later"},
		{"time_to_value", value, "as_of", "''", "as_of: want 1970-01-08 or later"},
		{"retention_by", with(with(retention, "by", "'country'"), "top", "5"), "by", "'country, project'", "country, project"},
		{"retention_by", with(with(retention, "by", "'country'"), "top", "5"), "top", "0", "top: want 1 to 1000"},
		{"retention_actors", with(with(retention, "cohort", "0"), "period", "0"), "cohort", "5", "cohort: want 0 to cohorts - 1"},
		{"retention_actors", with(with(retention, "cohort", "0"), "period", "0"), "period", "5", "period: want 0 to periods - 1"},
		{"retention_hourly", hourly, "mode", "'never'", "mode: want recurring, first_time or first_ever"},
		{"retention_hourly", hourly, "cohorts", "1001", "cohorts: want 1 to 1000"},
		{"retention_hourly", hourly, "periods", "0", "periods: want 1 to 1000"},
		{"retention_hourly", hourly, "from", "'1972-12-31'", "from: want 1973-01-01 or later"},
		{"retention_hourly", hourly, "from", "'2100-01-01'", "from: want a time before 2100"},
		{"retention_rolling", rolling, "granularity", "'year'", "granularity: want hour, day, week or month"},
		{"retention_rolling", rolling, "cohorts", "10000", "cohorts: want 1 to 1000"},
		{"active_users", span, "to", "'2026-01-05'", "from: want a time before to"},
		{"active_users", span, "to", "'2026-01-04'", "from: want a time before to"},
		{"active_users", span, "from", "'1970-01-01'", "from: want 1970-03-08 or later"},
		{"active_users", span, "from", "'2000-01-01'", "to: want at most 1000 intervals after from"},
		{"lifecycle", spanOf, "granularity", "'quarter'", "granularity: want day, week or month"},
		{"lifecycle", spanOf, "from", "'2026-02-01'", "from: want a time before to"},
		{"stickiness", without(spanOf, "as_of"), "granularity", "'DAY'", "granularity: want day, week or month"},
		{"stickiness_counted", counted, "granularity", "'hour'", "granularity: want day, week or month"},
		{"stickiness_counted", counted, "comparison", "'!='", "comparison: want >=, <= or ="},
		{"stickiness_counted", counted, "occurrences", "0", "occurrences: want 1 to 1000000"},
		{"stickiness_counted", counted, "to", "'2026-01-05'", "from: want a time before to"},
		{"north_star", with(with(spanOf, "currency", "''"), "metric", "'sessions'"), "event", "'a'", "event: want none with sessions and bounce_rate"},
		{"metrics_daily", with(span, "currency", "''"), "to", "'2026-01-01'", "from: want a time before to"},
		{"stickiness_counted", counted, "granularity", "'hour'", "granularity: want day, week or month"},
		{"stickiness_counted", counted, "comparison", "'!='", "comparison: want >=, <= or ="},
		{"stickiness_counted", counted, "occurrences", "0", "occurrences: want 1 to 1000000"},
		{"stickiness_counted", counted, "to", "'2026-01-05'", "from: want a time before to"},
		{"north_star", with(with(spanOf, "currency", "''"), "metric", "'sessions'"), "event", "'a'", "event: want none with sessions and bounce_rate"},
		{"metrics_daily", with(span, "currency", "''"), "to", "'2200-01-01'", "to: want a time before 2100"},
		{"north_star", with(with(spanOf, "currency", "''"), "metric", "'events'"), "metric", "'profit'", "metric: want persons, new_persons"},
		{"north_star", with(with(spanOf, "currency", "''"), "metric", "'events'"), "granularity", "'hour'", "granularity: want"},
		{"time_to_value", value, "sign_up", "''", "sign_up: want an event"},
		{"time_to_value", value, "activation", "'a'", "activation: want an event other than sign_up"},
		{"time_to_value", value, "first_use", "'b'", "first_use: want an event other than"},
		{"time_to_value", value, "window_seconds", "0", "window_seconds: want 1 to 31622400"},
		{"time_to_value", value, "to", "'2026-01-05'", "from: want a time before to"},
		{"onboarding", onboarding, "activation", "''", "activation: want an event"},
		{"onboarding", onboarding, "to", "'2030-01-01'", "to: want at most 1000 intervals"},
	} {
		t.Run(c.view+" "+c.key+" "+c.value, func(t *testing.T) {
			if good := call(c.view, c.good); !asked[good] {
				asked[good] = true
				if _, err := oracle.Ask(t, w.BI, good); err != nil {
					t.Fatalf("the good call: %v", err)
				}
			}
			_, err := oracle.Ask(t, w.BI, call(c.view, with(c.good, c.key, c.value)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("have %v, want an error that says %q", err, c.want)
			}
		})
	}
}

// What a customer names an event cannot become SQL.
func names(t *testing.T, w *oracle.World) {
	for _, name := range []string{`'`, `\'`, `') OR 1=1 --`, "`", "{project:String}", "a\x00b", "ß🎉"} {
		q := activeUsers(spanOf(name))
		answers, err := oracle.Ask(t, w.BI, q.SQL("demo"))
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
		for _, row := range answers["demo"] {
			if !strings.Contains(row, " 0 0 0 0 ") {
				t.Errorf("%q: have %s, want nobody", name, row)
			}
		}
	}
}

func call(view string, parameters map[string]string) string {
	var given []string
	for _, key := range slices.Sorted(maps.Keys(parameters)) {
		given = append(given, key+" = "+parameters[key])
	}
	return "SELECT * FROM analytics." + view + "(" + strings.Join(given, ", ") + ")"
}

func with(parameters map[string]string, key, value string) map[string]string {
	more := map[string]string{key: value}
	for k, v := range parameters {
		if k != key {
			more[k] = v
		}
	}
	return more
}

func without(parameters map[string]string, key string) map[string]string {
	fewer := map[string]string{}
	for k, v := range parameters {
		if k != key {
			fewer[k] = v
		}
	}
	return fewer
}
