package definition

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"touchline.dev/services/internal/clickhouse"
)

// unit is one of times as people write them. A day is 24 hours.
type unit struct {
	letter  byte
	seconds int64
	word    string
}

// units are in falling order.
func units() []unit {
	return []unit{{'w', 7 * 86400, "WEEK"}, {'d', 86400, "DAY"}, {'h', 3600, "HOUR"}, {'m', 60, "MINUTE"}, {'s', 1, "SECOND"}}
}

// maxSpan bounds times, so that none overflows: 100 years.
const maxSpan = 100 * 366 * 86400

var span = regexp.MustCompile(`^(?:[0-9]{1,10}[smhdw])+$`)

// Seconds reads a time such as 90s, 14d or 1d12h, at most 100 years long.
func Seconds(text string) (seconds int64, ok bool) {
	if !span.MatchString(text) {
		return 0, false
	}
	for len(text) > 0 {
		i := strings.IndexAny(text, "smhdw")
		n, err := strconv.ParseInt(text[:i], 10, 64)
		if err != nil {
			return 0, false
		}
		for _, u := range units() {
			if u.letter == text[i] {
				seconds += n * u.seconds
			}
		}
		text = text[i+1:]
		if seconds > maxSpan {
			return 0, false
		}
	}
	return seconds, true
}

// Moment returns the SQL of a time as people write it: now, today, a time before now
// (30d), a date, or a date with a time, in UTC unless it says otherwise; date asks for a
// Date instead of a DateTime64(3, 'UTC'). What is relative stays so in the SQL.
func Moment(text string, date bool) (string, error) {
	now := "now64(3, 'UTC')"
	if date {
		now = "today()"
	}
	switch text {
	case "now":
		return now, nil
	case "today":
		if date {
			return now, nil
		}
		return "toDateTime64(today(), 3, 'UTC')", nil
	}
	if ago, ok := Seconds(text); ok {
		return before(now, text, ago, date)
	}
	at, ok := absolute(text)
	switch {
	case ok && date:
		return "toDate(" + clickhouse.Literal(at.Format(time.DateOnly)) + ")", nil
	case ok:
		return "toDateTime64(" + clickhouse.Literal(at.Format("2006-01-02 15:04:05.000")) + ", 3, 'UTC')", nil
	}
	return "", fmt.Errorf("want a time such as 30d (ago), 2026-10-01, 2026-10-01T08:30 or now, got %.60q", text)
}

// absolute reads a date, or a date with a time, that ClickHouse can hold.
func absolute(text string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05.999", time.DateTime, time.RFC3339Nano} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1971 && at.Year() <= 2260 {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// at returns the time that a text means now.
func at(text string, now time.Time) (time.Time, bool) {
	ago, relative := Seconds(text)
	switch {
	case text == "now":
		return now, true
	case text == "today":
		return now.UTC().Truncate(24 * time.Hour), true
	case relative:
		return now.Add(-time.Duration(ago) * time.Second), true
	}
	return absolute(text)
}

// before returns the SQL of a span before now, in the largest unit from days down that
// divides it.
func before(now, text string, ago int64, date bool) (string, error) {
	for _, u := range units()[1:] {
		switch {
		case ago%u.seconds != 0:
		case !date:
			return fmt.Sprintf("%s - INTERVAL %d %s", now, ago/u.seconds, u.word), nil
		case u.letter == 'd':
			return fmt.Sprintf("%s - %d", now, ago/u.seconds), nil
		}
	}
	return "", fmt.Errorf("want whole days, got %q", text)
}
