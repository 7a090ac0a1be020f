package analytics

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// RetentionDefinition is a retention table in full generality. The views of the
// database analytics offer parts of it; what their parameters cannot say is SQL
// generated from a definition, with this as its reference.
type RetentionDefinition struct {
	// Start puts a person into a cohort, Return counts as coming back.
	Start, Return func(Event) bool
	// Ever is Start without its conditions on properties, for Mode
	// "first_ever"; nil is Start.
	Ever func(Event) bool
	// Granularity is "hour", "day", "week" (from Monday) or "month", in the
	// zone of the stream. Hours are those that pass, from the beginning of the
	// hour on its clocks that holds From: an hour that clocks repeat or leave
	// out does not count twice or not at all. Rolling, it is 1 h, 24 h,
	// 7 x 24 h or 30 x 24 h.
	Granularity string
	// Mode is "recurring": a person is in the cohort of each interval with a
	// start event; "first_time": in that of the first start event of all
	// history; "first_ever": in that of the first event of all history for
	// which Ever holds, if Start holds for it too, else in none.
	Mode string
	// Rolling counts intervals from the person's own first start event
	// instead of the calendar: period k holds the times from k to k + 1
	// intervals after it, and cohort i those who began i intervals after From.
	// A person is in one cohort only, also in Mode "recurring".
	Rolling bool
	// Cumulative counts a person at every period up to their last return.
	Cumulative bool
	// Brackets are the widths, in intervals, of the periods after period 0,
	// one after the other; empty = each is one interval wide. A person counts
	// once in a bracket. With brackets, Periods is 1 + len(Brackets).
	Brackets []int
	// MinOccurrences is how many return events within an interval make it a
	// return, also within a bracket; 0 is 1. The cohort itself ignores it.
	MinOccurrences int
	// Value is a number of an event in 1/10000, false where it has none. Sum
	// adds up those of the return events that count in a cell, and in period 0
	// those of the start events in the cohort's own interval. Refused with
	// Cumulative.
	Value func(Event) (int64, bool)
	// By is what a table is broken down by; nil = one table, under "".
	By func(Event) string
	// PerPerson gives each person one value, so that the tables add up to the
	// whole one: the first value that is not "". Else a person is in a table
	// for each value of their start events, with the return events of the same
	// value, and a cohort by the first start event takes its value; the tables
	// do not add up.
	PerPerson bool
	// From lies in interval 0, in ms. With a granularity of a day and more its
	// UTC date is what counts.
	From             int64
	Cohorts, Periods int
	// AsOf is the time, in ms, at which intervals that ended, in the zone of the
	// stream, are complete.
	AsOf int64
}

// Validate says what cannot be evaluated.
func (d RetentionDefinition) Validate() error {
	var errs []error
	refuse := func(when bool, text string) {
		if when {
			errs = append(errs, errors.New(text))
		}
	}
	refuse(d.Start == nil || d.Return == nil, "start, return: want both")
	refuse(!slices.Contains([]string{"hour", "day", "week", "month"}, d.Granularity), "granularity: want hour, day, week or month")
	refuse(!slices.Contains([]string{"recurring", "first_time", "first_ever"}, d.Mode), "mode: want recurring, first_time or first_ever")
	refuse(d.Cohorts < 1 || d.Cohorts > 1000, "cohorts: want 1 to 1000")
	refuse(d.Periods < 1 || d.Periods > 1000, "periods: want 1 to 1000")
	refuse(d.Rolling && d.Cumulative, "rolling: cannot be cumulative")
	refuse(d.Rolling && len(d.Brackets) > 0, "rolling: cannot have brackets")
	refuse(d.Cumulative && d.Value != nil, "cumulative: cannot add up values")
	refuse(len(d.Brackets) > 0 && d.Periods != 1+len(d.Brackets), "periods: want one more than brackets")
	refuse(slices.ContainsFunc(d.Brackets, func(width int) bool { return width < 1 || width > 1000 }), "brackets: want widths of 1 to 1000")
	refuse(d.MinOccurrences < 0, "min_occurrences: want 1 or more")
	return errors.Join(errs...)
}

// RetentionCell is one cell of a retention table.
type RetentionCell struct {
	// Breakdown is the value of By.
	Breakdown      string
	Cohort, Period int
	Persons        int64
	CohortSize     int64
	// Sum adds up Value, in 1/10000. The average is Sum / Persons.
	Sum int64
	// Complete says that nothing can be added to the cell by time going on.
	Complete bool
}

// Evaluate returns the cells of each table by value, cohort and period, also those
// of nobody. A value in whose table nobody is has none; without By there is always
// one table.
func (d RetentionDefinition) Evaluate(s Stream) []RetentionCell {
	tables := map[string][][]RetentionCell{}
	if d.By == nil {
		tables[""] = d.empty("")
	}
	for _, events := range s.Persons() {
		for value, part := range d.parts(events) {
			for cohort, cells := range d.person(part, s.zone()) {
				if tables[value] == nil {
					tables[value] = d.empty(value)
				}
				row := tables[value][cohort]
				for period, sum := range cells {
					row[period].Persons++
					row[period].Sum += sum
				}
			}
		}
	}
	var all []RetentionCell
	for _, value := range slices.Sorted(maps.Keys(tables)) {
		for _, row := range tables[value] {
			for k := range row {
				row[k].CohortSize = row[0].Persons
				row[k].Complete = d.complete(row[k].Cohort, k, s.zone())
			}
			all = append(all, row...)
		}
	}
	return all
}

func (d RetentionDefinition) empty(value string) [][]RetentionCell {
	table := make([][]RetentionCell, d.Cohorts)
	for i := range table {
		for k := range d.Periods {
			table[i] = append(table[i], RetentionCell{Breakdown: value, Cohort: i, Period: k})
		}
	}
	return table
}

// parts returns the events of a person that each table looks at.
func (d RetentionDefinition) parts(events []Event) map[string][]Event {
	switch {
	case d.By == nil:
		return map[string][]Event{"": events}
	case d.PerPerson:
		for _, e := range events {
			if value := d.By(e); value != "" {
				return map[string][]Event{value: events}
			}
		}
		return map[string][]Event{"": events}
	}
	if d.Mode != "recurring" || d.Rolling {
		first := slices.IndexFunc(events, d.first())
		if first < 0 {
			return nil
		}
		value := d.By(events[first])
		// Only the first start event puts somebody into a cohort, so the
		// others of its value do no harm.
		return map[string][]Event{value: slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return d.By(e) != value })}
	}
	parts := map[string][]Event{}
	for _, e := range events {
		parts[d.By(e)] = append(parts[d.By(e)], e)
	}
	return parts
}

// first returns the condition on the first start event of all history.
func (d RetentionDefinition) first() func(Event) bool {
	if d.Mode == "first_ever" && d.Ever != nil {
		return d.Ever
	}
	return d.Start
}

// person returns the cells in which a person counts, by cohort and period, each
// with the sum of values.
func (d RetentionDefinition) person(events []Event, zone *time.Location) map[int]map[int]int64 {
	first := slices.IndexFunc(events, d.first())
	if first < 0 || d.Mode == "first_ever" && !d.Start(events[first]) {
		return nil
	}
	number := func(e Event) int { return d.number(e, zone) }
	if d.Rolling {
		if events[first].Time < d.From {
			return nil
		}
		cohort := int((events[first].Time - d.From) / d.width())
		// From here on time counts from the person's own start; what was
		// before it has negative numbers.
		number = func(e Event) int {
			return cohort + int(floorDiv(e.Time-events[first].Time, d.width()))
		}
	}
	starts, returns := map[int]int64{}, map[int]int64{}
	occurrences := map[int]int{}
	for i, e := range events {
		if d.Start(e) && (d.Mode == "recurring" && !d.Rolling || number(e) == number(events[first])) && i >= first {
			starts[number(e)] += d.value(e)
		}
		if d.Return(e) {
			returns[number(e)] += d.value(e)
			occurrences[number(e)]++
		}
	}
	maps.DeleteFunc(returns, func(i int, _ int64) bool { return occurrences[i] < d.MinOccurrences })
	cells := map[int]map[int]int64{}
	for cohort, sum := range starts {
		if cohort < 0 || cohort >= d.Cohorts {
			continue
		}
		cells[cohort] = map[int]int64{0: sum}
		for i, sum := range returns {
			k := d.period(i - cohort)
			switch {
			case k <= 0:
			case d.Cumulative:
				for j := 1; j <= min(k, d.Periods-1); j++ {
					cells[cohort][j] = 0
				}
			case k < d.Periods:
				cells[cohort][k] += sum
			}
		}
	}
	return cells
}

// period returns the period that holds the interval so many after the cohort's own;
// beyond the last bracket it is one that no table has.
func (d RetentionDefinition) period(after int) int {
	if after <= 0 || len(d.Brackets) == 0 {
		return after
	}
	for k, width := range d.Brackets {
		if after <= width {
			return k + 1
		}
		after -= width
	}
	return d.Periods
}

// end returns the number, from the cohort's own, of the last interval of a period.
func (d RetentionDefinition) end(period int) int {
	if len(d.Brackets) == 0 {
		return period
	}
	last := 0
	for _, width := range d.Brackets[:period] {
		last += width
	}
	return last
}

// number returns the number of the interval that holds an event, by the calendar.
func (d RetentionDefinition) number(e Event, zone *time.Location) int {
	if d.Granularity == "hour" {
		return int(floorDiv(e.Time-hourStart(d.From, zone), hourMs))
	}
	return Calendar{d.Granularity, utcDay(d.From)}.Number(e.Day)
}

// complete says whether a cell can still change: by the calendar, whether its last
// interval ended; rolling, whether it ended for whoever joined the cohort last.
func (d RetentionDefinition) complete(cohort, period int, zone *time.Location) bool {
	switch {
	case d.Rolling:
		return d.From+int64(cohort+period+2)*d.width() <= d.AsOf
	case d.Granularity == "hour":
		return hourStart(d.From, zone)+int64(cohort+d.end(period)+1)*hourMs <= d.AsOf
	default:
		c := Calendar{d.Granularity, utcDay(d.From)}
		return cohort+d.end(period) < c.Number(localDay(d.AsOf, zone))
	}
}

// width returns the length of a rolling interval in ms.
func (d RetentionDefinition) width() int64 {
	return map[string]int64{"hour": hourMs, "day": dayMs, "week": 7 * dayMs, "month": 30 * dayMs}[d.Granularity]
}

func (d RetentionDefinition) value(e Event) int64 {
	if d.Value == nil {
		return 0
	}
	value, _ := d.Value(e)
	return value
}

// zone returns the zone of the stream.
func (s Stream) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}
