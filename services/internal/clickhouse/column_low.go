package clickhouse

import (
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
)

// LowColumn is a LowCardinality(String): a dictionary of the values, in the order in
// which they first came, and for each row the number of its value there. The numbers
// take 1 byte while there are up to 256 values, then 2, then 4.
//
// Most columns repeat their last value: such rows are only counted until another value
// comes.
type LowColumn struct {
	// keys are the rows' numbers in little-endian order, width bytes each, but for
	// the last run rows, which have the number last, that of the value same.
	keys  []byte
	width int
	run   int
	last  uint32
	same  []byte
	// wire is the dictionary as String, and spans where each value's bytes are in it.
	wire  []byte
	spans []span
	// slots finds values by their hash: 1 + the number, or 0. At most half are taken.
	slots []uint32
	seed  maphash.Seed
}

// span is a part of a dictionary, which a chunk's size keeps far below 4 GiB.
type span struct{ lo, hi uint32 }

// minSlots holds the values of most columns.
const minSlots = 32

// Append adds a value; the column keeps a copy.
func (c *LowColumn) Append(v string) {
	if c.run > 0 && string(c.same) == v {
		c.run++
		return
	}
	c.change(v)
}

// change begins the run of another value.
func (c *LowColumn) change(v string) {
	c.settle()
	c.last = c.number(v)
	at := c.spans[c.last]
	c.same = c.wire[at.lo:at.hi]
	c.run = 1
}

// number returns the value's number in the dictionary, which it joins if it is new.
func (c *LowColumn) number(v string) uint32 {
	if 2*len(c.spans) >= len(c.slots) {
		c.grow()
	}
	mask := uint64(len(c.slots) - 1)
	i := maphash.String(c.seed, v) & mask
	for ; c.slots[i] != 0; i = (i + 1) & mask {
		n := c.slots[i] - 1
		if at := c.spans[n]; string(c.wire[at.lo:at.hi]) == v {
			return n
		}
	}
	c.wire = appendText(c.wire, v)
	c.spans = append(c.spans, span{uint32(len(c.wire) - len(v)), uint32(len(c.wire))})
	n := uint32(len(c.spans))
	c.slots[i] = n
	if uint64(n) > 1<<(8*c.width) {
		c.widen()
	}
	return n - 1
}

// grow doubles the slots.
func (c *LowColumn) grow() {
	c.slots = make([]uint32, max(minSlots, 2*len(c.slots)))
	mask := uint64(len(c.slots) - 1)
	for n, at := range c.spans {
		i := maphash.Bytes(c.seed, c.wire[at.lo:at.hi]) & mask
		for c.slots[i] != 0 {
			i = (i + 1) & mask
		}
		c.slots[i] = uint32(n + 1)
	}
}

// widen doubles the width of the numbers.
func (c *LowColumn) widen() {
	wide := make([]byte, 0, 2*cap(c.keys))
	for i := 0; i < len(c.keys); i += c.width {
		wide = append(wide, c.keys[i:i+c.width]...)
		wide = append(wide, make([]byte, c.width)...)
	}
	c.keys, c.width = wide, 2*c.width
}

// settle writes the numbers of the run.
func (c *LowColumn) settle() {
	if c.width == 1 && c.run == 1 {
		c.keys = append(c.keys, byte(c.last))
	} else if c.width == 1 {
		n := len(c.keys)
		c.keys = slices.Grow(c.keys, c.run)[:n+c.run]
		for i := range c.keys[n:] {
			c.keys[n+i] = byte(c.last)
		}
	} else {
		for range c.run {
			c.keys = appendKey(c.keys, c.last, c.width)
		}
	}
	c.run = 0
}

// Type implements proto.ColInput.
func (c *LowColumn) Type() proto.ColumnType {
	return proto.ColumnTypeLowCardinality.Sub(proto.ColumnTypeString)
}

// Rows implements proto.ColInput.
func (c *LowColumn) Rows() int { return len(c.keys)/c.width + c.run }

// EncodeState implements proto.StateEncoder: the version of the form in which keys
// and dictionary come, which is 1.
func (c *LowColumn) EncodeState(b *proto.Buffer) { b.PutInt64(1) }

// What precedes the dictionary: it is part of this block and belongs to no other, and
// the width of keys is 1 << the lowest byte.
const (
	ownDictionary     = 1 << 9
	replaceDictionary = 1 << 10
)

// encodeDictionary writes what precedes the keys of so many rows.
func (c *LowColumn) encodeDictionary(b *proto.Buffer, rows int) {
	b.PutInt64(ownDictionary | replaceDictionary | int64(c.width>>1))
	b.PutInt64(int64(len(c.spans)))
	b.PutRaw(c.wire)
	b.PutInt64(int64(rows))
}

// EncodeColumn implements proto.ColInput.
func (c *LowColumn) EncodeColumn(b *proto.Buffer) {
	if c.Rows() == 0 {
		return
	}
	c.settle()
	c.encodeDictionary(b, c.Rows())
	b.PutRaw(c.keys)
}

// WriteColumn implements proto.ColInput.
func (c *LowColumn) WriteColumn(w *proto.Writer) {
	if c.Rows() == 0 {
		return
	}
	c.settle()
	w.ChainBuffer(func(b *proto.Buffer) { c.encodeDictionary(b, c.Rows()) })
	w.ChainWrite(c.keys)
}

// join gives the parts one dictionary. The numbers of a part that it changes, in value
// or in width, are written anew.
func (c *LowColumn) join(w *proto.Writer, parts []column) {
	if len(parts) == 1 {
		c.WriteColumn(w)
		return
	}
	all, rows := newLow(), 0
	numbers := make([][]uint32, len(parts))
	for i, p := range parts {
		part := p.(*LowColumn)
		rows += part.Rows()
		numbers[i] = make([]uint32, len(part.spans))
		for n, at := range part.spans {
			numbers[i][n] = all.number(string(part.wire[at.lo:at.hi]))
		}
	}
	if rows == 0 {
		return
	}
	w.ChainBuffer(func(b *proto.Buffer) { all.encodeDictionary(b, rows) })
	for i, p := range parts {
		part := p.(*LowColumn)
		part.settle()
		if part.width == all.width && unchanged(numbers[i]) {
			w.ChainWrite(part.keys)
		} else {
			w.ChainBuffer(func(b *proto.Buffer) { b.Buf = part.translate(b.Buf, numbers[i], all.width) })
		}
	}
}

// unchanged reports whether each number stands for itself.
func unchanged(numbers []uint32) bool {
	for i, n := range numbers {
		if n != uint32(i) {
			return false
		}
	}
	return true
}

// translate appends what the rows' numbers stand for, in the width given.
func (c *LowColumn) translate(to []byte, numbers []uint32, width int) []byte {
	to = slices.Grow(to, len(c.keys)/c.width*width)
	for at := c.keys; len(at) > 0; at = at[c.width:] {
		to = appendKey(to, numbers[readKey(at, c.width)], width)
	}
	return to
}

func readKey(from []byte, width int) uint32 {
	switch width {
	case 1:
		return uint32(from[0])
	case 2:
		return uint32(binary.LittleEndian.Uint16(from))
	}
	return binary.LittleEndian.Uint32(from)
}

func appendKey(to []byte, n uint32, width int) []byte {
	switch width {
	case 1:
		return append(to, byte(n))
	case 2:
		return binary.LittleEndian.AppendUint16(to, uint16(n))
	}
	return binary.LittleEndian.AppendUint32(to, n)
}

// Reset implements proto.Resettable.
func (c *LowColumn) Reset() {
	clear(c.slots)
	c.keys, c.width, c.run, c.same = c.keys[:0], 1, 0, nil
	c.wire, c.spans = c.wire[:0], c.spans[:0]
}

func (c *LowColumn) size() int {
	return len(c.keys) + c.width*c.run + len(c.wire) + 8*len(c.spans) + 4*len(c.slots)
}

func (c *LowColumn) capacity() int {
	return cap(c.keys) + cap(c.wire) + 8*cap(c.spans) + 4*cap(c.slots)
}

func (c *LowColumn) trim(part, whole int) {
	c.keys, c.wire, c.spans = trimmed(c.keys, part, whole), trimmed(c.wire, part, whole), trimmed(c.spans, part, whole)
	c.slots = nil
}
