package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"touchline.dev/services/standalone/internal/terminal"
)

// pretty is a value as people read it.
func (c Column) pretty(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case int64:
		if c.seconds() {
			return terminal.Duration(float64(x))
		}
		return terminal.Number(x)
	case float64:
		switch {
		case math.IsNaN(x):
			return ""
		case c.seconds():
			return terminal.Duration(x)
		case c.fraction():
			return terminal.Percent(x)
		default:
			return float(x)
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
		return terminal.Printable(fmt.Sprint(x))
	}
}

// float writes a number that is no share with as many places as people look at.
func float(x float64) string {
	if x != 0 && math.Abs(x) < 1 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	if math.Abs(x) >= 1e15 {
		return strconv.FormatFloat(x, 'g', 6, 64)
	}
	whole, places, _ := strings.Cut(strconv.FormatFloat(x, 'f', 2, 64), ".")
	n, _ := strconv.ParseInt(whole, 10, 64) // of 15 digits at most
	text := terminal.Number(n)
	if places = strings.TrimRight(places, "0"); places != "" {
		text += "." + places
	}
	return text
}

// seconds reports that the column holds times in seconds.
func (c Column) seconds() bool {
	return strings.HasSuffix(c.Name, secondsSuffix) || strings.Contains(c.Name, secondsSuffix+"_from_") || c.Name == "seconds"
}

// fraction reports that the column holds shares of a whole, 0 to 1.
func (c Column) fraction() bool {
	if strings.TrimSuffix(strings.TrimPrefix(c.Type, "Nullable("), ")") != "Float64" {
		return false
	}
	for word := range strings.SplitSeq(c.Name, "_") {
		switch word {
		case "conversion", "rate", "share", "stickiness", "change":
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
