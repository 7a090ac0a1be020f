package analytics

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

// good are parameters that each view takes.
var good = map[string]map[string]string{
	"funnel": {
		"project": "'p'", "steps": "['a', 'b']", "window_seconds": "60",
		"from": "'2026-01-01'", "to": "'2026-02-01'", "as_of": "'2026-03-01'",
	},
	"drop_off_next": {
		"project": "'p'", "steps": "['a', 'b']", "window_seconds": "60",
		"from": "'2026-01-01'", "to": "'2026-02-01'", "as_of": "'2026-03-01'",
		"after_step": "1", "horizon_seconds": "60",
	},
	"retention": {
		"project": "'p'", "start_event": "'a'", "return_event": "''", "granularity": "'day'", "mode": "'recurring'",
		"cumulative": "false", "from": "'2026-01-01'", "cohorts": "2", "periods": "2", "as_of": "'2026-03-01'",
	},
}

// call returns a query of a view with good parameters, of which some are replaced.
func call(view string, replace map[string]string) string {
	p := maps.Clone(good[view])
	maps.Copy(p, replace)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		list = append(list, name+" = "+p[name])
	}
	return fmt.Sprintf("SELECT * FROM analytics.%s(%s)", view, strings.Join(list, ", "))
}

// Also on empty tables: a mistake must not look like nobody.
func TestBadParametersAreRefused(t *testing.T) {
	server, _ := migrated(t)
	bi := reader(t, server)
	eleven := "['a','b','c','d','e','f','g','h','i','j','k']"
	steps := []struct{ value, want string }{
		{"['a', 'b', 'a']", "steps: an event is repeated"},
		{"[]", "steps: want 1 to 10 events"},
		{eleven, "steps: want 1 to 10 events"},
		{"['a', '']", "steps: an event has no name"},
	}
	type bad struct{ view, parameter, value, want string }
	var list []bad
	for _, view := range []string{"funnel", "drop_off_next"} {
		for _, s := range steps {
			list = append(list, bad{view, "steps", s.value, s.want})
		}
		list = append(list,
			bad{view, "window_seconds", "0", "window_seconds: want 1 to 31622400"},
			bad{view, "window_seconds", "31622401", "window_seconds: want 1 to 31622400"},
			bad{view, "window_seconds", "18446744073709551615", "window_seconds: want 1 to 31622400"},
			bad{view, "to", "'2026-01-01'", "from: want a time before to"},
			bad{view, "to", "'2025-01-01'", "from: want a time before to"},
			bad{view, "from", "'1969-01-01'", "from: want 1970-01-02 or later"},
			bad{view, "as_of", "'yesterday'", "as_of"},
		)
	}
	list = append(list,
		bad{"drop_off_next", "after_step", "0", "after_step: want 1 to the number of steps less one"},
		bad{"drop_off_next", "after_step", "2", "after_step: want 1 to the number of steps less one"},
		bad{"drop_off_next", "horizon_seconds", "0", "horizon_seconds: want 1 to 31622400"},
		bad{"drop_off_next", "horizon_seconds", "31622401", "horizon_seconds: want 1 to 31622400"},
		bad{"retention", "granularity", "'hour'", "granularity: want day, week or month"},
		bad{"retention", "granularity", "'fortnight'", "granularity: want day, week or month"},
		bad{"retention", "granularity", "''", "granularity: want day, week or month"},
		bad{"retention", "mode", "'rolling'", "mode: want recurring or first_time"},
		bad{"retention", "cumulative", "2", "cumulative"},
		bad{"retention", "cohorts", "0", "cohorts: want 1 to 1000"},
		bad{"retention", "cohorts", "1001", "cohorts: want 1 to 1000"},
		bad{"retention", "periods", "0", "periods: want 1 to 1000"},
		bad{"retention", "periods", "1001", "periods: want 1 to 1000"},
		bad{"retention", "from", "'1970-01-01'", "from: want 1970-01-08 or later"},
	)
	for view := range good {
		if err := drain(t, bi, call(view, nil)); err != nil {
			t.Errorf("good parameters: %v", err)
		}
	}
	for _, b := range list {
		sql := call(b.view, map[string]string{b.parameter: b.value})
		if err := drain(t, bi, sql); err == nil || !strings.Contains(err.Error(), b.want) {
			t.Errorf("%s: error %v, want %q", sql, err, b.want)
		}
	}
}

// What a session of the BI user may set does not change an answer.
func TestAnswersDoNotDependOnTheSession(t *testing.T) {
	server, conn := migrated(t)
	insertEvents(t, conn, []row{
		{"p", Event{Person: 1, Name: "a", Time: instantOf("2026-01-01T23:30:00Z"), Day: 20454}},
		{"p", Event{Person: 2, Name: "a", Time: instantOf("2026-01-01T00:00:00Z"), Day: 20454}},
		{"p", Event{Person: 2, Name: "c", Time: instantOf("2026-01-02T00:00:00Z"), Day: 20455}},
	})
	bi := reader(t, server)
	for view := range good {
		sql := call(view, map[string]string{"from": "'2026-01-01'"})
		var answers []string
		for _, settings := range []string{"", " SETTINGS join_use_nulls = 1, session_timezone = 'Asia/Tokyo'"} {
			var lines []string
			err := scan(t, bi, "SELECT toString(tuple(*)) FROM ("+sql+")"+settings, func(scan func(...any) error) error {
				var line string
				err := scan(&line)
				lines = append(lines, line)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, strings.Join(lines, "\n"))
		}
		if answers[0] == "" || answers[0] != answers[1] {
			t.Errorf("%s:\n%s\nand with settings\n%s", view, answers[0], answers[1])
		}
	}
}

func TestBIUserSeesAnalyticsOnly(t *testing.T) {
	server := clickhousetest.Fresh(t)
	conn := server.Open(t, server.Writer)
	account := clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
	if _, err := clickhouse.Migrate(t.Context(), conn, account); err != nil {
		t.Fatal(err)
	}
	insertEvents(t, conn, []row{
		{"p", Event{Person: 1, Name: "a", Time: instantOf("2026-01-01T00:00:00Z"), Day: 20454}},
		{"q", Event{Person: 2, Name: "a", Time: instantOf("2026-01-01T00:00:00Z"), Day: 20454}},
	})
	insertOverrides(t, conn, []override{{"p", 1, 3, 1}})
	bi := server.Open(t, server.BI)

	for _, name := range names(t, conn, "SELECT name FROM system.tables WHERE database = 'analytics'") {
		sql := "SELECT * FROM analytics." + name
		if good[name] != nil {
			sql = call(name, nil)
		}
		if err := drain(t, bi, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	// Without parentheses a view with parameters is no table to anybody.
	hidden := names(t, conn, "SELECT name FROM system.tables WHERE database = 'touchline' AND empty(parameterized_view_parameters)")
	if len(hidden) < 15 {
		t.Errorf("found only the tables %q", hidden)
	}
	for _, name := range hidden {
		wantDenied(t, bi, "SELECT * FROM touchline."+name, "ACCESS_DENIED")
	}
	for sql, want := range map[string]string{
		"INSERT INTO touchline.bi_access VALUES ('bi', '*')":       "ACCESS_DENIED",
		"CREATE TABLE analytics.x (a Int8) ENGINE = Memory":        "ACCESS_DENIED",
		"DROP VIEW analytics.funnel":                               "ACCESS_DENIED",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')": "ACCESS_DENIED",
		"SELECT * FROM touchline.allowed(project = 'p')":           "ACCESS_DENIED",
		"SELECT * FROM touchline.funnel_persons(project='p',steps=['a'],window_seconds=1,from='2026-01-01',to='2026-01-02')": "ACCESS_DENIED",
		// It would look into tables that the views hide.
		"SELECT * FROM analytics.touchpoints SETTINGS additional_table_filters = {'touchline.touchpoints': 'ip = 1'}": "READONLY",
	} {
		wantDenied(t, bi, sql, want)
	}

	// Every project at first; later only those that are named.
	visible := "SELECT project FROM analytics.touchpoints ORDER BY project"
	if have := names(t, bi, visible); !slices.Equal(have, []string{"p", "q"}) {
		t.Errorf("sees %q, want both projects", have)
	}
	for _, sql := range []string{"DELETE FROM touchline.bi_access WHERE user = 'bi'", "INSERT INTO touchline.bi_access VALUES ('bi', 'q')"} {
		if err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if have := names(t, bi, visible); !slices.Equal(have, []string{"q"}) {
		t.Errorf("sees %q, want q", have)
	}
	for view := range good {
		wantDenied(t, bi, call(view, nil), "no access to this project")
		if err := drain(t, bi, call(view, map[string]string{"project": "'q'"})); err != nil {
			t.Error(err)
		}
		if err := drain(t, conn, call(view, nil)); err != nil {
			t.Errorf("the writer: %v", err)
		}
	}
}

// The catalog says what the views really take and give, and its examples work.
func TestCatalogIsRight(t *testing.T) {
	server, conn := migrated(t)
	bi := reader(t, server)
	views := names(t, conn, "SELECT DISTINCT view FROM analytics.catalog")
	slices.Sort(views)
	if want := slices.Sorted(maps.Keys(good)); !slices.Equal(views, want) {
		t.Errorf("describes %q, want %q", views, want)
	}
	for _, view := range views {
		listed := names(t, conn, "SELECT concat(name, ' ', type) FROM analytics.catalog WHERE part = 'parameter' AND view = '"+view+"'")
		taken := names(t, conn, "SELECT concat(p.1, ' ', p.2) FROM system.tables ARRAY JOIN parameterized_view_parameters AS p WHERE database = 'analytics' AND name = '"+view+"'")
		slices.Sort(listed)
		slices.Sort(taken)
		if !slices.Equal(listed, taken) {
			t.Errorf("%s: lists %q, takes %q", view, listed, taken)
		}
		example := names(t, conn, "SELECT concat('SELECT * FROM analytics.', view, '(', arrayStringConcat(groupArray(concat(name, ' = ', example)), ', '), ')') FROM analytics.catalog WHERE part = 'parameter' AND view = '"+view+"' GROUP BY view")[0]
		if err := drain(t, bi, example); err != nil {
			t.Errorf("example: %v", err)
		}
		columns := names(t, conn, "SELECT concat(name, ' ', type) FROM analytics.catalog WHERE part = 'column' AND view = '"+view+"' ORDER BY position")
		given := describe(t, bi, example)
		if !slices.Equal(columns, given) {
			t.Errorf("%s: lists the columns %q, gives %q", view, columns, given)
		}
	}
}

func wantDenied(t *testing.T, conn driver.Conn, sql, want string) {
	t.Helper()
	if err := drain(t, conn, sql); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want %q", sql, err, want)
	}
}

// drain reads a result to its end.
func drain(t *testing.T, conn driver.Conn, sql string) error {
	t.Helper()
	return scan(t, conn, sql, func(func(...any) error) error { return nil })
}

// names returns the only column of a result.
func names(t *testing.T, conn driver.Conn, sql string) []string {
	t.Helper()
	var list []string
	err := scan(t, conn, sql, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		list = append(list, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// describe returns the columns of a query with their types.
func describe(t *testing.T, conn driver.Conn, sql string) []string {
	t.Helper()
	var list []string
	err := scan(t, conn, "DESCRIBE ("+sql+")", func(scan func(...any) error) error {
		var name, kind, rest string
		err := scan(&name, &kind, &rest, &rest, &rest, &rest, &rest)
		list = append(list, name+" "+kind)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
