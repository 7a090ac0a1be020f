package oracle

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/clickhouse"
)

// Question is one that both the reference and ClickHouse can answer.
type Question interface {
	// SQL returns the query for a project, or for all with '*'. The first column
	// is the project.
	SQL(project string) string
	// Reference returns the rows for a stream as text, without the project: the
	// other columns in order, with a blank between them, as Text writes them.
	Reference(s analytics.Stream) []string
}

// Text returns values as the text of a row: integers, floats with nine digits,
// true and false, dates as 2006-01-02, times as 2006-01-02T15:04:05.000Z, money
// with four decimals, NULL.
func Text(values ...any) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = textOf(value)
	}
	return strings.Join(texts, " ")
}

func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "NULL"
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	case float64:
		return strconv.FormatFloat(v, 'g', 9, 64)
	case decimal.Decimal:
		return v.StringFixed(4)
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "NULL"
		}
		return textOf(v.Elem().Interface())
	}
	return fmt.Sprint(value)
}

// Ask returns the rows that a query gives as text, by their first column.
func Ask(t testing.TB, conn driver.Conn, sql string) (map[string][]string, error) {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	answers := map[string][]string{}
	types := rows.ColumnTypes()
	for rows.Next() {
		values := make([]any, len(types))
		for i, c := range types {
			values[i] = reflect.New(c.ScanType()).Interface()
		}
		if err := rows.Scan(values...); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
		texts := make([]string, len(values))
		for i, value := range values {
			texts[i] = textOf(value)
			if strings.HasPrefix(types[i].DatabaseTypeName(), "Date") && !strings.HasPrefix(types[i].DatabaseTypeName(), "DateTime") {
				texts[i] = texts[i][:len(time.DateOnly)]
			}
		}
		answers[texts[0]] = append(answers[texts[0]], strings.Join(texts[1:], " "))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	return answers, nil
}

// Check puts a question about all projects to ClickHouse at once, and reports the
// first project whose rows differ from the reference's. It returns how many rows
// the reference gave: a test whose questions have no answers proves nothing.
func (w *World) Check(t testing.TB, q Question, projects []Project) int {
	t.Helper()
	sql := q.SQL("*")
	answers, err := Ask(t, w.BI, sql)
	if err != nil {
		t.Error(err)
		return 0
	}
	count := 0
	for _, p := range projects {
		want := q.Reference(p.Stream)
		count += len(want)
		if !Same(t, p.Name+"\n"+sql, answers[p.Name], want) {
			break
		}
	}
	return count
}

// Same reports the first difference between two answers, whatever the order of
// their rows, and whether there was none.
func Same(t testing.TB, place string, have, want []string) bool {
	t.Helper()
	have, want = slices.Sorted(slices.Values(have)), slices.Sorted(slices.Values(want))
	for i := range max(len(have), len(want)) {
		h, w := "(no row)", "(no row)"
		if i < len(have) {
			h = have[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if h != w {
			t.Errorf("%s: row %d of %d:\nhave %s\nwant %s", place, i+1, len(want), h, w)
			return false
		}
	}
	return true
}

// Literals returns texts as an SQL array.
func Literals(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = clickhouse.Literal(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Instant returns a time in milliseconds since 1970 as SQL.
func Instant(ms int64) string {
	return "'" + time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000") + "'"
}

// Texts returns rows as text.
func Texts[R fmt.Stringer](rows []R) []string {
	text := make([]string, len(rows))
	for i, r := range rows {
		text[i] = r.String()
	}
	return text
}
