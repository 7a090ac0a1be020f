package slice

import (
	"encoding/binary"
	"math/bits"
)

// skip returns the position behind the value at or after i, or -1 when the
// structure is broken.
//
// The kinds of the open brackets are bits (1 = object), the innermost lowest.
// Every 64 levels the full word goes to c.spill, so any depth is followed and
// costs a bit: a body of n bytes needs at most n/8 bytes.
func (c *Cursor) skip(i int) int {
	data := c.data
	var open uint64
	var depth, start int
	c.spill = c.spill[:0]

value:
	i = c.space(i)
	if i >= len(data) {
		c.fail(i, "a value")
		return -1
	}
	switch data[i] {
	case '"':
		start = i
		if i = c.text(i + 1); i < 0 {
			return -1
		}
		c.longest = max(c.longest, i-start-2)
	case '{', '[':
		object := data[i] == '{'
		if depth > 0 && depth&63 == 0 {
			c.spill, open = append(c.spill, open), 0
		}
		depth++
		c.deepest = max(c.deepest, depth)
		open <<= 1
		if object {
			open |= 1
		}
		i = c.space(i + 1)
		if i < len(data) && (object && data[i] == '}' || !object && data[i] == ']') {
			goto closing
		}
		if object {
			goto name
		}
		goto value
	default:
		if i = c.word(i); i < 0 {
			return -1
		}
	}

after:
	if depth == 0 {
		return i
	}
	i = c.space(i)
	if open&1 == 1 {
		if i < len(data) {
			if data[i] == ',' {
				i = c.space(i + 1)
				goto name
			}
			if data[i] == '}' {
				goto closing
			}
		}
		c.fail(i, "a comma or }")
		return -1
	}
	if i < len(data) {
		if data[i] == ',' {
			i++
			goto value
		}
		if data[i] == ']' {
			goto closing
		}
	}
	c.fail(i, "a comma or ]")
	return -1

name:
	if i >= len(data) || data[i] != '"' {
		c.fail(i, "a member's name")
		return -1
	}
	c.keys++
	start = i
	if i = c.text(i + 1); i < 0 {
		return -1
	}
	c.longest = max(c.longest, i-start-2)
	if i = c.space(i); i >= len(data) || data[i] != ':' {
		c.fail(i, "a colon")
		return -1
	}
	i++
	goto value

closing:
	i++
	depth--
	open >>= 1
	if depth > 0 && depth&63 == 0 {
		last := len(c.spill) - 1
		open, c.spill = c.spill[last], c.spill[:last]
	}
	goto after
}

// Eight copies of a byte, and of its highest bit.
const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// text returns the position behind the string whose opening quote is before i,
// or -1 when it does not end. Eight bytes are tested at a time: a byte of m is
// set where data has a quote, a backslash or a control byte. A borrow can set
// further bits above the lowest one, never below it, and only that one is used.
func (c *Cursor) text(i int) int {
	data := c.data
	for ; i+8 <= len(data); i += 8 {
		w := binary.LittleEndian.Uint64(data[i : i+8])
		quote, slash := w^ones*'"', w^ones*'\\'
		m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & tops
		if m == 0 {
			continue
		}
		if i += bits.TrailingZeros64(m) >> 3; data[i] == '"' {
			return i + 1
		}
		i = c.special(i) - 8
	}
	for i < len(data) {
		if data[i] == '"' {
			return i + 1
		}
		i = c.special(i)
	}
	c.fail(len(data), "the end of a string")
	return -1
}

// escape returns the position behind the escape sequence at i. Of one that is
// not JSON only the backslash and the byte after it are taken, so that what ends
// the string is the same for every reader.
func (c *Cursor) escape(i int) int {
	if i+1 >= len(c.data) {
		return i + 1
	}
	switch c.data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if _, ok := hex4(c.data[i+2:]); ok {
			return i + 6
		}
	}
	c.malformed = true
	return i + 2
}

// word returns the position behind the number or literal at i. A run of letters,
// digits and signs that is neither (NaN, undefined, 01) is malformed; anything
// else there breaks the structure.
func (c *Cursor) word(i int) int {
	end := i
	for end < len(c.data) && isWord(c.data[end]) {
		end++
	}
	if end == i {
		c.fail(i, "a value")
		return -1
	}
	switch word := c.data[i:end]; word[0] {
	case 't':
		c.malformed = c.malformed || string(word) != "true"
	case 'f':
		c.malformed = c.malformed || string(word) != "false"
	case 'n':
		c.malformed = c.malformed || string(word) != "null"
	default:
		c.malformed = c.malformed || !isNumber(word)
	}
	return end
}

func isWord(b byte) bool {
	return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' || b == '-' || b == '.' || b == '+' || b == '_'
}

// isNumber reports whether the whole of b is a number of JSON.
func isNumber(b []byte) bool {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case digits(b[i:]) > 0:
		i += digits(b[i:])
	default:
		return false
	}
	if i < len(b) && b[i] == '.' {
		n := digits(b[i+1:])
		if n == 0 {
			return false
		}
		i += 1 + n
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		n := digits(b[i:])
		if n == 0 {
			return false
		}
		i += n
	}
	return i == len(b)
}

func digits(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}

// special returns the position behind the byte or the escape sequence at i, which
// is no quote.
func (c *Cursor) special(i int) int {
	switch {
	case c.data[i] == '\\':
		c.escaped = true
		return c.escape(i)
	case c.data[i] < ' ':
		c.malformed = true
	}
	return i + 1
}
