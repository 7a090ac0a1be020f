package clickhousetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
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
		fill(c.Lows(name), n, func(row int) []string { return []string{text(row), "second"} })
	case "Array(String)":
		fill(clickhouse.AddColumn(c, name, new(proto.ColStr).Array()), n, func(row int) []string { return []string{text(row), "second"} })
	case "Array(Float64)":
		fill(clickhouse.AddColumn(c, name, new(proto.ColFloat64).Array()), n, func(row int) []float64 { return []float64{float64(row + 1), 2} })
	case "UInt16":
		fill(clickhouse.AddColumn(c, name, new(proto.ColUInt16)), n, func(int) uint16 { return 1 })
	case "UInt32":
		fill(clickhouse.AddColumn(c, name, new(proto.ColUInt32)), n, func(row int) uint32 { return uint32(row + 1) })
	case "UInt64":
		fill(c.UInt64(name), n, func(row int) uint64 { return uint64(row + 1) })
	case "Int64":
		fill(clickhouse.AddColumn(c, name, new(proto.ColInt64)), n, func(row int) int64 { return int64(row + 1) })
	case "Float64":
		fill(clickhouse.AddColumn(c, name, new(proto.ColFloat64)), n, func(row int) float64 { return float64(row + 1) })
	case "Bool":
		fill(clickhouse.AddColumn(c, name, new(proto.ColBool)), n, func(int) bool { return false })
	case "UUID":
		fill(clickhouse.AddColumn(c, name, new(proto.ColUUID)), n, func(row int) uuid.UUID {
			return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%s %d", name, row))
		})
	case "Enum8":
		fill(&c.Enum(name).ColEnum8, n, func(int) proto.Enum8 { return 1 })
	case "Decimal(18, 4)":
		fill(&c.Money(name).ColDecimal64, n, func(row int) proto.Decimal64 { return clickhouse.E4(int64(row+1) * 10_000) })
	case "Date":
		fill(clickhouse.AddColumn(c, name, new(proto.ColDate)), n, at)
	case "DateTime('UTC')":
		fill(clickhouse.AddColumn(c, name, &proto.ColDateTime{Location: time.UTC}), n, at)
	case "DateTime64(3, 'UTC')":
		fill(c.Time(name), n, at)
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
