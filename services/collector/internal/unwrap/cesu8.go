package unwrap

import (
	"bytes"
	"unicode/utf8"
)

// CESU8 repairs text whose characters beyond U+FFFF were written as two
// surrogates of three bytes each (CESU-8) instead of four bytes, as browsers do
// that encode UTF-16 unit by unit. It works in place and returns the shorter text.
// Half of a pair stays as it is: it is no character, and what it is to become is
// not for us to say. All other bytes are left alone, valid or not.
func CESU8(b []byte) []byte {
	i := bytes.IndexByte(b, leadSurrogate)
	if i < 0 {
		return b
	}
	n := i
	for i < len(b) {
		if r, ok := surrogates(b[i:]); ok {
			n += utf8.EncodeRune(b[n:n+utf8.UTFMax], r)
			i += 6
			continue
		}
		end := len(b)
		if next := bytes.IndexByte(b[i+1:], leadSurrogate); next >= 0 {
			end = i + 1 + next
		}
		n += copy(b[n:], b[i:end])
		i = end
	}
	return b[:n]
}

// leadSurrogate begins the three bytes of every surrogate (ED A0 80 to ED BF BF),
// and of U+D000 to U+D7FF (ED 80 80 to ED 9F BF).
const leadSurrogate = 0xED

// surrogates returns the character of a pair that b begins with.
func surrogates(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != leadSurrogate || b[1]&0xF0 != 0xA0 || b[2]&0xC0 != 0x80 || b[3] != leadSurrogate || b[4]&0xF0 != 0xB0 || b[5]&0xC0 != 0x80 {
		return 0, false
	}
	high := rune(b[1]&0x0F)<<6 | rune(b[2]&0x3F)
	low := rune(b[4]&0x0F)<<6 | rune(b[5]&0x3F)
	return 0x10000 + high<<10 + low, true
}
