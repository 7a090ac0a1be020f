package adapt

import (
	"net/netip"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// Longest text of each sort, in bytes. What is longer is cut at a character
// (ids and event names: refused); the whole text stays in properties or context.
const (
	maxID        = 512
	maxEventName = 256
	maxURL       = 8 << 10
	maxUserAgent = 1 << 10
	maxTitle     = 1 << 10
	maxName      = 512
	maxTag       = 256 // of a campaign, a click id, an order
	maxWord      = 128 // names and versions of software, locale, time zone
)

// reader is an event whose values are being turned into text.
type reader struct {
	*pipeline.Event
	// plain says that there is no escape in any of its strings.
	plain bool
}

// text returns what a string or number says, cut to limit bytes; other values
// say nothing. It aliases the event or e.Scratch.
func text(e *reader, value []byte, limit int) string {
	if len(value) == 0 { // as most fields of an event: inlined
		return ""
	}
	return shortened(e, value, limit)
}

func shortened(e *reader, value []byte, limit int) string { return cut(whole(e, value), limit) }

func whole(e *reader, value []byte) string {
	switch jsonscan.KindOf(value) {
	case jsonscan.String:
		if e.plain {
			return alias(value[1 : len(value)-1])
		}
		var b []byte
		b, e.Scratch = jsonscan.Text(value, e.Scratch)
		return alias(b)
	case jsonscan.Number:
		return alias(value)
	}
	return ""
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// cut shortens s to at most limit bytes, between characters.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// limited cuts text that does not come from the event, such as a header, and makes
// it valid UTF-8.
func limited(e *pipeline.Event, s string, most int) string {
	if s = cut(s, most); utf8.ValidString(s) {
		return s
	}
	from := len(e.Scratch)
	for _, r := range s {
		e.Scratch = utf8.AppendRune(e.Scratch, r)
	}
	return cut(alias(e.Scratch[from:]), most)
}

// address returns an IP address in its canonical text form, or "" for anything
// else; a zone ("%eth0") means something only on the client's machine and makes
// it something else.
func address(e *pipeline.Event, s string) string {
	if s == "" || len(s) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return ""
	}
	if isIPv4(s) {
		return s // its canonical form
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return ""
	}
	from := len(e.Scratch)
	e.Scratch = addr.Unmap().AppendTo(e.Scratch)
	return alias(e.Scratch[from:])
}

// isIPv4 reports whether s is four numbers up to 255 without leading zeros, joined
// by dots: all that netip.ParseAddr takes for an address of version 4, and writes.
func isIPv4(s string) bool {
	n, digits, dots := 0, 0, 0
	for i := range len(s) {
		c := s[i] - '0'
		switch {
		case c <= 9:
			if n = n*10 + int(c); n > 255 || digits > 0 && n < 10 {
				return false
			}
			digits++
		case s[i] == '.' && digits > 0:
			n, digits = 0, 0
			dots++
		default:
			return false
		}
	}
	return dots == 3 && digits > 0
}

// says reports whether the value holds anything: null, "", {} and [] do not.
func says(value []byte) bool {
	switch jsonscan.KindOf(value) {
	case jsonscan.Absent, jsonscan.Null:
		return false
	case jsonscan.String:
		return len(value) > len(`""`)
	case jsonscan.Object, jsonscan.Array:
		i := 1
		for value[i] <= ' ' {
			i++
		}
		return i < len(value)-1
	}
	return true
}

// keep puts a member into e.Extra, unless it says nothing.
func keep(e *pipeline.Event, rawName string, value []byte) {
	if !says(value) {
		return
	}
	e.Extra = append(e.Extra, '"')
	e.Extra = append(e.Extra, rawName...)
	e.Extra = append(e.Extra, '"', ':')
	e.Extra = append(append(e.Extra, value...), ',')
}

// quote shows a piece of input in a message: at most 64 bytes of it, escaped.
func quote(s string) string { return strconv.QuoteToASCII(cut(s, 64)) }
