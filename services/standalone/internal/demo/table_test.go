package demo

import (
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/clickhouse"
)

func TestTable(t *testing.T) {
	var b strings.Builder
	table(&b, []column{{"event", false}, {"persons", true}, {"", false}}, [][]string{
		{"Ostukorv 🛒", "1,234", bar(1, 4)}, {"خرید", "7", bar(0.4, 4)}, {"", "", ""},
	})
	want := `  event       persons
  ──────────  ───────
  Ostukorv 🛒    1,234  ████
  خرید              7  █▋

`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestNumbers(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(number(0), "0")
	f(number(999), "999")
	f(number(1000), "1,000")
	f(number(1234567), "1,234,567")
	f(number(-123), "-123")
	f(number(-123456), "-123,456")
	f(percent(1), "100.0 %")
	f(percent(0.0004), "0.0 %")
	f(percent(share(1, 3)), "33.3 %")
	f(percent(share(0, 0)), "0.0 %")
	f(duration(0.4), "0s")
	f(duration(59.4), "59s")
	f(duration(59.6), "1m 00s")
	f(duration(3599), "59m 59s")
	f(duration(3600), "1h 00m")
	f(duration(86399.9), "1d 00h")
	f(duration(190000), "2d 04h")
	f(bar(0, 8), "")
	f(bar(0.0001, 8), "▏")
	f(bar(0.5, 8), "████")
	f(bar(2, 3), "███")
	f(euros(5).String(), "0.05")
	f(euros(1490).String(), "14.90")
	f(label("page_view"), "page_view")
	f(label("سبد خرید 🛒"), "سبد خرید 🛒")
	f(label("a\x1b[31m\u202eb\n"), "a·[31m·b·")
	f(label(strings.Repeat("é", 28)), strings.Repeat("é", 28))
	f(label(strings.Repeat("é", 29)), strings.Repeat("é", 27)+"…")
	f(label("\xff"), "\ufffd")
	f(clickhouse.Literal(`a'b\`), `'a\'b\\'`)
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
