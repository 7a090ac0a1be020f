package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/clipperhouse/displaywidth"
	"golang.org/x/text/unicode/bidi"
)

// maxCell is the widest cell of a table, in columns of a terminal.
const maxCell = 48

// pretty is a value as people read it.
func (c Column) pretty(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case int64:
		return number(x)
	case float64:
		switch {
		case math.IsNaN(x):
			return ""
		case strings.HasSuffix(c.Name, secondsSuffix) || strings.Contains(c.Name, secondsSuffix+"_from_") || c.Name == "seconds":
			return duration(x)
		case c.fraction():
			return percent(x)
		default:
			return strconv.FormatFloat(x, 'g', 6, 64)
		}
	case bool:
		if x {
			return "yes"
		}
		return "no"
	case time.Time:
		if c.Type == "Date" {
			return x.Format(time.DateOnly)
		}
		return x.Format(time.DateTime)
	default:
		return Printable(fmt.Sprint(x))
	}
}

// fraction reports that the column holds shares of a whole, 0 to 1.
func (c Column) fraction() bool {
	if c.Type != "Float64" {
		return false
	}
	for word := range strings.SplitSeq(c.Name, "_") {
		switch word {
		case "conversion", "rate", "share", "ratio", "stickiness", "fraction", "ctr", "retention", "adoption":
			return true
		}
	}
	return false
}

// right reports that the column's values stand right.
func (c Column) right() bool {
	for _, number := range []string{"Int", "UInt", "Float", "Decimal"} {
		if strings.HasPrefix(strings.TrimPrefix(c.Type, "Nullable("), number) {
			return true
		}
	}
	return false
}

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

// fit shortens a text to at most maxCell columns and keeps a text that runs from right
// to left from turning the cells after it.
func fit(s string) string {
	s = displaywidth.TruncateString(s, maxCell, "…")
	for _, r := range s {
		if p, _ := bidi.LookupRune(r); p.Class() == bidi.R || p.Class() == bidi.AL {
			const leftToRightMark = "\u200e"
			return s + leftToRightMark
		}
	}
	return s
}

// number writes 1234567 as 1,234,567.
func number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// percent writes 0.1234 as 12.3 %.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// duration writes seconds with the two units that matter.
func duration(seconds float64) string {
	const longest = 1e9 // 31 years, far below what a time.Duration holds
	if math.Abs(seconds) > longest {
		return fmt.Sprintf("%.0fd", seconds/86400)
	}
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "-" + duration(-seconds)
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%dh %02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd %02dh", d/day, d%day/time.Hour)
}

// bar draws a share of 0 to 1 in eighths of a character.
func bar(share float64, width int) string {
	eighths := int(min(max(share, 0), 1)*float64(width*8) + 0.5)
	if eighths == 0 && share > 0 {
		eighths = 1
	}
	rest := [...]string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}[eighths%8]
	return strings.Repeat("█", eighths/8) + rest
}
