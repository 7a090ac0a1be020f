package query

import (
	"fmt"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// cell is a text in a table. heat, 0 to 1, colours it where colours are wanted; a
// negative one does not.
type cell struct {
	text string
	heat float64
}

func plainCell(text string) cell { return cell{text, -1} }

// heading is the head of a column. One without a title has no rule either.
type heading struct {
	title string
	right bool
}

// grid is what a table shows.
type grid struct {
	headings []heading
	rows     [][]cell
	// notes stand under the table.
	notes []string
}

// write puts the rows under their titles, each column as wide as its widest cell as a
// terminal shows it: wide characters take two columns, combining ones none.
func (g grid) write(b *strings.Builder, colour bool) {
	widths := make([]int, len(g.headings))
	titles, rules := make([]cell, len(widths)), make([]cell, len(widths))
	for i, h := range g.headings {
		widths[i] = displaywidth.String(h.title)
		for _, row := range g.rows {
			row[i].text = fit(row[i].text)
			widths[i] = max(widths[i], displaywidth.String(row[i].text))
		}
		titles[i], rules[i] = plainCell(h.title), plainCell("")
		if h.title != "" {
			rules[i].text = strings.Repeat("─", widths[i])
		}
	}
	for _, row := range append([][]cell{titles, rules}, g.rows...) {
		var line strings.Builder
		for i, c := range row {
			text := align(c.text, widths[i], g.headings[i].right)
			if colour && c.heat >= 0 {
				text = heated(text, c.heat)
			}
			line.WriteString("  " + text)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	for _, note := range g.notes {
		b.WriteString("\n  " + note + "\n")
	}
}

func align(text string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-displaywidth.String(text)))
	if right {
		return space + text
	}
	return text + space
}

// heated colours a text by a share of 0 to 1: the darker the more. The colours are
// those of the 256-colour palette from pale to deep blue, with a text that can be read
// on each.
func heated(text string, share float64) string {
	shades := [...]int{255, 195, 159, 117, 81, 39, 33, 27, 21, 19}
	i := min(int(min(max(share, 0), 1)*float64(len(shades))), len(shades)-1)
	ink := 16
	if i >= 6 {
		ink = 231
	}
	return fmt.Sprintf("\x1b[48;5;%dm\x1b[38;5;%dm%s\x1b[0m", shades[i], ink, text)
}
