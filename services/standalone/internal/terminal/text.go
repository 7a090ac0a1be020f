package terminal

import (
	"strings"
	"unicode"

	"github.com/clipperhouse/displaywidth"
	"golang.org/x/text/unicode/bidi"
)

// Printable makes a text that a client chose fit for a terminal: control characters,
// those that turn the direction of text, and bytes that are no UTF-8 are not printed.
// Characters that join others to one sign stay.
func Printable(s string) string {
	const joiners = "\u200c\u200d" // emoji and Persian are spelled with them
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || strings.ContainsRune(joiners, r) || unicode.Is(unicode.Variation_Selector, r) {
			return r
		}
		return '·'
	}, s)
}

// Fit shortens a text to at most so many columns of a terminal and keeps a text that
// runs from right to left from turning what follows it on the line.
func Fit(s string, columns int) string {
	s = displaywidth.TruncateString(s, columns, "…")
	for _, r := range s {
		if p, _ := bidi.LookupRune(r); p.Class() == bidi.R || p.Class() == bidi.AL {
			const leftToRightMark = "\u200e"
			return s + leftToRightMark
		}
	}
	return s
}
