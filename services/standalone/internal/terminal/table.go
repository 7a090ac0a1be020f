package terminal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Column is the head of a column. One without a title has no rule either.
type Column struct {
	Title string
	// Right puts the cells to the right, as numbers.
	Right bool
	// Rank says how soon the column is left out where there is no room: the highest
	// first, of equal ones the rightmost; 0 never.
	Rank int
}

// Cell is a text in a table, of one line and Printable.
type Cell struct {
	Text  string
	Shade Shade
}

// Shade is a colour behind a text. The zero value is none.
type Shade int

// shades are of the 256-colour palette, from pale to deep blue.
func shades() []int { return []int{255, 195, 159, 117, 81, 39, 33, 27, 21, 19} }

// Heat returns the shade of a share of 0 to 1: the more, the darker.
func Heat(share float64) Shade {
	n := len(shades())
	return Shade(1 + min(int(min(max(share, 0), 1)*float64(n)), n-1))
}

// over returns the text on the shade, in a colour that can be read on it.
func (s Shade) over(text string) string {
	ink := 16
	if s > 6 {
		ink = 231
	}
	return fmt.Sprintf("\x1b[48;5;%dm\x1b[38;5;%dm%s\x1b[0m", shades()[s-1], ink, text)
}

// Table is rows under the titles of their columns. A row without cells is an empty
// line.
type Table struct {
	// Caption stands above the table, where it is not empty.
	Caption string
	Columns []Column
	Rows    [][]Cell
	// TitleLines is how many lines a title of several words may take; 0 counts as 1.
	TitleLines int
	// Notes stand under the table.
	Notes []string
}

// Style is what a terminal can show.
type Style struct {
	Colour bool
	// Width is the columns of a line; 0 = as many as it takes.
	Width int
}

// Texts returns cells without a shade.
func Texts(texts ...string) []Cell {
	cells := make([]Cell, len(texts))
	for i, text := range texts {
		cells[i].Text = text
	}
	return cells
}

// Write puts the rows under their titles, indented, each column as wide as its widest
// cell: wide characters take two columns of a terminal, combining ones none. It returns
// the titles of what was left out for lack of room.
func (t Table) Write(b *strings.Builder, s Style) (left []string) {
	widths, words := t.widths()
	shown := t.fit(widths, s.Width)
	for i, c := range t.Columns {
		if !shown[i] && c.Title != "" {
			left = append(left, strings.TrimSpace(c.Title))
		}
	}
	rules := make([]Cell, len(widths))
	for i, c := range t.Columns {
		if c.Title != "" {
			rules[i].Text = strings.Repeat("─", widths[i])
		}
	}
	if t.Caption != "" {
		b.WriteString("  " + t.Caption + "\n\n")
	}
	for _, row := range slices.Concat(titles(words, shown), [][]Cell{rules}, t.Rows) {
		var line strings.Builder
		for i, c := range row {
			if !shown[i] {
				continue
			}
			text := align(c.Text, widths[i], t.Columns[i].Right)
			if s.Colour && c.Shade > 0 {
				text = c.Shade.over(text)
			}
			line.WriteString("  " + text)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	for _, note := range t.Notes {
		b.WriteString("\n  " + note + "\n")
	}
	return left
}

// widths returns how wide each column is, and the lines of its title.
func (t Table) widths() (widths []int, words [][]string) {
	widths, words = make([]int, len(t.Columns)), make([][]string, len(t.Columns))
	for i, c := range t.Columns {
		for _, row := range t.Rows {
			if i < len(row) {
				widths[i] = max(widths[i], displaywidth.String(row[i].Text))
			}
		}
		words[i] = wrap(c.Title, widths[i], max(t.TitleLines, 1))
		for _, line := range words[i] {
			widths[i] = max(widths[i], displaywidth.String(line))
		}
	}
	return widths, words
}

// titles puts the lines of the titles that are shown on top of the rule.
func titles(words [][]string, shown []bool) [][]Cell {
	most := 1
	for i, lines := range words {
		if shown[i] {
			most = max(most, len(lines))
		}
	}
	rows := make([][]Cell, most)
	for n := range rows {
		rows[n] = make([]Cell, len(words))
		for i, lines := range words {
			if k := n - most + len(lines); shown[i] && k >= 0 {
				rows[n][i].Text = lines[k]
			}
		}
	}
	return rows
}

// wrap breaks a title at its blanks into at most so many lines, as narrow as width if
// that can be.
func wrap(title string, width, most int) []string {
	for ; most > 1; width++ {
		var lines []string
		for word := range strings.SplitSeq(title, " ") {
			last := len(lines) - 1
			if last >= 0 && displaywidth.String(lines[last]+" "+word) <= width {
				lines[last] += " " + word
				continue
			}
			lines = append(lines, word)
		}
		if len(lines) <= most {
			return lines
		}
	}
	return []string{title}
}

// fit says which columns there is room for.
func (t Table) fit(widths []int, room int) []bool {
	shown := make([]bool, len(widths))
	total := 0
	for i, width := range widths {
		shown[i] = true
		total += 2 + width
	}
	for room > 0 && total > room {
		next := -1
		for i, c := range t.Columns {
			if shown[i] && c.Rank > 0 && (next < 0 || c.Rank >= t.Columns[next].Rank) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		shown[next] = false
		total -= 2 + widths[next]
	}
	return shown
}

func align(text string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-displaywidth.String(text)))
	if right {
		return space + text
	}
	return text + space
}
