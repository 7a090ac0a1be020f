package clickhousetest

import (
	"github.com/ClickHouse/ch-go/proto"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
)

// viewConditions are about what happens between a table and its views.
func viewConditions() []condition {
	return []condition{
		{name: "danger: a view's target without a window counts twice", prove: targetWithoutWindow,
			why: "every target of a view has a window of its own, which a test of the schema checks"},
		{name: "a view that throws leaves its table's rows, and the same token fills in", prove: throwingView,
			why: "rows of such a block must not be left out or sent under another token: they are in the table already"},
		{name: "a constraint refuses the whole block and writes nothing", prove: constraintWritesNothing,
			why: "only then may rows be left out and the rest be sent under the same token"},
		{name: "a Null twin refuses what its table refuses", prove: twin,
			why: "the rows at fault are found by asking the twin, which stores nothing"},
		{name: "danger: a number that an enum does not have is stored", prove: enumNumbers,
			why: "a table's constraints name the numbers of its enums, or one row makes it unreadable"},
		{name: "danger: a Null twin knows no partitions", prove: twinWithoutPartitions,
			why: "no insert may be refused for the number of its partitions, or there would be nothing to leave out"},
	}
}

func targetWithoutWindow(x *exercise) {
	x.exec("CREATE TABLE exercise.numbers (n UInt64, month UInt16) ENGINE = MergeTree ORDER BY n" + window)
	x.exec("CREATE TABLE exercise.totals (rows UInt64) ENGINE = SummingMergeTree ORDER BY ()")
	x.exec("CREATE MATERIALIZED VIEW exercise.totals_mv TO exercise.totals AS SELECT count() AS rows FROM exercise.numbers")
	x.insert("a", span(1, 10, 1))
	x.insert("a", span(1, 10, 1))
	x.want("SELECT count() FROM exercise.numbers", 10)
	x.want("SELECT sum(rows) FROM exercise.totals", 20)
}

func throwingView(x *exercise) {
	x.numbers()
	x.exec("CREATE TABLE exercise.broken (on UInt8) ENGINE = MergeTree ORDER BY on AS SELECT 1")
	x.exec("CREATE TABLE exercise.late (n UInt64) ENGINE = MergeTree ORDER BY n" + window)
	x.exec("CREATE MATERIALIZED VIEW exercise.late_mv TO exercise.late AS SELECT n + throwIf((SELECT max(on) FROM exercise.broken) = 1) AS n FROM exercise.numbers")
	for range 2 {
		err := x.inserter.Insert(x.Context(), "a", span(1, 100, 3))
		if clickhouse.ClassOf(err) != clickhouse.ClassView {
			x.Fatalf("class %q of %v", clickhouse.ClassOf(err), err)
		}
		x.want("SELECT count() FROM exercise.numbers", 100)
		x.want("SELECT count() FROM exercise.late", 0)
	}
	x.exec("TRUNCATE TABLE exercise.broken")
	for range 2 {
		x.insert("a", span(1, 100, 3))
		x.wantState(stateOf(100, 1))
		x.want("SELECT count() FROM exercise.late", 100)
		x.want("SELECT sum(n) FROM exercise.late", 5050)
	}
}

func constraintWritesNothing(x *exercise) {
	x.numbers()
	x.exec("ALTER TABLE exercise.numbers ADD CONSTRAINT small CHECK n < 50000")
	// The last row of a large block over all months is at fault.
	err := x.inserter.Insert(x.Context(), "a", span(1, 50000, 12))
	if !clickhouse.Refused(err) {
		x.Fatalf("class %q of %v", clickhouse.ClassOf(err), err)
	}
	x.wantState(stateOf(0, 0))
	// Nor has the token been used up.
	x.insert("a", span(1, 49999, 12))
	x.wantState(stateOf(49999, 1))
}

// texts are sent as strings, for the server to convert, to columns of these types.
var texts = map[string][]string{
	"UUID":                   {"", "no-uuid", "018f4c1e-5b1a-7cc0-8d3e-000000000001"},
	"Enum8('a' = 1)":         {"a", "b", ""},
	"UInt16":                 {"1", "-1", "65536", "1.5", ""},
	"Decimal(18, 4)":         {"1.5", "12345678901234567890", "x"},
	"DateTime64(3, 'UTC')":   {"2026-01-01 00:00:00.000", "yesterday", ""},
	"LowCardinality(String)": {"", "x"},
	"FixedString(3)":         {"abc", "abcd"},
}

func twin(x *exercise) {
	probe := func(text string, n uint64, table string) error {
		column := new(proto.ColStr)
		column.Append(text)
		b := clickhouse.Block{Table: table, Input: proto.Input{{Name: "v", Data: column}, {Name: "n", Data: &proto.ColUInt64{n}}}}
		return x.inserter.Probe(x.Context(), table, b)
	}
	refused := 0
	for typ, values := range texts {
		x.exec("CREATE TABLE exercise.t (v " + typ + ", n UInt64, m UInt64 MATERIALIZED intDiv(10, n), CONSTRAINT small CHECK n < 5) ENGINE = MergeTree ORDER BY n" + window)
		x.exec("CREATE TABLE exercise.t_probe AS exercise.t ENGINE = Null")
		for _, text := range values {
			for _, n := range []uint64{0, 1, 5} {
				table, twin := probe(text, n, "exercise.t"), probe(text, n, "exercise.t_probe")
				if clickhouse.ClassOf(table) != clickhouse.ClassOf(twin) {
					x.Errorf("%q, %d as %s: the table says %v, the twin %v", text, n, typ, table, twin)
				}
				if clickhouse.Refused(table) {
					refused++
				} else if table != nil {
					x.Errorf("%q, %d as %s: class %q of %v", text, n, typ, clickhouse.ClassOf(table), table)
				}
			}
		}
		x.want("SELECT count() > 0 FROM exercise.t", 1)
		x.want("SELECT count() FROM exercise.t_probe", 0)
		x.exec("DROP TABLE exercise.t_probe SYNC")
		x.exec("DROP TABLE exercise.t SYNC")
	}
	if refused < 30 {
		x.Errorf("only %d rows were refused", refused)
	}
}

func enumNumbers(x *exercise) {
	x.exec("CREATE TABLE exercise.t (e Enum8('a' = 1, 'b' = 2)) ENGINE = MergeTree ORDER BY ()" + window)
	block := clickhouse.NewColumns(schema.Table{Database: "exercise", Name: "t", Columns: []schema.Column{{Name: "e", Type: "Enum8('a' = 1, 'b' = 2)"}}})
	block.Enum("e").Append(3)
	x.insert("a", block.Block())
	x.want("SELECT count() FROM exercise.t", 1)
	var text string
	x.wantCode("read a number without a name", x.conn.QueryRow(x.Context(), "SELECT toString(e) FROM exercise.t").Scan(&text), 691)

	x.exec("TRUNCATE TABLE exercise.t")
	x.exec("ALTER TABLE exercise.t ADD CONSTRAINT known CHECK toInt8(e) BETWEEN 1 AND 2")
	if err := x.inserter.Insert(x.Context(), "b", block.Block()); !clickhouse.Refused(err) {
		x.Errorf("with a constraint: %v", err)
	}
}

func twinWithoutPartitions(x *exercise) {
	x.exec("CREATE TABLE exercise.numbers (n UInt64, month UInt16) ENGINE = MergeTree PARTITION BY month ORDER BY n" + window)
	x.exec("CREATE TABLE exercise.numbers_probe AS exercise.numbers ENGINE = Null")
	const sql = " SELECT number, number FROM numbers(5) SETTINGS max_partitions_per_insert_block = 4"
	x.wantCode("table", x.conn.Exec(x.Context(), "INSERT INTO exercise.numbers"+sql), 252)
	if err := x.conn.Exec(x.Context(), "INSERT INTO exercise.numbers_probe"+sql); err != nil {
		x.Errorf("twin: %v", err)
	}
	// What the services send has no such limit; the server's own is 100.
	x.insert("a", span(1, 110, 110))
	x.want("SELECT count() FROM exercise.numbers", 110)
}
