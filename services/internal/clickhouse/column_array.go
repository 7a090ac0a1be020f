package clickhouse

import (
	"encoding/binary"

	"github.com/ClickHouse/ch-go/proto"
)

// ArrayColumn is an Array: where each row's values end, and the values of all rows.
type ArrayColumn[C column] struct {
	ends UInt64Column
	// Values takes the values of the row that EndRow ends.
	Values C
}

// EndRow adds a row of the values that came since the row before.
func (c *ArrayColumn[C]) EndRow() { c.ends.Append(uint64(c.Values.Rows())) }

// Type implements proto.ColInput.
func (c *ArrayColumn[C]) Type() proto.ColumnType {
	return proto.ColumnTypeArray.Sub(c.Values.Type())
}

// Rows implements proto.ColInput.
func (c *ArrayColumn[C]) Rows() int { return c.ends.Rows() }

// EncodeState implements proto.StateEncoder.
func (c *ArrayColumn[C]) EncodeState(b *proto.Buffer) {
	if s, ok := any(c.Values).(proto.StateEncoder); ok {
		s.EncodeState(b)
	}
}

// EncodeColumn implements proto.ColInput.
func (c *ArrayColumn[C]) EncodeColumn(b *proto.Buffer) {
	c.ends.EncodeColumn(b)
	c.Values.EncodeColumn(b)
}

// WriteColumn implements proto.ColInput.
func (c *ArrayColumn[C]) WriteColumn(w *proto.Writer) {
	c.ends.WriteColumn(w)
	c.Values.WriteColumn(w)
}

func (c *ArrayColumn[C]) join(w *proto.Writer, parts []column) {
	values, before := make([]column, len(parts)), uint64(0)
	for i, p := range parts {
		part := p.(*ArrayColumn[C])
		values[i] = part.Values
		if before == 0 {
			part.ends.WriteColumn(w)
		} else {
			w.ChainBuffer(func(b *proto.Buffer) { part.shift(b, before) })
		}
		before += uint64(part.Values.Rows())
	}
	c.Values.join(w, values)
}

// shift writes where the rows' values end if so many others stand before them.
func (c *ArrayColumn[C]) shift(b *proto.Buffer, before uint64) {
	for at := c.ends.wire; len(at) > 0; at = at[8:] {
		b.PutUInt64(before + binary.LittleEndian.Uint64(at))
	}
}

// Reset implements proto.Resettable.
func (c *ArrayColumn[C]) Reset() {
	c.ends.Reset()
	c.Values.Reset()
}

func (c *ArrayColumn[C]) size() int     { return c.ends.size() + c.Values.size() }
func (c *ArrayColumn[C]) capacity() int { return c.ends.capacity() + c.Values.capacity() }
func (c *ArrayColumn[C]) trim(part, whole int) {
	c.ends.trim(part, whole)
	c.Values.trim(part, whole)
}
