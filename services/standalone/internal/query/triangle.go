package query

import (
	"fmt"
	"time"
)

// triangle collects the cells of one retention table.
type triangle struct {
	name  string
	lines map[time.Time]int
	days  []time.Time
	sizes []int64
	cells []map[int64]returned
	last  int64
}

// returned is a cell: how many of the cohort came back, and whether the interval has
// ended.
type returned struct {
	persons int64
	ended   bool
}

// maxPeriods bounds the columns of a table; further periods are in the other formats.
const maxPeriods = 60

func (t *triangle) put(day time.Time, period, persons, size int64, ended bool) {
	line, ok := t.lines[day]
	if !ok {
		line = len(t.days)
		t.lines[day] = line
		t.days, t.sizes, t.cells = append(t.days, day), append(t.sizes, size), append(t.cells, map[int64]returned{})
	}
	if period >= 0 && period < maxPeriods {
		t.cells[line][period] = returned{persons, ended}
		t.last = max(t.last, period)
	}
}

func (t *triangle) grid() grid {
	g := grid{headings: []heading{{"cohort", false}, {"persons", true}}}
	for k := range t.last + 1 {
		g.headings = append(g.headings, heading{fmt.Sprintf("%d ", k), true})
	}
	open := false
	for line, day := range t.days {
		row := []cell{plainCell(day.Format(time.DateOnly)), plainCell(number(t.sizes[line]))}
		for k := range t.last + 1 {
			c, ok := t.cells[line][k]
			shown, marked := t.cell(c, ok, t.sizes[line])
			open = open || marked
			row = append(row, shown)
		}
		g.rows = append(g.rows, row)
	}
	if t.name != "" {
		g.notes = append(g.notes, t.name)
	}
	if open {
		g.notes = append(g.notes, "* has not ended: these may still grow")
	}
	return g
}

// cell shows nothing where nobody has come back in an interval that has not ended: it
// may not even have begun.
func (t *triangle) cell(c returned, ok bool, size int64) (shown cell, marked bool) {
	switch {
	case !ok || size == 0 || !c.ended && c.persons == 0:
		return plainCell(""), false
	case c.ended:
		share := float64(c.persons) / float64(size)
		return cell{percent(share) + " ", share}, false
	default:
		share := float64(c.persons) / float64(size)
		return cell{percent(share) + "*", share}, true
	}
}
