package query

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Column is a column of a result.
type Column struct{ Name, Type string }

// Result is the rows of an answer, all in memory: the server bounds them
// (max_result_rows). Values are int64, float64, string, bool, time.Time and what
// prints itself (decimals, UUIDs); nil is NULL.
type Result struct {
	Columns []Column
	Rows    [][]any
}

// Ask runs the statement and returns all rows. An error of the server says in plain
// words what is the matter.
func Ask(ctx context.Context, conn driver.Conn, sql string) (r Result, err error) {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return r, Trouble(err)
	}
	defer func() {
		if cerr := rows.Close(); cerr != nil {
			err = errors.Join(err, fmt.Errorf("close rows: %w", cerr))
		}
	}()
	types := rows.ColumnTypes()
	for _, t := range types {
		r.Columns = append(r.Columns, Column{Name: t.Name(), Type: t.DatabaseTypeName()})
	}
	for rows.Next() {
		row := make([]any, len(types))
		for i, t := range types {
			row[i] = reflect.New(t.ScanType()).Interface()
		}
		if err := rows.Scan(row...); err != nil {
			return r, fmt.Errorf("read row: %w", err)
		}
		for i := range row {
			row[i] = simple(reflect.ValueOf(row[i]).Elem())
		}
		r.Rows = append(r.Rows, row)
	}
	if err := rows.Err(); err != nil {
		return r, Trouble(err)
	}
	if len(r.Columns) == 0 && !strings.HasPrefix(sql, "DESCRIBE") {
		r.Columns, err = describe(ctx, conn, sql)
	}
	return r, err
}

// describe returns the columns of a statement: where there are no rows, the server sends
// none.
func describe(ctx context.Context, conn driver.Conn, sql string) (columns []Column, err error) {
	described, err := Ask(ctx, conn, "DESCRIBE TABLE ("+sql+")")
	if err != nil {
		return nil, err
	}
	name, kind := described.index("name"), described.index("type")
	if name < 0 || kind < 0 {
		return nil, errors.New("describe columns: the server says neither names nor types")
	}
	for _, row := range described.Rows {
		columns = append(columns, Column{fmt.Sprint(row[name]), fmt.Sprint(row[kind])})
	}
	return columns, nil
}

// simple brings a scanned value to one of the types of a Result.
func simple(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC()
	case fmt.Stringer:
		return x
	}
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanFloat():
		return v.Float()
	default:
		return v.Interface()
	}
}

// raw is a value as programs read it: no thousands separators, times in ISO 8601.
func (c Column) raw(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case time.Time:
		if c.Type == "Date" {
			return x.Format(time.DateOnly)
		}
		return x.Format("2006-01-02T15:04:05.000Z")
	default:
		return fmt.Sprint(x)
	}
}
