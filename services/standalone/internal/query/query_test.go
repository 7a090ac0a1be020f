package query

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	schema "touchline.dev/schemas/clickhouse"
)

func TestValue(t *testing.T) {
	for _, c := range []struct{ name, kind, text, want string }{
		{"steps", "Array(String)", `a,b c,d\,e\\`, `['a', 'b c', 'd,e\\']`},
		{"steps", "Array(String)", "", "[]"},
		{"steps", "Array(String)", "x'), (SELECT 1", `['x\')', ' (SELECT 1']`},
		{"brackets", "Array(UInt16)", "1,6", "[1, 6]"},
		{"window_seconds", "UInt64", "14d", "1209600"},
		{"window_seconds", "UInt64", "1d12h", "129600"},
		{"window_seconds", "UInt64", "3600", "3600"},
		{"window_seconds", "UInt64", "-1", "error"},
		{"window_seconds", "UInt64", "soon", "error"},
		{"window_seconds", "UInt64", "99999999999w", "error"},
		{"from", "DateTime64(3, 'UTC')", "30d", "now64(3, 'UTC') - INTERVAL 30 DAY"},
		{"from", "DateTime64(3, 'UTC')", "4w", "now64(3, 'UTC') - INTERVAL 28 DAY"},
		{"from", "DateTime64(3, 'UTC')", "1d1h", "now64(3, 'UTC') - INTERVAL 25 HOUR"},
		{"from", "DateTime64(3, 'UTC')", "now", "now64(3, 'UTC')"},
		{"from", "DateTime64(3, 'UTC')", "2026-10-01", "toDateTime64('2026-10-01 00:00:00.000', 3, 'UTC')"},
		{"from", "DateTime64(3, 'UTC')", "2026-10-01T08:30+02:00", "error"},
		{"from", "DateTime64(3, 'UTC')", "2026-10-01T08:30:00+02:00", "toDateTime64('2026-10-01 06:30:00.000', 3, 'UTC')"},
		{"from", "DateTime64(3, 'UTC')", "2026-02-30", "error"},
		{"from", "DateTime64(3, 'UTC')", "1066-10-14", "error"},
		{"from", "DateTime64(3, 'UTC')", "now() - 1", "error"},
		{"from", "Date", "30d", "today() - 30"},
		{"from", "Date", "5h", "error"},
		{"by", "Identifier", "country", "'country'"},
		{"by", "Identifier", "country; DROP", "error"},
		{"by", "Identifier", "Robert'); --", "error"},
		{"cumulative", "Bool", "true", "true"},
		{"cumulative", "Bool", "perhaps", "error"},
		{"top", "UInt16", "10", "10"},
		{"top", "UInt16", "1 OR 1", "error"},
		{"shift", "Int32", "-3", "-3"},
		{"share", "Float64", "0.5", "0.5"},
		{"share", "Float64", "NaN", "error"},
		{"project", "String", `it's \`, `'it\'s \\'`},
		{"odd", "Map(String, String)", "x", "error"},
	} {
		got, err := value(schema.Param{Name: c.name, Type: c.kind}, []string{c.text})
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%s %s %q: %s, want %s (%v)", c.name, c.kind, c.text, got, c.want, err)
		}
	}
	if _, err := value(schema.Param{Name: "top", Type: "UInt16"}, []string{"1", "2"}); err == nil {
		t.Error("a number that is given twice was taken")
	}
}

// FuzzValue: whatever is given becomes a literal, a number or one of our own phrases.
func FuzzValue(f *testing.F) {
	kinds := []string{"String", "Array(String)", "Identifier", "Bool", "UInt64", "Int64", "Float64", "Date", "DateTime64(3, 'UTC')"}
	for i, text := range []string{"a,b", "30d", "2026-10-01", "'", `\`, "x'); --", "1e9", "-5", "\x00\n"} {
		f.Add(text, i)
	}
	f.Fuzz(func(t *testing.T, text string, kind int) {
		if kind < 0 {
			kind = -(kind + 1)
		}
		sql, err := value(schema.Param{Name: "p", Type: kinds[kind%len(kinds)]}, []string{text})
		if err != nil {
			return
		}
		inside, escaped := false, false
		for _, r := range sql {
			switch {
			case escaped:
				escaped = false
			case inside && r == '\\':
				escaped = true
			case r == '\'':
				inside = !inside
			case !inside && !strings.ContainsRune("[](), .-+0123456789truefalsnow6day()INTERVLDAYHOUMSCKtoeTi64", r):
				t.Fatalf("%q becomes %s", text, sql)
			}
		}
		if inside {
			t.Fatalf("%q becomes %s", text, sql)
		}
	})
}

func testObjects() []schema.Object {
	param := func(names ...string) (params []schema.Param) {
		for _, n := range names {
			params = append(params, schema.Param{Name: n, Type: "String", Example: "'x'", Description: "about " + n})
		}
		return params
	}
	return []schema.Object{
		{Name: "funnel", Params: param("project", "window_seconds")},
		{Name: "funnel_actors", Params: param("project", "window_seconds", "by", "step")},
		{Name: "funnel_breakdown", Params: param("project", "window_seconds", "by")},
		{Name: "funnel_breakdown_default"},
		{Name: "funnel_trend", Params: param("project", "window_seconds", "granularity")},
		{Name: "drop_off_next", Params: param("project")},
		{Name: "metrics_daily", Params: param("project")},
		{Name: "metrics_daily_default"},
	}
}

func TestFamily(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"funnel", "--window 5", "funnel"},
		{"funnel", "--window=5 --by country", "funnel_breakdown"},
		{"funnel", "--by country --step 2", "funnel_actors"},
		{"funnel-breakdown", "", "funnel_breakdown"},
		{"drop-off", "", "drop_off_next"},
		{"drop_off", "--project x", "drop_off_next"},
		{"metrics", "", "metrics_daily"},
		{"metrics-daily-default", "", "metrics_daily_default"},
	} {
		f := NewFamily(c.name, testObjects())
		given, rest, err := f.Take(append(strings.Fields(c.args), "--dir", "d"))
		if err != nil || !slices.Equal(rest, []string{"--dir", "d"}) {
			t.Errorf("%s %s: rest %q, %v", c.name, c.args, rest, err)
		}
		o, err := f.Choose(given)
		if err != nil || o.Name != c.want {
			t.Errorf("%s %s: %s, want %s; %v", c.name, c.args, o.Name, c.want, err)
		}
	}
	if !NewFamily("fun", testObjects()).Empty() {
		t.Error("the beginning of a word names a family")
	}
	f := NewFamily("funnel", testObjects())
	if _, _, err := f.Take([]string{"--by"}); err == nil {
		t.Error("a flag without its value was taken")
	}
	if _, err := f.Choose(Given{"by": {"country"}, "granularity": {"day"}, "window_seconds": {"1"}}); err == nil ||
		err.Error() != "no view takes these flags together: --by is of funnel_breakdown, funnel_actors; --granularity is of funnel_trend" {
		t.Errorf("error %v", err)
	}
}

// TestObjects: every parameter of every view has a flag of its own, a type that the
// command line knows, and a default or a reason to ask for it.
func TestObjects(t *testing.T) {
	objects, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	taken := []string{"dir", "clickhouse", "format", "sql", "limit", "color", "config", "help", "version", "check-config", "print-config"}
	for _, o := range objects {
		flags := map[string]bool{}
		for _, p := range o.Params {
			flag := flagOf(p.Name)
			if flags[flag] || slices.Contains(taken, flag) {
				t.Errorf("%s: the flag --%s has two meanings", o.Name, flag)
			}
			flags[flag] = true
			works := false
			for _, text := range []string{"1", "country", "true", "2026-01-01", "a"} {
				_, err := value(p, []string{text})
				works = works || err == nil
			}
			if !works {
				t.Errorf("%s: --%s is of type %s, which takes no value", o.Name, flag, p.Type)
			}
		}
	}
}

func TestWrite_table(t *testing.T) {
	r := Result{
		Columns: []Column{{"project", "String"}, {"step", "Int64"}, {"event", "String"}, {"persons", "Int64"}, {"conversion_total", "Float64"}, {"median_seconds", "Float64"}, {"revenue", "Decimal(18, 4)"}, {"complete", "Bool"}},
		Rows: [][]any{
			{"demo", int64(1), "page_view", int64(12345), 1.0, 0.0, decimal.New(125000, -4), true},
			{"demo", int64(2), "Ostukorv 🛒", int64(1234), 0.1, 75.0, decimal.New(0, -4), false},
			{"demo", int64(3), "سبد خرید", int64(70), 0.0057, 190000.0, nil, false},
			{"demo", int64(4), "カート e\u0301\x1b[2J|", int64(7), 0.0, 0.4, nil, false},
		},
	}
	const want = `                                conversion   median
  step  event          persons       total  seconds  revenue  complete
  ────  ─────────────  ───────  ──────────  ───────  ───────  ────────
     1  page_view       12,345     100.0 %              12.5  yes       ████████████████
     2  Ostukorv 🛒      1,234      10.0 %   1m 15s        0  no        █▋
     3  سبد خرید` + "\u200e" + `            70       0.6 %   2d 04h           no        ▏
     4  カート e` + "\u0301" + `·[2J|        7       0.0 %       0s           no
`
	const narrow = `                                conversion
  step  event          persons       total
  ────  ─────────────  ───────  ──────────
     1  page_view       12,345     100.0 %
     2  Ostukorv 🛒      1,234      10.0 %
     3  سبد خرید` + "\u200e" + `            70       0.6 %
     4  カート e` + "\u0301" + `·[2J|        7       0.0 %

  left out to fit 50 columns: median seconds, revenue, complete; --columns a,b chooses, --format csv has all
`
	write(t, r, Output{Format: Table}, want)
	write(t, r, Output{Format: Table, Width: 50}, narrow)
	write(t, Result{Columns: r.Columns[1:3], Rows: r.Rows[:0]}, Output{Format: Table}, "  step  event\n  ────  ─────\n\n  no rows\n")
	write(t, Result{Columns: r.Columns[:4], Rows: [][]any{{"a|b", int64(1), "<b>*x*", int64(5)}}}, Output{Format: Markdown},
		"| project | step | event | persons |\n| --- | ---: | --- | ---: |\n| a\\|b | 1 | &lt;b>\\*x\\* | 5 |\n")
	write(t, Result{Columns: r.Columns[:4], Rows: [][]any{{"a\"b", int64(1234), "x\x1b,y", nil}}}, Output{Format: CSV},
		"project,step,event,persons\n\"a\"\"b\",1234,\"x\x1b,y\",\n")
	write(t, Result{Columns: r.Columns[:3], Rows: [][]any{{"a", int64(1), "x\x1b"}}}, Output{Format: CSV, Terminal: true}, "project,step,event\na,1,x·\n")
	write(t, Result{Columns: r.Columns, Rows: r.Rows[1:2]}, Output{Format: JSON},
		`{"project":"demo","step":2,"event":"Ostukorv 🛒","persons":1234,"conversion_total":0.1,"median_seconds":75,"revenue":0,"complete":false}`+"\n")
}

func write(t *testing.T, r Result, o Output, want string) {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b, o); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("%s: got\n%s\nwant\n%s", o.Format, b.String(), want)
	}
}

func TestWrite_retention(t *testing.T) {
	day := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	r := Result{Columns: []Column{{"project", "String"}, {"cohort_date", "Date"}, {"cohort", "Int64"}, {"period", "Int64"}, {"persons", "Int64"}, {"cohort_size", "Int64"}, {"complete", "Bool"}}}
	for i, cells := range [][]int64{{200, 50, 0}, {100, 30, 0}, {0, 0, 0}} {
		for k, n := range cells {
			r.Rows = append(r.Rows, []any{"demo", day.AddDate(0, 0, 7*i), int64(i), int64(k), n, cells[0], i+k < 2})
		}
	}
	write(t, r, Output{Format: Table}, `  cohort      persons        0        1
  ──────────  ───────  ────────  ───────
  2026-10-05      200  100.0 %   25.0 %
  2026-10-12      100  100.0 %   30.0 %*

  * has not ended: these may still grow
`)
	var b strings.Builder
	if err := r.Write(&b, Output{Format: Table, Colour: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\x1b[48;5;19m\x1b[38;5;231m100.0 % \x1b[0m") || strings.Count(b.String(), "\x1b[0m") != 4 {
		t.Errorf("colours: %q", b.String())
	}
}

// Cohorts of an hour share dates; sums are a table of their own.
func TestWrite_retentionByTheHourWithSums(t *testing.T) {
	day := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	r := Result{Columns: []Column{{"value", "String"}, {"cohort_time", "DateTime64(3, 'UTC')"}, {"cohort_date", "Date"}, {"cohort", "Int64"}, {"period", "Int64"}, {"persons", "Int64"},
		{"cohort_size", "Int64"}, {"complete", "Bool"}, {"rate", "Nullable(Float64)"}, {"value_sum", "Decimal(18, 4)"}, {"value_per_person", "Float64"}}}
	for i := range int64(2) {
		for k := range int64(2) {
			r.Rows = append(r.Rows, []any{"tea", day.Add(time.Duration(i) * time.Hour), day, i, k, 4 - 2*k, int64(4), i+k < 2, 0.5, decimal.New(125000*k, -4), 1.0})
		}
	}
	write(t, r, Output{Format: Table}, `  value: tea

  cohort            persons        0        1
  ────────────────  ───────  ────────  ───────
  2026-10-05 00:00        4  100.0 %   50.0 %
  2026-10-05 01:00        4  100.0 %   50.0 %*

  * has not ended: these may still grow

  value: tea, value sum

  cohort            persons  0      1
  ────────────────  ───────  ──  ─────
  2026-10-05 00:00        4  0   12.5
  2026-10-05 01:00        4  0   12.5*

  * has not ended: these may still grow
`)
}

func TestCells(t *testing.T) {
	for _, c := range []struct {
		name, kind string
		value      any
		want       string
	}{
		{"day", "Date", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), "2026-01-02"},
		{"value", "Float64", 1234567.891, "1,234,567.89"},
		{"value", "Float64", 5.0, "5"},
		{"value", "Float64", -0.123456, "-0.123"},
		{"value", "Float64", 1e18, "1e+18"},
		{"rate", "Nullable(Float64)", 0.25, "25.0 %"},
		{"change", "Nullable(Float64)", 3.59677, "359.7 %"},
		{"to_seconds", "Nullable(Int64)", int64(3600), "1h 00m"},
		{"to_seconds", "Nullable(Int64)", nil, ""},
		{"avg_seconds", "Float64", math.NaN(), ""},
	} {
		if got := (Column{c.name, c.kind}).pretty(c.value); got != c.want {
			t.Errorf("%s %s %v: %q, want %q", c.name, c.kind, c.value, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	var names Names
	for _, text := range []string{"", "a", `it's\, odd,b\\,`} {
		if err := names.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if again, err := names.MarshalText(); err != nil || string(again) != text {
			t.Errorf("%q becomes %q: %q, %v", text, names, again, err)
		}
	}
	if want := (Names{"it's, odd", `b\`, ""}); !slices.Equal(names, want) {
		t.Errorf("read %q, want %q", names, want)
	}
}

func TestNobody(t *testing.T) {
	funnel := Result{Columns: []Column{{"breakdown", "String"}, {"step", "Int64"}, {"persons", "Int64"}}}
	row := func(step, persons int64) { funnel.Rows = append(funnel.Rows, []any{"x", step, persons}) }
	if !funnel.Nobody() {
		t.Error("no rows, but somebody")
	}
	row(1, 5)
	row(2, 0)
	if !funnel.Nobody() {
		t.Error("step 2 has nobody")
	}
	row(1, 0)
	row(2, 1)
	if funnel.Nobody() {
		t.Error("each step has somebody")
	}
	if r := (Result{Columns: []Column{{"persons", "Int64"}}, Rows: [][]any{{int64(0)}, {int64(1)}}}); r.Nobody() {
		t.Error("a row has somebody")
	}
}

// A terminal gets no control characters in any format; JSON says which they are.
func TestWrite_terminal(t *testing.T) {
	r := Result{Columns: []Column{{"event", "String"}}, Rows: [][]any{{"a\x1b\u009b\u202e\U000e0001é🛒"}}}
	write(t, r, Output{Format: JSON, Terminal: true}, `{"event":"a\u001b\u009b\u202e\udb40\udc01é🛒"}`+"\n")
	write(t, r, Output{Format: Markdown}, "| event |\n| --- |\n| a····é🛒 |\n")
	write(t, r, Output{Format: Table}, "  event\n  ────────\n  a····é🛒\n")
}
