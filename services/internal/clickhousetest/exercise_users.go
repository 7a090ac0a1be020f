package clickhousetest

import (
	"errors"
	"fmt"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	embedded "touchline.dev/services/internal/embedded/clickhouse"
)

// userConditions are about what the read-only user may do.
func userConditions() []condition {
	return []condition{
		{name: "the read-only user cannot write, nor read the tables", prove: rights,
			why: "whoever has the password of a dashboard must not change or see more than the views show"},
		{name: "the read-only user's limits hold", prove: limits,
			why: "a greedy query must fail while inserts go on, and no session may lift a limit or look into views"},
		{name: "views with parameters answer for the user's own projects only", prove: ownProjects,
			why: "they run with the rights of whoever made them, so they check the project themselves"},
		{name: "a wrong password is an error that says so", prove: wrongPassword,
			why: "an operator must see from the health page what to mend"},
	}
}

// bi connects as the read-only user.
func (x *exercise) bi() driver.Conn {
	x.Helper()
	if x.server.BI.User == "" {
		x.Fatalf("this server's read-only user is not known: set %s", BIEnv)
	}
	return x.server.Open(x.T, x.server.BI)
}

func rights(x *exercise) {
	x.migrated()
	bi := x.bi()
	for _, sql := range []string{
		"INSERT INTO touchline.bi_access VALUES ('bi', '*')",
		"INSERT INTO touchline.touchpoints_probe (project, event) VALUES ('p', 'e')",
		"ALTER TABLE touchline.touchpoints DELETE WHERE 1",
		"TRUNCATE TABLE touchline.touchpoints",
		"DROP TABLE touchline.touchpoints",
		"DROP VIEW analytics.touchpoints",
		"CREATE TABLE analytics.t (n UInt64) ENGINE = Memory",
		"CREATE DATABASE stolen",
		"SELECT count() FROM touchline.touchpoints",
		"SELECT count() FROM touchline.bi_access",
		"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
		"SYSTEM STOP MERGES touchline.touchpoints",
	} {
		x.wantCode(sql, bi.Exec(x.Context(), sql), 497)
	}
	inserter := clickhouse.NewInserter(x.server.ConfigOf(x.server.BI))
	defer inserter.Close()
	err := inserter.Insert(x.Context(), "bi", Rows(x.T, schema.Touchpoints(), 1, nil))
	if clickhouse.ClassOf(err) != clickhouse.ClassReadOnly {
		x.Errorf("insert as the read-only user: class %q of %v", clickhouse.ClassOf(err), err)
	}
	x.want("SELECT count() FROM touchline.touchpoints", 0)
	for _, view := range []string{"touchpoints", "rejected", "profiles", "scores", "catalog"} {
		if err := x.read(bi, nil, "SELECT * FROM analytics."+view+" LIMIT 1"); err != nil {
			x.Errorf("analytics.%s: %v", view, err)
		}
	}
}

// read runs a query with settings to the end of its result.
func (x *exercise) read(conn driver.Conn, settings clickhousego.Settings, sql string) error {
	rows, err := conn.Query(clickhousego.Context(x.Context(), clickhousego.WithSettings(settings)), sql)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

func limits(x *exercise) {
	x.migrated()
	bi := x.bi()
	for _, c := range []struct {
		sql      string
		settings clickhousego.Settings
		code     int32
	}{
		{"SELECT number FROM numbers(1000001)", nil, 396},
		{"SELECT length(groupArray(number)) FROM numbers(1000000000)", nil, 241},
		{"SELECT sum(sipHash64(number)) FROM numbers(1000000000000)", clickhousego.Settings{"max_execution_time": 1}, 159},
		{"SELECT 1", clickhousego.Settings{"max_execution_time": 301}, 452},
		{"SELECT 1", clickhousego.Settings{"max_result_rows": 1000001}, 452},
		{"SELECT 1", clickhousego.Settings{"max_memory_usage": 0}, 164},
		{"SELECT 1", clickhousego.Settings{"readonly": 0}, 164},
		{"SELECT 1", clickhousego.Settings{"readonly": 2}, 164},
		// It filters inside views and so tells what they hide.
		{"SELECT count() FROM analytics.touchpoints", clickhousego.Settings{"additional_table_filters": "{'touchline.touchpoints': 'person_id = 1'}"}, 164},
	} {
		x.wantCode(fmt.Sprint(c.sql, " ", c.settings), x.read(bi, c.settings, c.sql), c.code)
	}
	// What drivers send is taken.
	drivers := clickhousego.Settings{"max_execution_time": 64, "async_insert": 0, "join_use_nulls": 1, "max_result_rows": 1000, "result_overflow_mode": "break"}
	if err := x.read(bi, drivers, "SELECT 1"); err != nil {
		x.Errorf("settings of drivers: %v", err)
	}
}

func ownProjects(x *exercise) {
	x.migrated()
	x.insert("a", Rows(x.T, schema.Touchpoints(), 90, func(column string, row int) (string, bool) {
		switch column {
		case "project":
			return []string{"ours", "theirs", "theirs"}[row%3], true
		case "event":
			return "start", true
		}
		return "", false
	}))
	bi := x.bi()
	funnel := func(project string) (persons uint64, err error) {
		err = bi.QueryRow(x.Context(), `SELECT toUInt64(persons) FROM analytics.funnel(project = '`+project+`', steps = ['start', 'end'],
			window_seconds = 60, from = '2025-01-01', to = '2027-01-01', as_of = '2027-01-01') WHERE step = 1`).Scan(&persons)
		return persons, err
	}
	all := func() (n uint64) {
		if err := bi.QueryRow(x.Context(), "SELECT count() FROM analytics.touchpoints").Scan(&n); err != nil {
			x.Fatal(err)
		}
		return n
	}
	for project, want := range map[string]uint64{"ours": 30, "theirs": 60} {
		if n, err := funnel(project); err != nil || n != want {
			x.Errorf("%s with all rights: %d persons of %d: %v", project, n, want, err)
		}
	}
	if n := all(); n != 90 {
		x.Errorf("with all rights: %d rows", n)
	}

	x.exec("DELETE FROM touchline.bi_access WHERE user = '" + x.server.BI.User + "'")
	_, err := funnel("ours")
	x.wantCode("no rights", err, 395)
	if n := all(); n != 0 {
		x.Errorf("without rights: %d rows", n)
	}

	x.exec("INSERT INTO touchline.bi_access SETTINGS async_insert = 0 VALUES ('" + x.server.BI.User + "', 'ours')")
	if n, err := funnel("ours"); err != nil || n != 30 {
		x.Errorf("own project: %d persons: %v", n, err)
	}
	_, err = funnel("theirs")
	x.wantCode("another project", err, 395)
	if n := all(); n != 30 {
		x.Errorf("own project: %d rows", n)
	}
}

func wrongPassword(x *exercise) {
	wrong := embedded.Credentials{User: x.server.Writer.User, Password: "wrong"}
	inserter := clickhouse.NewInserter(x.server.ConfigOf(wrong))
	defer inserter.Close()
	err := inserter.Insert(x.Context(), "a", span(1, 1, 1))
	if got, want := clickhouse.Explain(err), "ClickHouse denies access, inserting into exercise.numbers"; got != want {
		x.Errorf("explained %q, want %q: %v", got, want, err)
	}
	conn := x.server.Open(x.T, wrong)
	if err := conn.Exec(x.Context(), "SELECT 1"); clickhouse.ClassOf(err) != clickhouse.ClassAccess {
		x.Errorf("query: class %q of %v", clickhouse.ClassOf(err), err)
	}
}
