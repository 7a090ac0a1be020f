package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"touchline.dev/services/standalone/internal/terminal"
)

// triangles lays retention out with a line for each cohort and a column for each
// period: the share of the cohort that came back, and below it, where there is one, the
// sum. What has not ended is marked; what has not begun stays empty. Rows that differ in
// another column, such as a channel, are tables of their own.
func (r Result) triangles() []terminal.Table {
	known := []string{"cohort_start", "cohort_time", "cohort_date", "cohort", "period", "persons", "cohort_size", "complete", "rate", "value_sum", "value_per_person"}
	var names []string
	var all []*triangle
	for _, row := range r.Rows {
		var key []string
		for i, c := range r.Columns {
			if !slices.Contains(known, c.Name) {
				key = append(key, title(c.Name)+": "+terminal.Fit(c.pretty(row[i]), widestCell))
			}
		}
		name := strings.Join(key, ", ")
		at := slices.Index(names, name)
		if at < 0 {
			at = len(names)
			names, all = append(names, name), append(all, &triangle{name: name})
		}
		all[at].put(r, row)
	}
	var tables []terminal.Table
	for _, t := range all {
		tables = append(tables, t.table(t.name, share))
		if r.index("value_sum") >= 0 {
			tables = append(tables, t.table(strings.TrimPrefix(t.name+", value sum", ", "), sum))
		}
	}
	return tables
}

// triangle collects the cells of one retention table.
type triangle struct {
	name    string
	cohorts []cohort
}

// cohort is a line of a triangle, with its cells by their periods.
type cohort struct {
	number, size int64
	date, begin  time.Time
	cells        map[int64]returned
}

// returned is a cell: how many of the cohort came back, what their events add up to, and
// whether the interval has ended.
type returned struct {
	persons, size int64
	sum           string
	ended         bool
}

// maxPeriods bounds the columns of a table; further periods are in the other formats.
const maxPeriods = 60

func (t *triangle) put(r Result, row []any) {
	c := cohort{number: -1, cells: map[int64]returned{}}
	cell, period := returned{ended: true}, int64(-1)
	for i, column := range r.Columns {
		switch v := row[i].(type) {
		case int64:
			switch column.Name {
			case "cohort":
				c.number = v
			case "cohort_size":
				c.size, cell.size = v, v
			case "period":
				period = v
			case "persons":
				cell.persons = v
			}
		case time.Time:
			switch column.Name {
			case "cohort_date":
				c.date = v
			case "cohort_start", "cohort_time":
				c.begin = v
			}
		case bool:
			if column.Name == "complete" {
				cell.ended = v
			}
		default:
			if column.Name == "value_sum" {
				cell.sum = column.pretty(v)
			}
		}
	}
	line := slices.IndexFunc(t.cohorts, func(o cohort) bool { return o.number == c.number && o.date.Equal(c.date) })
	if line < 0 {
		line = len(t.cohorts)
		t.cohorts = append(t.cohorts, c)
	}
	if period >= 0 && period < maxPeriods {
		t.cohorts[line].cells[period] = cell
	}
}

// share is the part of the cohort that came back.
func share(c returned) (value float64, text string) {
	value = float64(c.persons) / float64(max(c.size, 1))
	return value, terminal.Percent(value)
}

// sum is what the events of those who came back add up to.
func sum(c returned) (value float64, text string) {
	value, _ = strconv.ParseFloat(c.sum, 64) // a decimal; 0 only has no colour
	return value, c.sum
}

// table leaves out what has not begun: cohorts of nobody and periods behind the last
// one with a cell.
func (t *triangle) table(caption string, of func(returned) (float64, string)) terminal.Table {
	table := terminal.Table{Caption: caption, Columns: []terminal.Column{{Title: "cohort"}, {Title: "persons", Right: true}}}
	open, periods, most := false, int64(1), t.most(of)
	for _, c := range t.cohorts {
		if first, ok := c.cells[0]; c.size == 0 && ok && !first.ended {
			continue
		}
		row := terminal.Texts(t.label(c), terminal.Number(c.size))
		for k := range int64(maxPeriods) {
			shown, marked := show(c.cells[k], of, most)
			open = open || marked
			if shown.Text != "" {
				periods = max(periods, k+1)
			}
			row = append(row, shown)
		}
		table.Rows = append(table.Rows, row)
	}
	for k := range periods {
		table.Columns = append(table.Columns, terminal.Column{Title: fmt.Sprintf("%d ", k), Right: true, Rank: rankData})
	}
	for i, row := range table.Rows {
		table.Rows[i] = row[:len(table.Columns)]
	}
	if open {
		table.Notes = append(table.Notes, "* has not ended: these may still grow")
	}
	return table
}

// label is the date of a cohort, or its time where cohorts share dates.
func (t *triangle) label(c cohort) string {
	for i, o := range t.cohorts[min(1, len(t.cohorts)):] {
		if o.date.Equal(t.cohorts[i].date) {
			return c.begin.Format("2006-01-02 15:04")
		}
	}
	return c.date.Format(time.DateOnly)
}

// most is the largest value after the cohort's own period, by which cells are coloured;
// those of that period are the whole.
func (t *triangle) most(of func(returned) (float64, string)) (most float64) {
	for _, c := range t.cohorts {
		for k, cell := range c.cells {
			if k > 0 {
				value, _ := of(cell)
				most = max(most, value)
			}
		}
	}
	return most
}

// show returns nothing for a cohort of nobody, and where nobody has come back in an
// interval that has not ended: it may not even have begun.
func show(c returned, of func(returned) (float64, string), most float64) (shown terminal.Cell, marked bool) {
	if c.size == 0 || !c.ended && c.persons == 0 {
		return terminal.Cell{}, false
	}
	value, text := of(c)
	mark := " "
	if !c.ended {
		mark = "*"
	}
	return terminal.Cell{Text: text + mark, Shade: terminal.Heat(value / max(most, 1e-9))}, !c.ended
}
