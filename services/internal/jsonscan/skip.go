package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

// What skip functions return instead of a position.
const (
	syntax = -1
	depth  = -2
)

func problem(code int) error {
	if code == depth {
		return ErrDepth
	}
	return ErrSyntax
}

func space(data []byte, i int) int {
	for i < len(data) && data[i] <= ' ' && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// skip returns the position behind the value at or after i, or a negative code.
func skip(data []byte, i int) int {
	if i = space(data, i); i >= len(data) {
		return syntax
	}
	switch data[i] {
	case '"':
		end, _ := skipText(data, i+1)
		return end
	case '{', '[':
		return skipNested(data, i)
	}
	return skipLiteral(data, i)
}

// skipNested is skip for an object or array that begins at i. The kinds of the
// open brackets are bits, 1 for an object, the innermost lowest in open; every 64
// levels the full word goes to outer.
func skipNested(data []byte, i int) int {
	var outer [MaxDepth/64 - 1]uint64
	var open uint64
	level := 0

value:
	i = space(data, i)
	if i >= len(data) {
		return syntax
	}
	switch c := data[i]; c {
	case '"':
		if i, _ = skipText(data, i+1); i < 0 {
			return i
		}
	case '{', '[':
		if level > 0 && level&63 == 0 {
			if level == MaxDepth {
				return depth
			}
			outer[level>>6-1] = open
		}
		level++
		open <<= 1
		if c == '[' {
			if i = space(data, i+1); i < len(data) && data[i] == ']' {
				goto closing
			}
			goto value
		}
		open |= 1
		if i = space(data, i+1); i < len(data) && data[i] == '}' {
			goto closing
		}
		goto name
	default:
		if i = skipLiteral(data, i); i < 0 {
			return i
		}
	}

after:
	if level == 0 {
		return i
	}
	i = space(data, i)
	if i >= len(data) {
		return syntax
	}
	if open&1 == 0 {
		switch data[i] {
		case ',':
			i++
			goto value
		case ']':
			goto closing
		}
		return syntax
	}
	switch data[i] {
	case ',':
		i = space(data, i+1)
		goto name
	case '}':
		goto closing
	}
	return syntax

name:
	if i >= len(data) || data[i] != '"' {
		return syntax
	}
	if i, _ = skipText(data, i+1); i < 0 {
		return i
	}
	if i < len(data) && data[i] != ':' {
		i = space(data, i)
	}
	if i >= len(data) || data[i] != ':' {
		return syntax
	}
	i++
	goto value

closing:
	i++
	level--
	open >>= 1
	if level > 0 && level&63 == 0 {
		open = outer[level>>6-1]
	}
	goto after
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// skipText returns the position behind the quote that ends the string whose
// content begins at i, and whether a backslash stands in it.
//
// Eight bytes at a time, mask marks those that are a quote, a backslash or a
// control byte: with its second bit turned over a quote is 0x20, right behind the
// control bytes, and a space is not. A mark may be wrong only above a right one,
// and only the lowest is used.
func skipText(data []byte, i int) (end int, escaped bool) {
	for {
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			mask := ((w ^ 0x02*ones - 0x21*ones) | (w ^ '\\'*ones - ones)) &^ w & highs
			if mask != 0 {
				if i += bits.TrailingZeros64(mask) >> 3; data[i] == '"' {
					return i + 1, escaped
				}
				break
			}
			i += 8
		}
		for i < len(data) && data[i] != '"' && data[i] != '\\' && data[i] >= ' ' {
			i++
		}
		if i >= len(data) || data[i] < ' ' {
			return syntax, escaped
		}
		if data[i] == '"' {
			return i + 1, escaped
		}
		escaped = true
		if i = skipEscape(data, i+1); i < 0 {
			return i, escaped
		}
	}
}

func skipEscape(data []byte, i int) int {
	if i >= len(data) {
		return syntax
	}
	switch data[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if i+5 <= len(data) && hex4(data[i+1:i+5]) >= 0 {
			return i + 5
		}
	}
	return syntax
}

func skipLiteral(data []byte, i int) int {
	switch data[i] {
	case 't':
		return skipWord(data, i, "true")
	case 'f':
		return skipWord(data, i, "false")
	case 'n':
		return skipWord(data, i, "null")
	}
	return skipNumber(data, i)
}

func skipWord(data []byte, i int, word string) int {
	if len(data)-i < len(word) || string(data[i:i+len(word)]) != word {
		return syntax
	}
	return i + len(word)
}

// skipNumber follows the grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
func skipNumber(data []byte, i int) int {
	if i < len(data) && data[i] == '-' {
		i++
	}
	if i < len(data) && data[i] == '0' {
		i++
	} else if i = skipDigits(data, i); i < 0 {
		return i
	}
	if i < len(data) && data[i] == '.' {
		if i = skipDigits(data, i+1); i < 0 {
			return i
		}
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		return skipDigits(data, i)
	}
	return i
}

func skipDigits(data []byte, i int) int {
	from := i
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	if i == from {
		return syntax
	}
	return i
}
