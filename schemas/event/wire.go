package event

import (
	"errors"
	"strings"
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrTruncated says that a record ends inside a field or holds an invalid tag.
var ErrTruncated = errors.New("truncated or invalid protobuf")

// ErrIDLength says that an id of a record is not 16 bytes long.
var ErrIDLength = errors.New("id is not 16 bytes long")

// appendTag is protowire.AppendTag for numbers up to 2047, which take one or two
// bytes.
func appendTag(b []byte, num protowire.Number, t protowire.Type) []byte {
	if num < 16 {
		return append(b, byte(num)<<3|byte(t))
	}
	return append(b, byte(num)<<3|byte(t)|0x80, byte(num>>4))
}

// The append functions leave out zero values, as proto3 does.

func appendString(b []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return appendElement(b, num, s)
}

// appendElement writes an element of a repeated string, empty or not. Official
// readers refuse a record whose strings are not UTF-8, so what is not (a request
// header may hold any bytes) becomes U+FFFD here, at the last gate.
func appendElement(b []byte, num protowire.Number, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = appendTag(b, num, protowire.BytesType)
	if len(s) < 0x80 {
		b = append(b, byte(len(s)))
	} else {
		b = protowire.AppendVarint(b, uint64(len(s)))
	}
	return append(b, s...)
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	b = appendTag(b, num, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

func appendUint(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = appendTag(b, num, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

func appendInt(b []byte, num protowire.Number, v int64) []byte { return appendUint(b, num, uint64(v)) }

func appendFixed64(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = appendTag(b, num, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, v)
}

// appendMessage writes a nested message whose content fill appends. Lengths up
// to 127 take one byte and up to 16,383 two, so the content is written after one
// reserved byte and moved only when it turns out longer.
func appendMessage(b []byte, num protowire.Number, fill func([]byte) []byte) []byte {
	b = appendTag(b, num, protowire.BytesType)
	start := len(b)
	b = append(b, 0)
	b = fill(b)
	n := len(b) - start - 1
	if extra := protowire.SizeVarint(uint64(n)) - 1; extra > 0 {
		b = append(b, make([]byte, extra)...)
		copy(b[start+1+extra:], b[start+1:start+1+n])
	}
	protowire.AppendVarint(b[:start], uint64(n))
	return b
}

// field is one field as it stands on the wire; v holds varints and fixed64, data
// aliases the input for length-delimited fields.
type field struct {
	num  protowire.Number
	typ  protowire.Type
	v    uint64
	data []byte
}

// text returns the data as a string without copying it.
func (f *field) text() string {
	if len(f.data) == 0 {
		return ""
	}
	return unsafe.String(unsafe.SliceData(f.data), len(f.data))
}

// id copies the data, 16 bytes, into an id.
func (f *field) id(id *[16]byte) error {
	if len(f.data) != len(id) {
		return ErrIDLength
	}
	*id = [16]byte(f.data)
	return nil
}

// next takes the first field off b into f. Groups and 32-bit fields are skipped
// as unknown: no message here has any. Tags of one and two bytes and lengths
// below 128, which is nearly all of them, are read in place.
func next(b []byte, f *field) ([]byte, error) {
	var n int
	switch {
	case len(b) > 0 && b[0] >= 8 && b[0] < 0x80:
		f.num, f.typ, n = protowire.Number(b[0]>>3), protowire.Type(b[0]&7), 1
	case len(b) > 1 && b[0] >= 0x80 && b[1] > 0 && b[1] < 0x80:
		f.num, f.typ, n = protowire.Number(b[0]&0x7f>>3)|protowire.Number(b[1])<<4, protowire.Type(b[0]&7), 2
	default:
		if f.num, f.typ, n = protowire.ConsumeTag(b); n < 0 {
			return nil, ErrTruncated
		}
	}
	b = b[n:]
	f.data, f.v = nil, 0
	switch f.typ {
	case protowire.VarintType:
		f.v, n = protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		f.v, n = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		if len(b) > 0 && b[0] < 0x80 && int(b[0]) < len(b) {
			n = 1 + int(b[0])
			f.data = b[1:n]
		} else {
			f.data, n = protowire.ConsumeBytes(b)
		}
	default:
		n = protowire.ConsumeFieldValue(f.num, f.typ, b)
	}
	if n < 0 {
		return nil, ErrTruncated
	}
	return b[n:], nil
}

// is reports whether the field has the wire type that its number is declared
// with; one of another type is passed over like an unknown field.
func (f *field) is(t protowire.Type) bool { return f.typ == t }
