package slice

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns the text of a string, unescaped, or of a number, as it is written;
// nil for everything else and for what is Malformed. It aliases the body or,
// where a string is escaped, scratch, which is returned grown: texts taken before
// stay valid.
func (c *Cursor) Text(v Value, scratch []byte) (text, grown []byte) {
	switch {
	case v.Malformed:
		return nil, scratch
	case v.Kind == Number:
		return c.data[v.Start:v.End:v.End], scratch
	case v.Kind != String:
		return nil, scratch
	case !v.Escaped:
		return c.data[v.Start+1 : v.End-1 : v.End-1], scratch
	}
	n := len(scratch)
	scratch = Unescape(scratch, c.data[v.Start+1:v.End-1])
	return scratch[n:len(scratch):len(scratch)], scratch
}

// Unescape appends the text that the inside of a JSON string stands for to dst.
// Like encoding/json it turns half of a surrogate pair into U+FFFD. The string
// must not be malformed; bytes that are not UTF-8 stay as they are.
func Unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(s[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				r = low(r, s[i+1:])
				if r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// low joins a surrogate with the escaped one that s begins with, or returns
// U+FFFD when they are no pair.
func low(high rune, s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return utf8.RuneError
	}
	r, ok := hex4(s[2:])
	if !ok {
		return utf8.RuneError
	}
	return utf16.DecodeRune(high, r)
}

func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, b := range s[:4] {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b|0x20 >= 'a' && b|0x20 <= 'f':
			b = b | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}
