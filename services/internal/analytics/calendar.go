package analytics

import "time"

const (
	hourMs = int64(time.Hour / time.Millisecond)
	dayMs  = 24 * hourMs
)

// Calendar numbers the intervals of a granularity. Days count from 1970-01-01 and
// are those of the project's zone, so intervals of a day and more need no zone.
type Calendar struct {
	// Granularity is "day", "week" (from Monday) or "month".
	Granularity string
	// From lies in interval 0; earlier intervals are negative.
	From int32
}

// Number returns the number of the interval that holds the day.
func (c Calendar) Number(day int32) int {
	switch c.Granularity {
	case "day":
		return int(day - c.From)
	case "week":
		return int(monday(day)-monday(c.From)) / 7
	default:
		return month(day) - month(c.From)
	}
}

// FirstDay returns the first day of an interval.
func (c Calendar) FirstDay(interval int) int32 {
	switch c.Granularity {
	case "day":
		return c.From + int32(interval)
	case "week":
		return monday(c.From) + int32(7*interval)
	default:
		first := time.Date(1970, time.Month(1+month(c.From)+interval), 1, 0, 0, 0, 0, time.UTC)
		return int32(first.Unix() / (24 * 60 * 60))
	}
}

// Count returns how many intervals the days [From, to) touch. An interval that they
// touch counts as a whole.
func (c Calendar) Count(to int32) int { return c.Number(to-1) + 1 }

// dayText returns a day as 2006-01-02.
func dayText(day int32) string { return date(day).Format(time.DateOnly) }

func date(day int32) time.Time { return time.Unix(int64(day)*24*60*60, 0).UTC() }

// monday returns the Monday of the week that holds the day.
func monday(day int32) int32 { return day - int32(date(day).Weekday()+6)%7 }

// month counts months from January 1970.
func month(day int32) int { return (date(day).Year()-1970)*12 + int(date(day).Month()) - 1 }

// utcDay returns the day in UTC that holds a time in ms: what the views make of a
// parameter like from where they count days.
func utcDay(ms int64) int32 { return int32(floorDiv(ms, dayMs)) }

// localDay returns the day in a zone that holds a time in ms: what the views make of
// as_of, because a day of the project has ended when it ended there.
func localDay(ms int64, zone *time.Location) int32 { return utcDay(ms + offset(ms, zone)) }

// hourStart returns when the hour on the clocks of a zone began that holds a time,
// both in ms. Hours of zones half an hour apart begin half an hour apart.
func hourStart(ms int64, zone *time.Location) int64 {
	past := offset(ms, zone) % hourMs
	return floorDiv(ms+past, hourMs)*hourMs - past
}

// offset returns by how many ms the clocks of a zone are ahead of UTC.
func offset(ms int64, zone *time.Location) int64 {
	_, seconds := time.UnixMilli(ms).In(zone).Zone()
	return int64(seconds) * 1000
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
