package demo

import (
	"strings"

	"touchline.dev/services/standalone/internal/terminal"
)

// width is the longest line of a report, in characters.
const width = 100

// table writes rows of texts under their titles.
func table(b *strings.Builder, columns []terminal.Column, rows [][]string) {
	t := terminal.Table{Columns: columns}
	for _, row := range rows {
		t.Rows = append(t.Rows, terminal.Texts(row...))
	}
	t.Write(b, terminal.Style{})
}

// share is part of whole, 0 of nothing.
func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// label makes a name that a client chose fit for a table.
func label(s string) string {
	const most = 28
	return terminal.Fit(terminal.Printable(s), most)
}
