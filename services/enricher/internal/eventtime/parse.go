package eventtime

import (
	"time"

	"touchline.dev/services/internal/jsonscan"
)

// Magnitudes that tell the unit of a number: below the first it counts seconds,
// then milliseconds, microseconds, nanoseconds. Seconds reach the year 5138 and
// the other units begin in 1973.
const (
	milliseconds = 1e11
	microseconds = 1e14
	nanoseconds  = 1e17
)

// Parse reads an instant as an SDK writes it and returns it in milliseconds
// since 1970 UTC, fractions of a millisecond cut off: an RFC 3339 time with any
// fraction and offset, or a number whose unit follows from its size. A time
// without an offset is taken for UTC, and the time of day may be missing; "t",
// "z", a space between date and time, a comma before the fraction and an offset
// without colon are understood. Results lie within the years -2000 to 9999.
func Parse(text []byte) (ms int64, ok bool) {
	if ms, ok = usual(text); ok {
		return ms, true
	}
	return other(text)
}

// other reads every form.
func other(text []byte) (ms int64, ok bool) {
	if v, isNumber := jsonscan.Decimal(text, 0); isNumber {
		return number(text, v)
	}
	c := clock{text: text}
	year := c.digits(4)
	c.byte('-')
	month := c.digits(2)
	c.byte('-')
	day := c.digits(2)
	var hour, minute, second, fraction, offset int
	if !c.atEnd() {
		c.oneOf("Tt ")
		hour = c.digits(2)
		c.byte(':')
		minute = c.digits(2)
		if c.peek() == ':' {
			c.byte(':')
			second = c.digits(2)
		}
		if b := c.peek(); b == '.' || b == ',' {
			fraction = c.fraction()
		}
		offset = c.offset()
	}
	if c.bad || !c.atEnd() {
		return 0, false
	}
	seconds, ok := instant(year, month, day, hour, minute, second)
	return (seconds-int64(offset))*1000 + int64(fraction), ok
}

// instant returns the seconds since 1970 of a time in UTC; ok is false when there
// is none.
func instant(year, month, day, hour, minute, second int) (seconds int64, ok bool) {
	if hour > 23 || minute > 59 || second > 59 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return ((int64(daysBefore(year, month)+day-1)*24+int64(hour))*60+int64(minute))*60 + int64(second), true
}

// daysIn returns the length of a month, 0 when there is no such month.
func daysIn(year, month int) int {
	switch month {
	case 1, 3, 5, 7, 8, 10, 12:
		return 31
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 0
}

// daysBefore returns the days from 1970-01-01 to the first of a month in the
// years 0 to 9999. It counts in years that begin in March, so that the leap day
// comes last: 153 days for each five months, 146,097 for each 400 years. Adding
// 400 years keeps the year positive; 865,565 is 1970 from there.
func daysBefore(year, month int) int {
	if month < 3 {
		year, month = year-1, month+12
	}
	year += 400
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 - 865565
}

// number reads text, which is v in its own unit.
func number(text []byte, v int64) (ms int64, ok bool) {
	unit := int64(1)
	switch size := max(v, -v); {
	case size < milliseconds:
		return jsonscan.Decimal(text, 3)
	case size < microseconds:
	case size < nanoseconds:
		unit = int64(time.Millisecond / time.Microsecond)
	default:
		unit = int64(time.Millisecond)
	}
	if ms = v / unit; v%unit < 0 {
		ms--
	}
	return ms, true
}

// clock reads the parts of a time; once something is missing it stays bad.
type clock struct {
	text []byte
	bad  bool
}

func (c *clock) atEnd() bool { return len(c.text) == 0 }

func (c *clock) peek() byte {
	if len(c.text) == 0 {
		return 0
	}
	return c.text[0]
}

func (c *clock) digits(n int) (v int) {
	if len(c.text) < n {
		c.bad = true
		return 0
	}
	for _, b := range c.text[:n] {
		if b-'0' > 9 {
			c.bad = true
		}
		v = v*10 + int(b-'0')
	}
	c.text = c.text[n:]
	return v
}

func (c *clock) byte(want byte) {
	if c.peek() != want {
		c.bad = true
		return
	}
	c.text = c.text[1:]
}

func (c *clock) oneOf(want string) {
	for i := range len(want) {
		if c.peek() == want[i] {
			c.text = c.text[1:]
			return
		}
	}
	c.bad = true
}

// fraction reads a mark and digits and returns whole milliseconds.
func (c *clock) fraction() (ms int) {
	c.text = c.text[1:]
	n := 0
	for ; len(c.text) > 0 && c.text[0]-'0' <= 9; c.text = c.text[1:] {
		if n < 3 {
			ms = ms*10 + int(c.text[0]-'0')
		}
		n++
	}
	c.bad = c.bad || n == 0
	for ; n < 3; n++ {
		ms *= 10
	}
	return ms
}

// offset reads Z, ±hh:mm, ±hhmm, ±hh or nothing and returns seconds east of UTC.
func (c *clock) offset() int {
	sign := 1
	switch c.peek() {
	case 0:
		return 0
	case 'Z', 'z':
		c.text = c.text[1:]
		return 0
	case '-':
		sign = -1
	case '+':
	default:
		c.bad = true
		return 0
	}
	c.text = c.text[1:]
	hours, minutes := c.digits(2), 0
	if c.peek() == ':' {
		c.text = c.text[1:]
		minutes = c.digits(2)
	} else if !c.atEnd() {
		minutes = c.digits(2)
	}
	if hours > 23 || minutes > 59 {
		c.bad = true
	}
	return sign * (hours*60 + minutes) * 60
}
