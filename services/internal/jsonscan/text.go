package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns what a string value says, and scratch with the bytes it had to
// add. A string without escapes aliases value and adds nothing; any other is
// appended to scratch and aliases that. A surrogate without its other half
// becomes U+FFFD. value must be a string that a walk gave out.
func Text(value, scratch []byte) (text, grown []byte) {
	if len(value) < 2 {
		return nil, scratch
	}
	body := value[1 : len(value)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		return body, scratch
	}
	from := len(scratch)
	scratch = unescape(scratch, body)
	return scratch[from:len(scratch):len(scratch)], scratch
}

// unescape appends the text of a checked string body. On one that was not
// checked it stops at the fault.
func unescape(dst, body []byte) []byte {
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 {
			return append(dst, body...)
		}
		dst = append(dst, body[:i]...)
		body = body[i+1:]
		if len(body) == 0 {
			return dst
		}
		c := body[0]
		body = body[1:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(body)
			if r < 0 {
				return dst
			}
			body = body[4:]
			if utf16.IsSurrogate(r) {
				r, body = surrogates(r, body)
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
}

// surrogates joins a first half with the second that body may begin with.
func surrogates(first rune, body []byte) (rune, []byte) {
	if len(body) >= 6 && body[0] == '\\' && body[1] == 'u' {
		if r := utf16.DecodeRune(first, hex4(body[2:])); r != utf8.RuneError {
			return r, body[6:]
		}
	}
	return utf8.RuneError, body
}

// hex4 returns the value of the four hex digits that b begins with, or -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
