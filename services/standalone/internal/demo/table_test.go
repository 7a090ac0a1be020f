package demo

import (
	"strings"
	"testing"
	"time"

	"touchline.dev/services/standalone/internal/terminal"
)

func TestTexts(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(terminal.Percent(share(1, 3)), "33.3 %")
	f(terminal.Percent(share(0, 0)), "0.0 %")
	f(euros(5).String(), "0.05")
	f(euros(1490).String(), "14.90")
	f(label("page_view"), "page_view")
	f(label("سبد خرید 🛒"), "سبد خرید 🛒\u200e")
	f(label("a\x1b[31m\u202eb\n"), "a·[31m·b·")
	f(label(strings.Repeat("é", 28)), strings.Repeat("é", 28))
	f(label(strings.Repeat("é", 29)), strings.Repeat("é", 27)+"…")
}

func TestRetentionTable(t *testing.T) {
	monday := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	now := monday.AddDate(0, 0, 8)
	var b strings.Builder
	retentionTable(&b, []retentionRow{
		{monday, 0, 0, 1200, 1200, true},
		{monday, 0, 1, 300, 1200, false},
		{monday.AddDate(0, 0, 7), 1, 0, 0, 0, false},
		{monday.AddDate(0, 0, 7), 1, 1, 0, 0, false},
	}, now)
	want := `  first visit         persons   week 0   week 1
  ──────────────────  ───────  ────────  ───────
  week of 2026-10-05    1,200  100.0 %   25.0 %*
  week of 2026-10-12        0    0.0 %*

  * the week is not over: these may still grow
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestNextTable(t *testing.T) {
	rows := []nextRow{{"page_view", 50, 12}, {"(nothing)", 20, 0}}
	for range maxNext {
		rows = append(rows, nextRow{"\x1b[2J", 1, 90})
	}
	var b strings.Builder
	nextTable(&b, rows)
	want := `  next event          persons   share  median
  ──────────────────  ───────  ──────  ──────
  page_view                50  64.1 %     12s  ███████████████▍
  (nothing)                20  25.6 %          ██████▏
` + strings.Repeat("  ·[2J                      1   1.3 %  1m 30s  ▎\n", maxNext-2) +
		"  (2 further events)        2   2.6 %          ▋\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
