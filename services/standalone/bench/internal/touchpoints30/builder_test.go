package touchpoints30

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/landing"
)

var _ landing.Builder = (*Builder)(nil)

// TestTable holds the table against its name; New panics when the builder is
// another.
func TestTable(t *testing.T) {
	low := 0
	columns := Table().Columns
	for _, c := range columns {
		if c.Type == lowCardinality {
			low++
		}
	}
	if len(columns) != 30 || low != 12 {
		t.Errorf("%d columns, %d of them LowCardinality", len(columns), low)
	}
	if b := New().Blocks(0, 0); len(b) != 1 || len(b[0].Input) != 30 || !strings.HasPrefix(Create(), "CREATE TABLE "+b[0].Table+" (") {
		t.Errorf("%d blocks; %s", len(b), Create())
	}
}

func TestBuilder(t *testing.T) {
	b := New()
	b.Begin("topic", 3)
	for i, outcome := range []event.Outcome{event.Stored, event.Duplicate, event.Stored} {
		e := event.Enriched{Outcome: outcome, Project: "p", ReceivedAt: 1}
		e.Touchpoint.Event = "Signed Up"
		src := int64(i)
		if err := b.Add(&kgo.Record{Value: e.Append(nil)}, denselog.Position{Src: src, Prev: src - 1}); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.Blocks(-1, 2)[0].Rows(); b.Rows() != 3 || n != 2 || b.Bytes() == 0 {
		t.Errorf("%d records, %d rows, %d bytes", b.Rows(), n, b.Bytes())
	}
	if err := b.Add(&kgo.Record{Value: []byte{0xff}}, denselog.Position{Src: 3, Prev: 2}); err == nil {
		t.Error("a record that is none: no error")
	}
	if b.Reset(); b.Rows() != 0 || b.Blocks(2, 2)[0].Rows() != 0 {
		t.Errorf("%d records after Reset", b.Rows())
	}
}
