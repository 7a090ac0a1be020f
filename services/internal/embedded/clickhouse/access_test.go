package clickhouse

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// schema is a small image of the real one: tables that nobody else may read,
// views with the rights of their definer over them, the dictionary of persons.
var schema = []string{
	"CREATE DATABASE touchline",
	"CREATE DATABASE analytics",
	"CREATE TABLE touchline.events (n UInt64, visitor String) ENGINE = MergeTree ORDER BY n",
	"INSERT INTO touchline.events SELECT number, toString(number % 3) FROM numbers(10)",
	"CREATE TABLE touchline.overrides (a UInt64, b UInt64) ENGINE = MergeTree ORDER BY a",
	"INSERT INTO touchline.overrides VALUES (1, 2)",
	`CREATE DICTIONARY touchline.person_map (a UInt64, b UInt64) PRIMARY KEY a
		SOURCE(CLICKHOUSE(QUERY 'SELECT a, b FROM touchline.overrides')) LAYOUT(FLAT()) LIFETIME(1)`,
	`CREATE DICTIONARY touchline.secret_map (a UInt64, b UInt64) PRIMARY KEY a
		SOURCE(CLICKHOUSE(DB 'touchline' TABLE 'overrides')) LAYOUT(FLAT()) LIFETIME(1)`,
	`CREATE VIEW analytics.events (n Int64 COMMENT 'number') DEFINER = default SQL SECURITY DEFINER
		AS SELECT toInt64(n) AS n FROM touchline.events`,
	`CREATE VIEW analytics.below DEFINER = default SQL SECURITY DEFINER
		AS SELECT toInt64(n) AS n FROM touchline.events WHERE n < {limit:UInt64}`,
	`CREATE MATERIALIZED VIEW touchline.visitors ENGINE = SummingMergeTree ORDER BY visitor
		AS SELECT visitor, count() AS events FROM touchline.events GROUP BY visitor`,
	"INSERT INTO touchline.events VALUES (10, 'x')",
}

func TestWriterAndDefiner(t *testing.T) {
	s := start(t, config(t))
	run(t, s, schema...)
	for sql, want := range map[string]string{
		"SELECT currentUser()":                                                            "writer",
		"SELECT sum(n) FROM analytics.events":                                             "55",
		"SELECT count() FROM analytics.below(limit = 4)":                                  "4",
		"SELECT dictGet('touchline.person_map', 'b', 1::UInt64)":                          "2",
		"SELECT events FROM touchline.visitors":                                           "1",
		"SELECT timezone()":                                                               "UTC",
		"SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'": fmt.Sprint(2 << 30),
		"SELECT count() FROM system.merge_tree_settings WHERE name LIKE 'number_of_free%' AND value = '2'": "3",
	} {
		if got := run(t, s, sql); got != want {
			t.Errorf("%s: %q instead of %q", sql, got, want)
		}
	}
	run(t, s, "ALTER TABLE touchline.events DELETE WHERE n = 10 SETTINGS mutations_sync = 1")
	if got := run(t, s, "SELECT sum(n) FROM analytics.events"); got != "45" {
		t.Errorf("sum after a delete: %s", got)
	}
}

func TestBIReadsAnalyticsOnly(t *testing.T) {
	s := start(t, config(t))
	run(t, s, schema...)
	bi := s.BI()
	for sql, want := range map[string]string{
		"SELECT currentUser()":                                   "bi",
		"SELECT sum(n) FROM analytics.events":                    "55",
		"SELECT count() FROM analytics.below(limit = 4)":         "4",
		"SELECT dictGet('touchline.person_map', 'b', 1::UInt64)": "2",
		"SELECT count() FROM numbers(3)":                         "3",
		"SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_schema NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')": "analytics",
		"SELECT count() FROM INFORMATION_SCHEMA.COLUMNS WHERE table_schema = 'touchline'":                                                              "0",
		"SELECT count() FROM system.parts": "0",
		"SELECT comment FROM system.columns WHERE database = 'analytics' AND table = 'events'": "number",
	} {
		status, got := query(t, s, bi, nil, sql)
		if status != http.StatusOK || got != want {
			t.Errorf("%s: %d %q instead of %q", sql, status, got, want)
		}
	}
	for _, refused := range []struct {
		sql  string
		code int
	}{
		{"SELECT * FROM touchline.events", 497},
		{"SELECT dictGet('touchline.secret_map', 'b', 1::UInt64)", 497},
		{"SELECT * FROM system.numbers LIMIT 1", 497},
		{"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)", 497},
		{"SELECT * FROM file('/etc/hostname', LineAsString)", 497},
		{"SELECT file('/etc/hostname')", 395},
		{"SELECT `file`('/etc/hostname', 'none')", 36},
		{"SELECT arrayMap(file, ['/etc/hostname'])", 395},
		{"SELECT FILE('/etc/hostname')", 46},
		{"DROP FUNCTION file", 497},
		{"CREATE OR REPLACE FUNCTION file AS (path) -> path", 497},
		{"SELECT * FROM mergeTreeIndex('touchline', 'events')", 497},
		{"SELECT * FROM remote('127.0.0.1', touchline.events)", 497},
		{"INSERT INTO touchline.events VALUES (1, 'x')", 497},
		{"CREATE TABLE analytics.t (n UInt64) ENGINE = Memory", 497},
		{"CREATE TEMPORARY TABLE t (n UInt64)", 497},
		{"DROP VIEW analytics.events", 497},
		{"SYSTEM STOP LISTEN HTTP", 497},
		{"KILL QUERY WHERE 1", 497},
		{"SHOW CREATE TABLE touchline.events", 497},
		{"SET readonly = 0", 164},
		{"SELECT 1 SETTINGS max_memory_usage = 0", 164},
		{"SELECT sum(n) FROM analytics.events SETTINGS additional_table_filters = {'touchline.events': 'visitor = 1'}", 164},
		{"SELECT 1 SETTINGS max_execution_time = 301", 452},
	} {
		status, got := query(t, s, bi, nil, refused.sql)
		if status == http.StatusOK || !strings.Contains(got, fmt.Sprintf("Code: %d.", refused.code)) {
			t.Errorf("%s: %d %q instead of code %d", refused.sql, status, got, refused.code)
		}
	}
	if got := run(t, s, "SELECT count() FROM touchline.events"); got != "11" {
		t.Errorf("bi changed the events: %s", got)
	}
}

func TestBISettings(t *testing.T) {
	s := start(t, config(t))
	bi := s.BI()
	for name, want := range map[string]string{
		"readonly": "1", "async_insert": "false", "date_time_output_format": "simple", "mutations_sync": "3",
		"lightweight_deletes_sync": "3", "alter_sync": "3", "insert_distributed_sync": "true", "session_timezone": "UTC",
		"max_execution_time": "60", "max_result_rows": "1000000", "result_overflow_mode": "throw",
		"max_memory_usage": fmt.Sprint(1 << 30),
	} {
		if _, got := query(t, s, bi, nil, "SELECT getSetting('"+name+"')::String"); got != want {
			t.Errorf("%s is %q instead of %q", name, got, want)
		}
	}
	for _, c := range []struct {
		name, value string
		code        int
	}{
		{"max_execution_time", "1", 0}, {"max_execution_time", "64", 0}, {"max_execution_time", "300", 0},
		{"max_execution_time", "301", 452}, {"max_execution_time", "0", 452},
		{"max_result_rows", "1000000", 0}, {"max_result_rows", "1000001", 452}, {"max_result_rows", "0", 452},
		{"result_overflow_mode", "break", 0}, {"session_timezone", "Europe/Berlin", 0}, {"join_use_nulls", "1", 0},
		{"date_time_output_format", "iso", 0}, {"output_format_json_quote_64bit_integers", "1", 0},
		{"max_block_size", "1000", 0},
		{"readonly", "0", 164}, {"readonly", "2", 164},
		{"additional_table_filters", "{'touchline.events': '1'}", 164},
		{"max_threads", "100", 164}, {"max_memory_usage", "0", 164},
	} {
		status, got := query(t, s, bi, url.Values{c.name: {c.value}}, "SELECT 1")
		refused := status != http.StatusOK && strings.Contains(got, fmt.Sprintf("Code: %d.", c.code))
		if c.code == 0 && (status != http.StatusOK || got != "1") || c.code != 0 && !refused {
			t.Errorf("%s = %s: %d %q, want code %d", c.name, c.value, status, got, c.code)
		}
	}
}

func TestWrongLoginsAreRefusedAndHarmless(t *testing.T) {
	s := start(t, config(t))
	pid := s.Pid()
	for range 20 {
		for _, user := range []Credentials{
			{"writer", "wrong"}, {"writer", ""}, {"bi", "wrong"}, {"nobody", ""}, {"", s.Writer().Password},
			{"writer", s.BI().Password}, {"wri\tter", "\xff"},
		} {
			status, body := query(t, s, user, nil, "SELECT 1")
			if status < 400 || status > 499 {
				t.Fatalf("login as %q: %d %s", user.User, status, body)
			}
			if strings.Contains(body, s.Writer().Password) {
				t.Fatalf("login as %q: the answer has a password", user.User)
			}
		}
	}
	if got := run(t, s, "SELECT 1"); got != "1" || s.Pid() != pid || s.Restarts() != 0 {
		t.Errorf("answer %q of process %d, before %d, %d restarts", got, s.Pid(), pid, s.Restarts())
	}
}

// Every way to ask without a password, or as "default", must do nothing.
func TestDefaultUserIsUseless(t *testing.T) {
	s := start(t, config(t))
	before := run(t, s, "SHOW DATABASES")
	const create = "CREATE DATABASE stolen"
	for _, c := range []struct {
		settings string
		header   http.Header
		body     string
	}{
		{"", nil, create},
		{"query=" + url.QueryEscape(create), nil, ""},
		{"user=default", nil, create},
		{"user=default&password=", nil, create},
		{"user=", nil, create},
		{"us%65r=default", nil, create},
		{"user=default&user=writer", nil, create},
		{"", http.Header{"X-Clickhouse-User": {"default"}}, create},
		{"", http.Header{"Authorization": {"Basic ZGVmYXVsdDo="}}, create},
		{"", http.Header{"Authorization": {"never"}}, create},
		{"", http.Header{"X-Forwarded-For": {"127.0.0.1"}}, create},
		{"max_query_size=100000", nil, create},
		{"max_query_size=0", nil, create},
		{"profile=default&max_query_size=100000", nil, create},
		{"max_query_size=100000&profile=default", nil, create},
		{"session_id=a&profile=default", nil, create},
		{"session_id=a&max_query_size=100000", nil, create},
		{"session_id=b", nil, "SET max_query_size = 100000"},
		{"session_id=b", nil, create},
		{"compatibility=20.1", nil, create},
		{"dialect=kusto&allow_experimental_kusto_dialect=1", nil, "print 1"},
		{"dialect=prql&allow_experimental_prql_dialect=1", nil, create},
		{"dialect=polyglot&allow_experimental_polyglot_dialect=1&polyglot_dialect=sqlite", nil, create},
		{"implicit_select=1", nil, "1"},
		{"async_insert=1", nil, "INSERT INTO FUNCTION null('n UInt64') VALUES (1)"},
		{"readonly=0&allow_ddl=1", nil, create},
		{"", nil, "SYSTEM STOP LISTEN HTTP"},
		{"", nil, "SELECT 1"},
	} {
		request, err := http.NewRequest(http.MethodPost, s.HTTPURL()+"/?"+c.settings, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.header != nil {
			request.Header = c.header
		}
		if status, body := send(t, request); status == http.StatusOK {
			t.Errorf("%s %v %q: %q", c.settings, c.header, c.body, body)
		}
	}
	if after := run(t, s, "SHOW DATABASES"); after != before {
		t.Errorf("databases before %q, after %q", before, after)
	}
}
