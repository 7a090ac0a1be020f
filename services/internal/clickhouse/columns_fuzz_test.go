package clickhouse_test

import (
	"bytes"
	"testing"

	"github.com/ClickHouse/ch-go/proto"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

// FuzzLowColumn appends the lines of a text and reads them back, in a column that was
// used before.
func FuzzLowColumn(f *testing.F) {
	for _, text := range []string{"", "\n\n", "a\na\nb\na\n", "\x00\n\xff\n\n\x00", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n1"} {
		f.Add([]byte(text))
	}
	c := clickhouse.NewColumns(schema.Table{Database: "d", Name: "t", Columns: []schema.Column{{Name: "low", Type: "LowCardinality(String)"}}})
	low := c.Low("low")
	f.Fuzz(func(t *testing.T, text []byte) {
		c.Reset(1 << 10)
		lines := bytes.Split(text, []byte("\n"))
		for _, line := range lines {
			low.Append(string(line))
		}
		read := clickhousetest.Decode(t, c.Block())["low"].(*proto.ColLowCardinality[string])
		for i, line := range lines {
			if read.Row(i) != string(line) {
				t.Fatalf("row %d is %q, want %q", i, read.Row(i), line)
			}
		}
	})
}
