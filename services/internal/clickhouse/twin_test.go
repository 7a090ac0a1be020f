package clickhouse_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

// A migration of touchpoints that forgets the twin fails here.
func TestTwin_isEqualToItsTable(t *testing.T) {
	conn, account := empty(t)
	migrate(t, conn, account)
	equal := func() bool {
		return slices.Equal(refusing(t, conn, "touchpoints"), refusing(t, conn, "touchpoints_probe"))
	}
	if !equal() {
		t.Errorf("touchpoints is %v\nits twin is %v", refusing(t, conn, "touchpoints"), refusing(t, conn, "touchpoints_probe"))
	}
	for change, undo := range map[string]string{
		"ADD COLUMN more String":                    "DROP COLUMN more",
		"ADD CONSTRAINT more CHECK src_offset != 1": "DROP CONSTRAINT more",
		"MODIFY COLUMN name LowCardinality(String)": "MODIFY COLUMN name String",
		"MODIFY COLUMN name DEFAULT 'nameless'":     "MODIFY COLUMN name REMOVE DEFAULT",
	} {
		exec(t, conn, "ALTER TABLE touchline.touchpoints "+change)
		if equal() {
			t.Errorf("%s: not noticed", change)
		}
		exec(t, conn, "ALTER TABLE touchline.touchpoints "+undo)
	}
	if !equal() {
		t.Error("the changes were not undone")
	}
}

// refusing returns what a table refuses rows by: columns, in order, and constraints.
func refusing(t *testing.T, conn driver.Conn, table string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT line FROM (
			SELECT concat(name, ' ', type, ' ', default_kind, ' ', default_expression) AS line, position AS n
			FROM system.columns WHERE database = 'touchline' AND table = $1
			UNION ALL
			SELECT concat(name, ' ', toString(type), ' ', expression), 100000
			FROM system.constraints WHERE database = 'touchline' AND table = $1
		) ORDER BY n, line`, table)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	if len(lines) < 60 {
		t.Fatalf("%s: found only %v", table, lines)
	}
	return lines
}

// The twin answers as the table does, stores nothing, and names the rows at fault.
func TestProbe_refusesWhatTheTableRefuses(t *testing.T) {
	conn, account := empty(t)
	migrate(t, conn, account)
	inserter := clickhouse.NewInserter(clickhousetest.Start(t).Config())
	defer inserter.Close()

	const n = 1000
	for i, bad := range []map[int]string{
		{},
		{0: "project"},
		{n - 1: "event"},
		{17: "project", 500: "event", 501: "event"},
	} {
		rows := func(lo, hi int) clickhouse.Block {
			return clickhousetest.Rows(t, schema.Touchpoints(), hi-lo, func(column string, row int) (string, bool) {
				return "", bad[lo+row] == column
			})
		}
		probe := func(lo, hi int) error {
			return inserter.Probe(t.Context(), clickhouse.TouchpointsProbe, rows(lo, hi))
		}
		found, err := clickhouse.FindRefused(n, 10, probe)
		if err != nil || len(found) != len(bad) {
			t.Errorf("%v: found %v: %v", bad, found, err)
		}
		for _, row := range found {
			if bad[row] == "" {
				t.Errorf("%v: row %d is good", bad, row)
			}
		}
		table := inserter.Insert(t.Context(), fmt.Sprint("token ", i), rows(0, n))
		if twin := probe(0, n); clickhouse.ClassOf(table) != clickhouse.ClassOf(twin) || (twin == nil) != (len(bad) == 0) {
			t.Errorf("%v: the table says %v, the twin %v", bad, table, twin)
		}
		if table != nil && !strings.Contains(table.Error(), "has_") {
			t.Errorf("%v: the error does not name the constraint: %v", bad, table)
		}
	}
	// Only the block without bad rows was stored, and nothing went through the twin.
	for table, want := range map[string]uint64{"touchpoints": n, "touchpoints_probe": 0} {
		if have := count(t, conn, "SELECT count() FROM touchline."+table); have != want {
			t.Errorf("%s has %d rows, want %d", table, have, want)
		}
	}
	if have := count(t, conn, "SELECT sum(events) FROM touchline.landed"); have != n {
		t.Errorf("landed counts %d events, want %d", have, n)
	}
}
