package clickhousetest

import (
	"bytes"
	"testing"

	"github.com/ClickHouse/ch-go/proto"

	"touchline.dev/services/internal/clickhouse"
)

// Decode returns a block's columns by name as another implementation of the format
// reads them, and fails when a column's two ways into the wire differ or bytes are
// left over.
func Decode(t testing.TB, b clickhouse.Block) map[string]proto.ColResult {
	t.Helper()
	head := proto.Block{Columns: len(b.Input), Rows: b.Rows()}
	var whole, scratch proto.Buffer
	if err := head.EncodeRawBlock(&whole, 0, b.Input); err != nil {
		t.Fatalf("encode block of %s: %v", b.Table, err)
	}
	var pieces bytes.Buffer
	w := proto.NewWriter(&pieces, &scratch)
	if err := head.WriteBlock(w, 0, b.Input); err != nil {
		t.Fatalf("write block of %s: %v", b.Table, err)
	}
	if _, err := w.Flush(); err != nil {
		t.Fatalf("write block of %s: %v", b.Table, err)
	}
	if !bytes.Equal(whole.Buf, pieces.Bytes()) {
		t.Fatalf("block of %s is %d bytes in one way and %d in another, or others", b.Table, len(whole.Buf), pieces.Len())
	}
	columns := make(map[string]proto.ColResult, len(b.Input))
	var results proto.Results
	for _, column := range b.Input {
		auto := new(proto.ColAuto)
		if err := auto.Infer(column.Data.Type()); err != nil {
			t.Fatalf("column %s of %s: %v", column.Name, b.Table, err)
		}
		columns[column.Name] = auto.Data
		results = append(results, proto.ResultColumn{Name: column.Name, Data: auto.Data})
	}
	r := proto.NewReader(bytes.NewReader(whole.Buf))
	var decoded proto.Block
	if err := decoded.DecodeRawBlock(r, 0, results); err != nil {
		t.Fatalf("decode block of %s: %v", b.Table, err)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Fatalf("block of %s: bytes are left over", b.Table)
	}
	return columns
}
