package query

import (
	"slices"
	"strings"
	"time"
)

// layout arranges an answer for people: retention as a triangle of cohorts, anything
// else as it is, with bars where a column is a share or counts persons.
func (r Result) layout() []grid {
	r = r.withoutSoleProject()
	if r.index("cohort_date") >= 0 && r.index("period") >= 0 && r.index("cohort_size") >= 0 && r.index("persons") >= 0 {
		return r.triangles()
	}
	return []grid{r.list()}
}

func (r Result) index(name string) int {
	return slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == name })
}

// withoutSoleProject leaves the column project out where it says the same all the way.
func (r Result) withoutSoleProject() Result {
	i := r.index("project")
	if i < 0 || len(r.Columns) == 1 || slices.ContainsFunc(r.Rows, func(row []any) bool { return row[i] != r.Rows[0][i] }) {
		return r
	}
	less := Result{Columns: slices.Delete(slices.Clone(r.Columns), i, i+1)}
	for _, row := range r.Rows {
		less.Rows = append(less.Rows, slices.Delete(slices.Clone(row), i, i+1))
	}
	return less
}

const barWidth = 16

// list is a row for each row.
func (r Result) list() grid {
	var g grid
	for _, c := range r.Columns {
		g.headings = append(g.headings, heading{strings.ReplaceAll(c.Name, "_", " "), c.right()})
	}
	bars := r.bars()
	if bars != nil {
		g.headings = append(g.headings, heading{})
	}
	for n, row := range r.Rows {
		var cells []cell
		for i, v := range row {
			cells = append(cells, plainCell(r.Columns[i].pretty(v)))
		}
		if bars != nil {
			cells = append(cells, plainCell(bar(bars[n], barWidth)))
		}
		g.rows = append(g.rows, cells)
	}
	if len(r.Rows) == 0 {
		g.notes = append(g.notes, "no rows")
	}
	return g
}

// bars returns the share that a bar shows in each row: the conversion or share where
// there is a column of one, otherwise persons in relation to the most; nil for neither.
func (r Result) bars() []float64 {
	for _, name := range []string{"conversion_total", "conversion_rate", "share"} {
		if i := r.index(name); i >= 0 {
			return r.numbers(i, 1)
		}
	}
	for _, name := range []string{"persons", "paths", "sessions"} {
		if i := r.index(name); i >= 0 && len(r.Rows) > 1 {
			most := slices.Max(r.numbers(i, 1))
			return r.numbers(i, max(most, 1))
		}
	}
	return nil
}

func (r Result) numbers(column int, unit float64) []float64 {
	all := make([]float64, len(r.Rows))
	for n, row := range r.Rows {
		switch x := row[column].(type) {
		case int64:
			all[n] = float64(x) / unit
		case float64:
			all[n] = x / unit
		}
	}
	return all
}

// triangles lays retention out with a line for each cohort and a column for each
// period: the share of the cohort that came back. What has not ended is marked; what has
// not begun stays empty. Rows that differ in another column, such as a channel, are
// tables of their own.
func (r Result) triangles() []grid {
	date, period, persons, size := r.index("cohort_date"), r.index("period"), r.index("persons"), r.index("cohort_size")
	complete := r.index("complete")
	known := []string{"cohort_date", "cohort", "period", "persons", "cohort_size", "complete", "retention", "retention_rate", "share", "rate"}
	var names []string
	var grids []*triangle
	for _, row := range r.Rows {
		var key []string
		for i, c := range r.Columns {
			if !slices.Contains(known, c.Name) {
				key = append(key, strings.ReplaceAll(c.Name, "_", " ")+": "+c.pretty(row[i]))
			}
		}
		name := strings.Join(key, ", ")
		at := slices.Index(names, name)
		if at < 0 {
			at = len(names)
			names, grids = append(names, name), append(grids, &triangle{name: name, lines: map[time.Time]int{}})
		}
		day, _ := row[date].(time.Time)
		k, _ := row[period].(int64)
		n, _ := row[persons].(int64)
		of, _ := row[size].(int64)
		ended := true
		if complete >= 0 {
			ended, _ = row[complete].(bool)
		}
		grids[at].put(day, k, n, of, ended)
	}
	all := make([]grid, len(grids))
	for i, t := range grids {
		all[i] = t.grid()
	}
	if len(all) == 0 {
		all = []grid{r.list()}
	}
	return all
}
