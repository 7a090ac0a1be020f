package clickhouse

import (
	"hash/maphash"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	schema "touchline.dev/schemas/clickhouse"
)

// Columns is one table's block under construction, in the order in which package
// schemas/clickhouse declares the columns. Its constructor calls add one column
// each; a wrong order or type panics, so a test that makes the builder finds it.
type Columns struct {
	table   schema.Table
	input   proto.Input
	columns []column
	// Of the columns that are not of a fixed width, and the width of the others: what
	// Bytes asks after every row.
	texts  []*StringColumn
	lows   []*LowColumn
	arrays []column
	width  int
}

// NewColumns returns a block of the table without columns yet.
func NewColumns(table schema.Table) Columns { return Columns{table: table} }

// add adds the next column of the table.
func (c *Columns) add(name, typ string, col column) {
	declared := c.table.Columns[len(c.input)]
	if declared.Name != name {
		panic("column " + name + " of " + c.table.Name + " stands where " + declared.Name + " is declared")
	}
	if have, _, _ := strings.Cut(declared.Type, "("); have != typ && declared.Type != typ {
		panic("column " + name + " of " + c.table.Name + " is a " + typ + " where " + declared.Type + " is declared")
	}
	c.input = append(c.input, proto.InputColumn{Name: name, Data: col})
	c.columns = append(c.columns, col)
}

func (c *Columns) addFixed(name, typ string, width int, col column, f *fixed) {
	f.width, f.typ = width, proto.ColumnType(c.table.Columns[len(c.input)].Type)
	c.add(name, typ, col)
	c.width += width
}

// Low adds a LowCardinality(String).
func (c *Columns) Low(name string) *LowColumn {
	col := newLow()
	c.add(name, "LowCardinality(String)", col)
	c.lows = append(c.lows, col)
	return col
}

func newLow() *LowColumn { return &LowColumn{width: 1, seed: maphash.MakeSeed()} }

// Str adds a String.
func (c *Columns) Str(name string) *StringColumn {
	col := new(StringColumn)
	c.add(name, "String", col)
	c.texts = append(c.texts, col)
	return col
}

// Lows adds an Array(LowCardinality(String)).
func (c *Columns) Lows(name string) *ArrayColumn[*LowColumn] {
	return addArray(c, name, "Array(LowCardinality(String))", newLow())
}

// Strs adds an Array(String).
func (c *Columns) Strs(name string) *ArrayColumn[*StringColumn] {
	return addArray(c, name, "Array(String)", new(StringColumn))
}

// Floats adds an Array(Float64).
func (c *Columns) Floats(name string) *ArrayColumn[*Float64Column] {
	return addArray(c, name, "Array(Float64)", &Float64Column{fixed{width: 8, typ: proto.ColumnTypeFloat64}})
}

func addArray[C column](c *Columns, name, typ string, values C) *ArrayColumn[C] {
	col := &ArrayColumn[C]{Values: values}
	col.ends.width = 8
	c.add(name, typ, col)
	c.arrays = append(c.arrays, col)
	return col
}

// UInt16 adds a UInt16.
func (c *Columns) UInt16(name string) *UInt16Column {
	col := new(UInt16Column)
	c.addFixed(name, "UInt16", 2, col, &col.fixed)
	return col
}

// UInt32 adds a UInt32.
func (c *Columns) UInt32(name string) *UInt32Column {
	col := new(UInt32Column)
	c.addFixed(name, "UInt32", 4, col, &col.fixed)
	return col
}

// UInt64 adds a UInt64.
func (c *Columns) UInt64(name string) *UInt64Column {
	col := new(UInt64Column)
	c.addFixed(name, "UInt64", 8, col, &col.fixed)
	return col
}

// Int64 adds an Int64.
func (c *Columns) Int64(name string) *Int64Column {
	col := new(Int64Column)
	c.addFixed(name, "Int64", 8, col, &col.fixed)
	return col
}

// Float64 adds a Float64.
func (c *Columns) Float64(name string) *Float64Column {
	col := new(Float64Column)
	c.addFixed(name, "Float64", 8, col, &col.fixed)
	return col
}

// Bool adds a Bool.
func (c *Columns) Bool(name string) *BoolColumn {
	col := new(BoolColumn)
	c.addFixed(name, "Bool", 1, col, &col.fixed)
	return col
}

// Enum adds an Enum8 with the values that the table declares.
func (c *Columns) Enum(name string) *EnumColumn {
	col := new(EnumColumn)
	c.addFixed(name, "Enum8", 1, col, &col.fixed)
	return col
}

// UUID adds a UUID.
func (c *Columns) UUID(name string) *UUIDColumn {
	col := new(UUIDColumn)
	c.addFixed(name, "UUID", 16, col, &col.fixed)
	return col
}

// Date adds a Date.
func (c *Columns) Date(name string) *DateColumn {
	col := new(DateColumn)
	c.addFixed(name, "Date", 2, col, &col.fixed)
	return col
}

// Seconds adds a DateTime.
func (c *Columns) Seconds(name string) *SecondsColumn {
	col := new(SecondsColumn)
	c.addFixed(name, "DateTime", 4, col, &col.fixed)
	return col
}

// Time adds a DateTime64(3).
func (c *Columns) Time(name string) *TimeColumn {
	col := new(TimeColumn)
	c.addFixed(name, "DateTime64", 8, col, &col.fixed)
	return col
}

// Money adds a Decimal(18, 4).
func (c *Columns) Money(name string) *MoneyColumn {
	col := new(MoneyColumn)
	c.addFixed(name, "Decimal", 8, col, &col.fixed)
	return col
}

// Complete panics unless every column was added.
func (c *Columns) Complete() {
	if len(c.input) != len(c.table.Columns) {
		panic("not every column of " + c.table.Name + " is built")
	}
}

// Rows returns the number of rows.
func (c *Columns) Rows() int { return c.Block().Rows() }

// Block returns the block as it stands. It holds the columns themselves, not a copy.
func (c *Columns) Block() Block { return Block{Table: c.table.FullName(), Input: c.input} }

// Bytes returns what the values take; the memory that is held may be larger by a
// quarter. It is cheap enough to be asked after every row.
func (c *Columns) Bytes() int {
	n := c.width * c.Rows()
	for _, col := range c.texts {
		n += col.size()
	}
	for _, col := range c.lows {
		n += col.size()
	}
	for _, col := range c.arrays {
		n += col.size()
	}
	return n
}

// Reset empties the columns and keeps their memory: keep bytes, or what the rows have
// just taken if that is more. So a steady load finds its memory again, whatever it is,
// and what a burst took is given back with the next rows.
func (c *Columns) Reset(keep int) {
	used, held := 0, 0
	for _, col := range c.columns {
		used += col.size()
		held += col.capacity()
		col.Reset()
	}
	if used == 0 || held <= max(keep, used+used/2) {
		return
	}
	for _, col := range c.columns {
		col.trim(keep, held)
	}
}
