package demo

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// width is the longest line of a report, in characters.
const width = 100

// column is a column of a table; numbers stand right. One without a title has no
// rule either.
type column struct {
	title string
	right bool
}

// table writes rows under their titles, indented, each column as wide as its
// widest cell.
func table(b *strings.Builder, columns []column, rows [][]string) {
	widths := make([]int, len(columns))
	titles, rules := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
		widths[i] = utf8.RuneCountInString(c.title)
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		if c.title != "" {
			rules[i] = strings.Repeat("─", widths[i])
		}
	}
	line := func(cells []string) {
		var l strings.Builder
		for i, cell := range cells {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if columns[i].right {
				cell, space = space, cell
			}
			l.WriteString("  " + cell + space)
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	line(titles)
	line(rules)
	for _, row := range rows {
		line(row)
	}
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

// share is part of whole, 0 of nothing.
func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// duration writes seconds with the two units that matter.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	const day = 24 * time.Hour
	switch {
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

// maxLabel is the longest name of an event in a table, in characters.
const maxLabel = 28

// label makes a name that a client chose fit for a terminal: control characters
// and those that turn the direction of text are not printed.
func label(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n == maxLabel && utf8.RuneCountInString(s) > maxLabel {
			return b.String() + "…"
		}
		if !unicode.IsPrint(r) {
			r = '·'
		}
		b.WriteRune(r)
	}
	return b.String()
}
