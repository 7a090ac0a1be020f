package query

import (
	"slices"
	"strings"

	"touchline.dev/services/standalone/internal/terminal"
)

const (
	// barWidth is that of a bar of the whole, in columns of a terminal.
	barWidth = 16
	// widestCell and narrowestCell bound texts in a table; a narrow terminal shortens
	// them to a third of its width.
	widestCell, narrowestCell = 48, 16
)

// layout arranges an answer for people: retention as a triangle of cohorts, anything
// else as it is, with bars where a column is a share or counts persons.
func (r Result) layout(width int) []terminal.Table {
	r = r.withoutSole()
	if r.index("cohort_date") >= 0 && r.index("period") >= 0 && r.index("cohort_size") >= 0 && r.index("persons") >= 0 && len(r.Rows) > 0 {
		return r.triangles()
	}
	return []terminal.Table{r.list(width)}
}

func (r Result) index(name string) int {
	return slices.IndexFunc(r.Columns, func(c Column) bool { return c.Name == name })
}

// withoutSole leaves out the project where it says the same all the way, and the person
// of a timeline.
func (r Result) withoutSole() Result {
	for _, name := range []string{"project", "person_id"} {
		i := r.index(name)
		if i < 0 || len(r.Columns) == 1 || name == "person_id" && len(r.Rows) < 2 ||
			slices.ContainsFunc(r.Rows, func(row []any) bool { return row[i] != r.Rows[0][i] }) {
			continue
		}
		less := Result{Columns: slices.Delete(slices.Clone(r.Columns), i, i+1)}
		for _, row := range r.Rows {
			less.Rows = append(less.Rows, slices.Delete(slices.Clone(row), i, i+1))
		}
		r = less
	}
	return r
}

// Ranks of columns in tables that are wider than the terminal.
const (
	rankKept = iota
	rankData
	rankBar
	rankDetail
)

// rank says how soon a column goes: what can be worked out from others and the finer
// points of distributions before everything else, the first column never.
func (r Result) rank(position int) int {
	c := r.Columns[position]
	switch {
	case strings.Contains(c.Name, "_from_first"):
		return rankDetail + 2
	case strings.HasPrefix(c.Name, "p75_"):
		return rankDetail + 1
	case c.Name == "entered", c.Name == "converted", strings.HasPrefix(c.Name, "p90_"), c.Name == "day" && r.timed():
		return rankDetail
	case position == 0:
		return rankKept
	}
	return rankData
}

// timed reports that there is a column of times, which say the day, too.
func (r Result) timed() bool {
	return slices.ContainsFunc(r.Columns, func(c Column) bool { return strings.HasPrefix(c.Type, "DateTime") })
}

// list is a row for each row, with an empty line between the groups of a breakdown.
func (r Result) list(width int) terminal.Table {
	t := terminal.Table{TitleLines: 2}
	for i, c := range r.Columns {
		t.Columns = append(t.Columns, terminal.Column{Title: title(c.Name), Right: c.right(), Rank: r.rank(i)})
	}
	bars := r.bars()
	if bars != nil {
		t.Columns = append(t.Columns, terminal.Column{Rank: rankBar})
	}
	most := widestCell
	if width > 0 {
		most = min(max(width/3, narrowestCell), widestCell)
	}
	group := r.group()
	for n, row := range r.Rows {
		if n > 0 && r.key(n, group) != r.key(n-1, group) {
			t.Rows = append(t.Rows, nil)
		}
		var cells []terminal.Cell
		for i, v := range row {
			text := ""
			if !r.noTime(row, i) {
				text = terminal.Fit(r.Columns[i].pretty(v), most)
			}
			cells = append(cells, terminal.Cell{Text: text})
		}
		if bars != nil {
			cells = append(cells, terminal.Cell{Text: terminal.Bar(bars[n], barWidth)})
		}
		t.Rows = append(t.Rows, cells)
	}
	if len(r.Rows) == 0 {
		t.Notes = append(t.Notes, "no rows")
	}
	return t
}

func title(name string) string { return terminal.Printable(strings.ReplaceAll(name, "_", " ")) }

// group is how many columns in front of the steps of a funnel, or of the status in a
// life cycle, name the group that they are of; 0 where there are none.
func (r Result) group() int { return max(r.index("step"), r.index("status"), 0) }

func (r Result) key(row, columns int) string {
	var b strings.Builder
	for i, v := range r.Rows[row][:columns] {
		b.WriteString(r.Columns[i].raw(v) + "\x00")
	}
	return b.String()
}

// noTime reports that a cell is a time that was worked out from nobody: the views give
// 0 for it.
func (r Result) noTime(row []any, i int) bool {
	statistic, _, _ := strings.Cut(r.Columns[i].Name, "_")
	if !r.Columns[i].seconds() || !slices.Contains([]string{"median", "p75", "p90", "avg"}, statistic) {
		return false
	}
	of := r.index("persons")
	if r.index("drop_rate") >= 0 {
		of = r.index("dropped")
	}
	step, next := r.index("step"), max(r.index("next_event"), r.index("next_page"))
	return of >= 0 && row[of] == int64(0) || step >= 0 && row[step] == int64(1) || next >= 0 && row[next] == "(nothing)"
}

// bars returns the share that a bar shows in each row: the conversion or share where
// there is a column of one, otherwise persons in relation to the most; nil for neither.
func (r Result) bars() []float64 {
	for _, name := range []string{"conversion_total", "conversion_rate", "share"} {
		if i := r.index(name); i >= 0 {
			return r.numbers(i, 1)
		}
	}
	for _, name := range []string{"persons", "paths", "sessions", "views", "dau", "value"} {
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
