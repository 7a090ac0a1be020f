package clickhouse

import (
	"encoding/binary"

	"github.com/ClickHouse/ch-go/proto"
)

// column is a column that keeps its values as the bytes that go to the server, so that
// sending it copies nothing.
type column interface {
	proto.ColInput
	proto.Resettable
	// join writes the values of all parts as one column, which is what WriteColumn
	// does of one. The parts are of the receiver's type, and it is the first of them.
	join(w *proto.Writer, parts []column)
	// size is what its values take, and capacity what memory is held for them.
	size() int
	capacity() int
	// trim gives back memory beyond part/whole of what is held. The column is empty.
	trim(part, whole int)
}

// trimmed returns an empty slice with part/whole of the capacity.
func trimmed[T any](s []T, part, whole int) []T {
	return make([]T, 0, cap(s)*part/whole)
}

// StringColumn is a String: each value is its length as a uvarint and its bytes.
type StringColumn struct {
	wire []byte
	rows int
}

// Append adds a value; the column keeps a copy.
func (c *StringColumn) Append(v string) {
	c.wire = appendText(c.wire, v)
	c.rows++
}

// AppendBytes is Append.
func (c *StringColumn) AppendBytes(v []byte) {
	c.wire = appendText(c.wire, v)
	c.rows++
}

// appendText appends the wire form of a string.
func appendText[T string | []byte](wire []byte, v T) []byte {
	if len(v) < 0x80 {
		wire = append(wire, byte(len(v)))
	} else {
		wire = binary.AppendUvarint(wire, uint64(len(v)))
	}
	return append(wire, v...)
}

// Type implements proto.ColInput.
func (c *StringColumn) Type() proto.ColumnType { return proto.ColumnTypeString }

// Rows implements proto.ColInput.
func (c *StringColumn) Rows() int { return c.rows }

// EncodeColumn implements proto.ColInput.
func (c *StringColumn) EncodeColumn(b *proto.Buffer) { b.PutRaw(c.wire) }

// WriteColumn implements proto.ColInput.
func (c *StringColumn) WriteColumn(w *proto.Writer) { w.ChainWrite(c.wire) }

func (c *StringColumn) join(w *proto.Writer, parts []column) { joinPlain(w, parts) }

// joinPlain joins columns whose values are independent of each other.
func joinPlain(w *proto.Writer, parts []column) {
	for _, p := range parts {
		p.WriteColumn(w)
	}
}

// Reset implements proto.Resettable.
func (c *StringColumn) Reset() { c.wire, c.rows = c.wire[:0], 0 }

func (c *StringColumn) size() int            { return len(c.wire) }
func (c *StringColumn) capacity() int        { return cap(c.wire) }
func (c *StringColumn) trim(part, whole int) { c.wire = trimmed(c.wire, part, whole) }
