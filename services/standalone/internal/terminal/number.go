package terminal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Number writes 1234567 as 1,234,567.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Percent writes 0.1234 as 12.3 %.
func Percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// Duration writes seconds with the two units that matter.
func Duration(seconds float64) string {
	const longest = 1e9 // 31 years, far below what a time.Duration holds
	if math.Abs(seconds) > longest {
		return fmt.Sprintf("%.0fd", seconds/86400)
	}
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "-" + Duration(-seconds)
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%dh %02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd %02dh", d/day, d%day/time.Hour)
}

// Bar draws a share of 0 to 1 in eighths of a character; width is that of 1.
func Bar(share float64, width int) string {
	eighths := int(min(max(share, 0), 1)*float64(width*8) + 0.5)
	if eighths == 0 && share > 0 {
		eighths = 1
	}
	rest := [...]string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}[eighths%8]
	return strings.Repeat("█", eighths/8) + rest
}
