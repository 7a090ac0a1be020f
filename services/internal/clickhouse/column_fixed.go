package clickhouse

import (
	"encoding/binary"
	"math"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"
)

// fixed is what columns of a fixed width have in common: values in little-endian order.
type fixed struct {
	wire  []byte
	width int
	typ   proto.ColumnType
}

// Type implements proto.ColInput.
func (c *fixed) Type() proto.ColumnType { return c.typ }

// Rows implements proto.ColInput.
func (c *fixed) Rows() int { return len(c.wire) / c.width }

// EncodeColumn implements proto.ColInput.
func (c *fixed) EncodeColumn(b *proto.Buffer) { b.PutRaw(c.wire) }

// WriteColumn implements proto.ColInput.
func (c *fixed) WriteColumn(w *proto.Writer) { w.ChainWrite(c.wire) }

// Reset implements proto.Resettable.
func (c *fixed) Reset() { c.wire = c.wire[:0] }

func (c *fixed) join(w *proto.Writer, parts []column) { joinPlain(w, parts) }

func (c *fixed) size() int            { return len(c.wire) }
func (c *fixed) capacity() int        { return cap(c.wire) }
func (c *fixed) trim(part, whole int) { c.wire = trimmed(c.wire, part, whole) }

func (c *fixed) append8(v uint8)   { c.wire = append(c.wire, v) }
func (c *fixed) append16(v uint16) { c.wire = binary.LittleEndian.AppendUint16(c.wire, v) }
func (c *fixed) append32(v uint32) { c.wire = binary.LittleEndian.AppendUint32(c.wire, v) }
func (c *fixed) append64(v uint64) { c.wire = binary.LittleEndian.AppendUint64(c.wire, v) }

// The columns of a fixed width.
type (
	// UInt16Column is a UInt16.
	UInt16Column struct{ fixed }
	// UInt32Column is a UInt32.
	UInt32Column struct{ fixed }
	// UInt64Column is a UInt64.
	UInt64Column struct{ fixed }
	// Int64Column is an Int64.
	Int64Column struct{ fixed }
	// Float64Column is a Float64.
	Float64Column struct{ fixed }
	// BoolColumn is a Bool.
	BoolColumn struct{ fixed }
	// EnumColumn is an Enum8 with the values that the table declares.
	EnumColumn struct{ fixed }
	// UUIDColumn is a UUID.
	UUIDColumn struct{ fixed }
	// DateColumn is a Date.
	DateColumn struct{ fixed }
	// SecondsColumn is a DateTime.
	SecondsColumn struct{ fixed }
	// TimeColumn is a DateTime64(3).
	TimeColumn struct{ fixed }
	// MoneyColumn is a Decimal(18, 4).
	MoneyColumn struct{ fixed }
)

// Append adds a value.
func (c *UInt16Column) Append(v uint16) { c.append16(v) }

// Append adds a value.
func (c *UInt32Column) Append(v uint32) { c.append32(v) }

// Append adds a value.
func (c *UInt64Column) Append(v uint64) { c.append64(v) }

// Append adds a value.
func (c *Int64Column) Append(v int64) { c.append64(uint64(v)) }

// Append adds a value.
func (c *Float64Column) Append(v float64) { c.append64(math.Float64bits(v)) }

// Append adds a value.
func (c *BoolColumn) Append(v bool) {
	var n uint8
	if v {
		n = 1
	}
	c.append8(n)
}

// Append adds the value with that number. The server takes numbers without a name, and
// fails to read them later.
func (c *EnumColumn) Append(v int8) { c.append8(uint8(v)) }

// Append adds a value. The server keeps each half as a number in its own byte order.
func (c *UUIDColumn) Append(v uuid.UUID) {
	c.append64(binary.BigEndian.Uint64(v[:8]))
	c.append64(binary.BigEndian.Uint64(v[8:]))
}

// Append adds days since 1970, moved to the nearest end of the range, 1970-01-01 to
// 2149-06-06.
func (c *DateColumn) Append(days int32) { c.append16(uint16(max(0, min(math.MaxUint16, days)))) }

// Append adds seconds since 1970.
func (c *SecondsColumn) Append(v uint32) { c.append32(v) }

// Append adds milliseconds since 1970, moved to the nearest end of the range; see
// Millis.
func (c *TimeColumn) Append(ms int64) { c.append64(uint64(Millis(ms))) }

// maxMoney is the largest amount of Decimal(18, 4), in 1/10000.
const maxMoney = 999_999_999_999_999_999

// Append adds an amount in 1/10000, moved to the nearest end of the range.
func (c *MoneyColumn) Append(e4 int64) { c.append64(uint64(max(-maxMoney, min(maxMoney, e4)))) }

// The range of DateTime64(3): 1900-01-01 to 2299-12-31 23:59:59.999 UTC, in
// milliseconds since 1970.
const (
	minMillis = -2208988800000
	maxMillis = 10413791999999
)

// InRange reports whether a time in milliseconds since 1970 fits a TimeColumn.
func InRange(ms int64) bool { return minMillis <= ms && ms <= maxMillis }

// Millis returns what a TimeColumn makes of a time: the nearest one in its range.
func Millis(ms int64) int64 { return max(minMillis, min(maxMillis, ms)) }
