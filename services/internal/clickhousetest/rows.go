package clickhousetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
)

// Rows returns a block of n made-up rows of a table that a service lands in: the same
// block for the same arguments. No value is empty or zero but for booleans, which are
// false, numbers count up from 1, and times from 2026-01-01 in steps of six hours.
// text, if not nil, may set the columns that hold a string.
func Rows(t testing.TB, table schema.Table, n int, text func(column string, row int) (string, bool)) clickhouse.Block {
	t.Helper()
	c := clickhouse.NewColumns(table)
	for _, column := range table.Columns {
		err := addColumn(&c, column, n, func(row int) string {
			if text != nil {
				if s, ok := text(column.Name, row); ok {
					return s
				}
			}
			return fmt.Sprintf("%s-%d", column.Name, row%10)
		})
		if err != nil {
			t.Fatalf("make rows of %s: %v", table.Name, err)
		}
	}
	c.Complete()
	return c.Block()
}

// kind cuts the values from the type of an Enum8.
func kind(typ string) string {
	if strings.HasPrefix(typ, "Enum8(") {
		return "Enum8"
	}
	return typ
}

// begin is the time of the first row, and step what each row adds.
var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const step = 6 * time.Hour

func at(row int) time.Time { return begin.Add(time.Duration(row) * step) }

// addColumn adds a column of n rows, of one of the types that landed tables use.
func addColumn(c *clickhouse.Columns, column schema.Column, n int, text func(row int) string) error {
	name := column.Name
	switch kind(column.Type) {
	case "String":
		fill(c.Str(name), n, text)
	case "LowCardinality(String)":
		fill(c.Low(name), n, text)
	case "Array(LowCardinality(String))":
		texts := c.Lows(name)
		fillPairs(n, text, texts.Values, texts.EndRow)
	case "Array(String)":
		texts := c.Strs(name)
		fillPairs(n, text, texts.Values, texts.EndRow)
	case "Array(Float64)":
		numbers := c.Floats(name)
		for row := range n {
			numbers.Values.Append(float64(row + 1))
			numbers.Values.Append(2)
			numbers.EndRow()
		}
	case "UInt16":
		fill(c.UInt16(name), n, func(int) uint16 { return 1 })
	case "UInt32":
		fill(c.UInt32(name), n, func(row int) uint32 { return uint32(row + 1) })
	case "UInt64":
		fill(c.UInt64(name), n, func(row int) uint64 { return uint64(row + 1) })
	case "Int64":
		fill(c.Int64(name), n, func(row int) int64 { return int64(row + 1) })
	case "Float64":
		fill(c.Float64(name), n, func(row int) float64 { return float64(row + 1) })
	case "Bool":
		fill(c.Bool(name), n, func(int) bool { return false })
	case "UUID":
		fill(c.UUID(name), n, func(row int) uuid.UUID {
			return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s %d", name, row))
		})
	case "Enum8":
		fill(c.Enum(name), n, func(int) int8 { return 1 })
	case "Decimal(18, 4)":
		fill(c.Money(name), n, func(row int) int64 { return int64(row+1) * 10_000 })
	case "Date":
		fill(c.Date(name), n, func(row int) int32 { return int32(at(row).Unix() / 86_400) })
	case "DateTime('UTC')":
		fill(c.Seconds(name), n, func(row int) uint32 { return uint32(at(row).Unix()) })
	case "DateTime64(3, 'UTC')":
		fill(c.Time(name), n, func(row int) int64 { return at(row).UnixMilli() })
	default:
		return fmt.Errorf("column %s has type %s, which is not known here", name, column.Type)
	}
	return nil
}

func fill[T any](col interface{ Append(v T) }, n int, value func(row int) T) {
	for row := range n {
		col.Append(value(row))
	}
}

// fillPairs fills an array column with arrays of two.
func fillPairs(n int, text func(row int) string, values interface{ Append(v string) }, endRow func()) {
	for row := range n {
		values.Append(text(row))
		values.Append("second")
		endRow()
	}
}
