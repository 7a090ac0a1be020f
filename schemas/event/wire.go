package event

import (
	"encoding/binary"
	"errors"
	"slices"
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
//
// Nearly all strings are shorter than 128 bytes and ASCII, so they are copied and
// looked at in one pass.
func appendElement(b []byte, num protowire.Number, s string) []byte {
	start := len(b)
	if len(s) >= 0x80 || cap(b)-start < 3+len(s) {
		return appendAny(b, num, s)
	}
	if num < 16 {
		b = b[:start+2+len(s)]
		b[start], b[start+1] = byte(num)<<3|byte(protowire.BytesType), byte(len(s))
	} else {
		b = b[:start+3+len(s)]
		b[start], b[start+1], b[start+2] = byte(num)<<3|byte(protowire.BytesType)|0x80, byte(num>>4), byte(len(s))
	}
	if copyText(b[len(b)-len(s):], s) || utf8.ValidString(s) {
		return b
	}
	return appendAny(b[:start], num, s)
}

// appendAny is appendElement for every string.
func appendAny(b []byte, num protowire.Number, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = appendTag(b, num, protowire.BytesType)
	return protowire.AppendString(b, s)
}

// copyText copies s to dst, which is as long, and reports whether all of it is
// ASCII. The last word may overlap the one before.
func copyText(dst []byte, s string) bool {
	src, seen := unsafe.Slice(unsafe.StringData(s), len(s)), uint64(0)
	switch n := len(src); {
	case n >= 8:
		for i := 0; i < n-8; i += 8 {
			w := binary.LittleEndian.Uint64(src[i:])
			binary.LittleEndian.PutUint64(dst[i:], w)
			seen |= w
		}
		w := binary.LittleEndian.Uint64(src[n-8:])
		binary.LittleEndian.PutUint64(dst[n-8:], w)
		seen |= w
	case n >= 4:
		first, last := binary.LittleEndian.Uint32(src), binary.LittleEndian.Uint32(src[n-4:])
		binary.LittleEndian.PutUint32(dst, first)
		binary.LittleEndian.PutUint32(dst[n-4:], last)
		seen = uint64(first | last)
	default:
		for i, c := range src {
			dst[i] = c
			seen |= uint64(c)
		}
	}
	return seen&0x8080808080808080 == 0
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

// appendMessage writes a nested message whose content fill appends. The content
// is written behind as many bytes as its length is expected to take, 1 up to 127
// and 2 up to 16,383, and moved where it takes more or fewer.
func appendMessage(b []byte, num protowire.Number, expected int, fill func([]byte) []byte) []byte {
	b = appendTag(b, num, protowire.BytesType)
	start := len(b)
	b = append(b, 0, 0)[:start+expected]
	b = fill(b)
	n := len(b) - start - expected
	if size := protowire.SizeVarint(uint64(n)); size != expected {
		b = slices.Grow(b, size)
		copy(b[start+size:start+size+n], b[start+expected:])
		b = b[:start+size+n]
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

// alias returns data as a string without copying it.
func alias(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// setID copies data, 16 bytes, into an id.
func setID(id *[16]byte, data []byte) error {
	if len(data) != len(id) {
		return ErrIDLength
	}
	*id = [16]byte(data)
	return nil
}

// short reads the length-delimited field that b begins with, if its tag and its
// length take one or two bytes each, as in nearly all fields. n is the bytes that
// it takes, 0 for any other field, and for one that is cut off.
func short(b []byte) (num protowire.Number, data []byte, n int) {
	if len(b) < 3 {
		return 0, nil, 0
	}
	tag, i := uint(b[0]), 1
	if tag >= 0x80 {
		if b[1] >= 0x80 {
			return 0, nil, 0
		}
		tag, i = tag&0x7f|uint(b[1])<<7, 2
	}
	size := int(b[i])
	i++
	if size >= 0x80 {
		if i >= len(b) || b[i] >= 0x80 {
			return 0, nil, 0
		}
		size = size&0x7f | int(b[i])<<7
		i++
	}
	if tag < 8 || protowire.Type(tag&7) != protowire.BytesType || size > len(b)-i {
		return 0, nil, 0
	}
	return protowire.Number(tag >> 3), b[i : i+size], i + size
}

// next takes the first field off b into f. Groups and 32-bit fields are skipped
// as unknown: no message here has any.
func next(b []byte, f *field) ([]byte, error) {
	var n int
	if f.num, f.typ, n = protowire.ConsumeTag(b); n < 0 {
		return nil, ErrTruncated
	}
	b = b[n:]
	f.data, f.v = nil, 0
	switch f.typ {
	case protowire.VarintType:
		f.v, n = protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		f.v, n = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		f.data, n = protowire.ConsumeBytes(b)
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
