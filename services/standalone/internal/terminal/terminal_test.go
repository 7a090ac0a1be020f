package terminal_test

import (
	"slices"
	"strings"
	"testing"

	"touchline.dev/services/standalone/internal/terminal"
)

func TestNumbersAndTexts(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(terminal.Number(0), "0")
	f(terminal.Number(999), "999")
	f(terminal.Number(1000), "1,000")
	f(terminal.Number(-123), "-123")
	f(terminal.Number(-1234567), "-1,234,567")
	f(terminal.Percent(1), "100.0 %")
	f(terminal.Percent(0.0004), "0.0 %")
	f(terminal.Duration(0.4), "0s")
	f(terminal.Duration(59.4), "59s")
	f(terminal.Duration(59.6), "1m 00s")
	f(terminal.Duration(3599), "59m 59s")
	f(terminal.Duration(3600), "1h 00m")
	f(terminal.Duration(86399.9), "1d 00h")
	f(terminal.Duration(190000), "2d 04h")
	f(terminal.Duration(-90), "-1m 30s")
	f(terminal.Duration(1e15), "11574074074d")
	f(terminal.Bar(0, 8), "")
	f(terminal.Bar(0.0001, 8), "▏")
	f(terminal.Bar(0.5, 8), "████")
	f(terminal.Bar(2, 3), "███")
	f(terminal.Bar(-1, 8), "")
	f(terminal.Printable("a\x1b[31m\u202eb\n\xff\u200d👨\u200d👩"), "a·[31m·b·\ufffd\u200d👨\u200d👩")
	f(terminal.Fit(strings.Repeat("カ", 30), 48), strings.Repeat("カ", 23)+"…")
	f(terminal.Fit("سبد خرید 🛒", 48), "سبد خرید 🛒\u200e")
}

func sample() terminal.Table {
	return terminal.Table{
		Columns: []terminal.Column{{Title: "event"}, {Title: "persons", Right: true}, {Title: "conversion total", Right: true, Rank: 1}, {Rank: 2}},
		Rows: [][]terminal.Cell{
			append(terminal.Texts("Ostukorv 🛒", "1,234"), terminal.Cell{Text: "100.0 %", Shade: terminal.Heat(1)}, terminal.Cell{Text: "████"}),
			nil,
			terminal.Texts("خرید", "7", "0.6 %", "▏"),
		},
		Notes: []string{"a note"},
	}
}

func TestTable(t *testing.T) {
	for _, c := range []struct {
		lines, width int
		left         []string
		want         string
	}{
		{1, 0, nil, `
  event        persons  conversion total
  ───────────  ───────  ────────────────
  Ostukorv 🛒    1,234           100.0 %  ████

  خرید               7             0.6 %  ▏

  a note
`},
		{2, 0, nil, `
                        conversion
  event        persons       total
  ───────────  ───────  ──────────
  Ostukorv 🛒    1,234     100.0 %  ████

  خرید               7       0.6 %  ▏

  a note
`},
		{2, 35, nil, `
                        conversion
  event        persons       total
  ───────────  ───────  ──────────
  Ostukorv 🛒    1,234     100.0 %

  خرید               7       0.6 %

  a note
`},
		{2, 10, []string{"conversion total"}, `
  event        persons
  ───────────  ───────
  Ostukorv 🛒    1,234

  خرید               7

  a note
`},
	} {
		table := sample()
		table.TitleLines = c.lines
		var b strings.Builder
		left := table.Write(&b, terminal.Style{Width: c.width})
		if got := "\n" + b.String(); got != c.want || !slices.Equal(left, c.left) {
			t.Errorf("%d lines, width %d: left out %q, got%s\nwant%s", c.lines, c.width, left, got, c.want)
		}
	}
}

func TestTable_colours(t *testing.T) {
	var b strings.Builder
	sample().Write(&b, terminal.Style{Colour: true})
	if got := b.String(); strings.Count(got, "\x1b[0m") != 1 || !strings.Contains(got, "\x1b[48;5;19m\x1b[38;5;231m         100.0 %\x1b[0m") {
		t.Errorf("colours: %q", got)
	}
	if a, b := terminal.Heat(-1), terminal.Heat(7); a != terminal.Heat(0) || b != terminal.Heat(1) || a == 0 {
		t.Errorf("Heat of shares outside of 0 to 1: %d, %d", a, b)
	}
}
