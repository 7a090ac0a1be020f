// Package rows turns records of the dense log into column blocks for the tables
// touchpoints and rejected.
//
// It reads event.Enriched, writes ch-go columns in the order that package
// schemas/clickhouse declares, and guarantees that every value it writes is one
// that ClickHouse takes: times and days are within their types' range, so the
// server has no reason to refuse a row. The rows of a chunk are a pure function
// of the records added to it.
package rows

import (
	"time"

	"github.com/ClickHouse/ch-go/proto"

	schema "touchline.dev/schemas/clickhouse"
)

// columns is one table's block under construction.
type columns struct {
	table schema.Table
	input proto.Input
}

// add declares the next column of the table; the builder's constructor calls it
// once for each column, in the table's order.
func add[C proto.ColInput](c *columns, name string, col C) C {
	if want := c.table.Columns[len(c.input)].Name; want != name {
		panic("rows: column " + name + " of " + c.table.Name + " stands where " + want + " is declared")
	}
	c.input = append(c.input, proto.InputColumn{Name: name, Data: col})
	return col
}

func (c *columns) low(name string) *proto.ColLowCardinality[string] {
	return add(c, name, new(proto.ColStr).LowCardinality())
}

func (c *columns) str(name string) *proto.ColStr { return add(c, name, new(proto.ColStr)) }

func (c *columns) time(name string) *proto.ColDateTime64 {
	return add(c, name, new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(time.UTC))
}

func (c *columns) decimal(name string) *decimalColumn {
	return add(c, name, &decimalColumn{typ: c.declared()})
}

func (c *columns) enum(name string) *enumColumn { return add(c, name, &enumColumn{typ: c.declared()}) }

// declared returns the type of the column that is added next.
func (c *columns) declared() proto.ColumnType {
	return proto.ColumnType(c.table.Columns[len(c.input)].Type)
}

func (c *columns) complete() {
	if len(c.input) != len(c.table.Columns) {
		panic("rows: not every column of " + c.table.Name + " is built")
	}
}

// The range of DateTime64(3): 1900-01-01 to 2299-12-31 23:59:59.999 UTC, in
// milliseconds since 1970.
var (
	minMillis = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxMillis = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

func inRange(ms int64) bool { return minMillis <= ms && ms <= maxMillis }

func millis(ms int64) proto.DateTime64 {
	return proto.DateTime64(max(minMillis, min(maxMillis, ms)))
}

// day is the number that Date holds: days since 1970, up to 2149-06-06.
func day(d int32) proto.Date { return proto.Date(max(0, min(65535, d))) }
