package clickhouse

import (
	"time"

	"github.com/ClickHouse/ch-go/proto"

	schema "touchline.dev/schemas/clickhouse"
)

// Columns is one table's block under construction, in the order in which package
// schemas/clickhouse declares the columns. Its constructor calls add one column
// each; a wrong order panics, so a test that makes the builder finds it.
type Columns struct {
	table schema.Table
	input proto.Input
}

// NewColumns returns a block of the table without columns yet.
func NewColumns(table schema.Table) Columns { return Columns{table: table} }

// AddColumn adds the next column of the table.
func AddColumn[C proto.ColInput](c *Columns, name string, col C) C {
	if want := c.table.Columns[len(c.input)].Name; want != name {
		panic("column " + name + " of " + c.table.Name + " stands where " + want + " is declared")
	}
	c.input = append(c.input, proto.InputColumn{Name: name, Data: col})
	return col
}

// Low adds a LowCardinality(String).
func (c *Columns) Low(name string) *proto.ColLowCardinality[string] {
	return AddColumn(c, name, new(proto.ColStr).LowCardinality())
}

// Lows adds an Array(LowCardinality(String)).
func (c *Columns) Lows(name string) *proto.ColArr[string] {
	return AddColumn(c, name, new(proto.ColStr).LowCardinality().Array())
}

// Str adds a String.
func (c *Columns) Str(name string) *proto.ColStr { return AddColumn(c, name, new(proto.ColStr)) }

// UInt64 adds a UInt64.
func (c *Columns) UInt64(name string) *proto.ColUInt64 {
	return AddColumn(c, name, new(proto.ColUInt64))
}

// Time adds a DateTime64(3, 'UTC'); see Millis.
func (c *Columns) Time(name string) *proto.ColDateTime64 {
	return AddColumn(c, name, new(proto.ColDateTime64).WithPrecision(proto.PrecisionMilli).WithLocation(time.UTC))
}

// Money adds a Decimal(18, 4); see E4.
func (c *Columns) Money(name string) *MoneyColumn {
	return AddColumn(c, name, &MoneyColumn{typ: c.declared()})
}

// Enum adds an Enum8 with the values that the table declares.
func (c *Columns) Enum(name string) *EnumColumn {
	return AddColumn(c, name, &EnumColumn{typ: c.declared()})
}

// declared returns the type of the column that is added next.
func (c *Columns) declared() proto.ColumnType {
	return proto.ColumnType(c.table.Columns[len(c.input)].Type)
}

// Complete panics unless every column was added.
func (c *Columns) Complete() {
	if len(c.input) != len(c.table.Columns) {
		panic("not every column of " + c.table.Name + " is built")
	}
}

// Rows returns the number of rows.
func (c *Columns) Rows() int { return c.Block().Rows() }

// Block returns the block as it stands.
func (c *Columns) Block() Block { return Block{Table: c.table.FullName(), Input: c.input} }

// Reset empties the columns and keeps their memory.
func (c *Columns) Reset() { c.input.Reset() }

// MoneyColumn is ch-go's 64-bit decimal under the type that the table declares:
// the precision is part of the name.
type MoneyColumn struct {
	proto.ColDecimal64
	typ proto.ColumnType
}

// Type implements proto.ColInput.
func (c *MoneyColumn) Type() proto.ColumnType { return c.typ }

// EnumColumn is ch-go's 8-bit enum under the type that the table declares: the
// server wants to see the values.
type EnumColumn struct {
	proto.ColEnum8
	typ proto.ColumnType
}

// Type implements proto.ColInput.
func (c *EnumColumn) Type() proto.ColumnType { return c.typ }

// The range of DateTime64(3): 1900-01-01 to 2299-12-31 23:59:59.999 UTC, in
// milliseconds since 1970.
const (
	minMillis = -2208988800000
	maxMillis = 10413791999999
)

// InRange reports whether a time in milliseconds since 1970 fits a column.
func InRange(ms int64) bool { return minMillis <= ms && ms <= maxMillis }

// Millis returns the value for a Time column, moved to the nearest end of its
// range.
func Millis(ms int64) proto.DateTime64 {
	return proto.DateTime64(max(minMillis, min(maxMillis, ms)))
}

// Day returns the value for a Date column, days since 1970, moved to the nearest
// end of its range, 1970-01-01 to 2149-06-06.
func Day(d int32) proto.Date { return proto.Date(max(0, min(65535, d))) }

// maxMoney is the largest amount of Decimal(18, 4), in 1/10000.
const maxMoney = 999_999_999_999_999_999

// E4 returns the value for a Money column of an amount in 1/10000, moved to the
// nearest end of its range.
func E4(amount int64) proto.Decimal64 {
	return proto.Decimal64(max(-maxMoney, min(maxMoney, amount)))
}
