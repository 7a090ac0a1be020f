package clickhousetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
)

// schemaConditions are about Touchline's own tables.
func schemaConditions() []condition {
	return []condition{
		{name: "every landed table and every target of its views drops a repeated block", prove: landed,
			why: "a table or a view that joins later must keep the promise, too"},
		{name: "touchpoints and its twin refuse the same rows", prove: touchpointsTwin,
			why: "rows are left out only when the twin refuses them, so it must know all that the table knows"},
	}
}

// migrated makes Touchline's databases anew, for the time of the proof.
func (x *exercise) migrated() {
	x.Helper()
	drop := func() {
		x.exec("DROP DATABASE IF EXISTS analytics SYNC")
		x.exec("DROP DATABASE IF EXISTS touchline SYNC")
	}
	drop()
	x.Cleanup(drop)
	if _, err := clickhouse.Migrate(x.Context(), x.conn, x.server.Config().Account()); err != nil {
		x.Fatal(err)
	}
}

// landed sends two blocks to every table that services land in, the first one twice,
// and compares all tables after each. No part is merged meanwhile, so every row counts.
func landed(x *exercise) {
	x.migrated()
	x.exec("SYSTEM STOP MERGES")
	x.Cleanup(func() { x.exec("SYSTEM START MERGES") })
	empty := x.contents()

	insert := func(token string) {
		for _, table := range schema.Landed() {
			x.insert(token, Rows(x.T, table, 400, nil))
		}
	}
	insert("first")
	once := x.contents()
	insert("first")
	for table, content := range x.contents() {
		if content != once[table] {
			x.Errorf("%s held %s and holds %s after a repetition", table, once[table], content)
		}
	}
	// What stayed equal was able to change.
	insert("second")
	twice := x.contents()
	fed := x.fed()
	if len(fed) < len(schema.Landed())+4 {
		x.Errorf("found only %q", fed)
	}
	for _, table := range fed {
		if once[table] == empty[table] || twice[table] == once[table] {
			x.Errorf("%s was empty: %s, then held %s, then %s: the blocks did not reach it", table, empty[table], once[table], twice[table])
		}
	}
}

// contents returns a digest of every table of database touchline that stores rows.
func (x *exercise) contents() map[string]string {
	x.Helper()
	found := map[string]string{}
	for _, table := range x.list("SELECT name FROM system.tables WHERE database = 'touchline' AND engine LIKE '%MergeTree'") {
		found[table] = x.value("SELECT concat(toString(count()), ' rows ', hex(sum(cityHash64(*)))) FROM touchline." + table)
	}
	return found
}

// fed returns the tables that services land in and the targets of views.
func (x *exercise) fed() []string {
	x.Helper()
	tables := map[string]bool{}
	for _, t := range schema.Landed() {
		tables[t.Name] = true
	}
	for _, t := range x.list("SELECT extract(create_table_query, ' TO touchline\\\\.(\\\\w+)') FROM system.tables WHERE database = 'touchline' AND engine = 'MaterializedView'") {
		tables[t] = true
	}
	return slices.Sorted(maps.Keys(tables))
}

// list returns the column of texts that a query gives.
func (x *exercise) list(sql string) []string {
	x.Helper()
	rows, err := x.conn.Query(x.Context(), sql)
	if err != nil {
		x.Fatalf("%s: %v", sql, err)
	}
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			x.Fatalf("%s: %v", sql, err)
		}
		list = append(list, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		x.Fatalf("%s: %v", sql, err)
	}
	return list
}

func touchpointsTwin(x *exercise) {
	x.migrated()
	for _, c := range []struct {
		column string
		enum   int8
		refuse bool
	}{
		{"", 1, false}, {"project", 1, true}, {"event", 1, true}, {"user_id", 1, false},
		{"", 0, true}, {"", 4, true}, {"", 2, false},
	} {
		block := Rows(x.T, schema.Touchpoints(), 100, func(column string, row int) (string, bool) {
			return "", column == c.column && row == 57
		})
		for i, column := range schema.Touchpoints().Columns {
			if kind(column.Type) == "Enum8" {
				one := clickhouse.NewColumns(schema.Table{Columns: []schema.Column{column}})
				fill(one.Enum(column.Name), 100, func(row int) int8 {
					if row == 57 {
						return c.enum
					}
					return 1
				})
				block.Input[i] = one.Block().Input[0]
			}
		}
		table := x.inserter.Insert(x.Context(), fmt.Sprint(c), block)
		twin := x.inserter.Probe(x.Context(), clickhouse.TouchpointsProbe, block)
		if clickhouse.ClassOf(table) != clickhouse.ClassOf(twin) {
			x.Errorf("%v: the table says %v, the twin %v", c, table, twin)
		}
		if clickhouse.Refused(table) != c.refuse {
			x.Errorf("%v: refused: %v, want %v", c, table, c.refuse)
		}
	}
	x.want("SELECT count() FROM touchline.touchpoints", 300)
	x.want("SELECT count() FROM "+clickhouse.TouchpointsProbe, 0)
}
