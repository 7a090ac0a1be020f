package definition

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

// TestParse_refuses names the key and the line of what has no meaning.
func TestParse_refuses(t *testing.T) {
	const steps = "funnel:\n  steps:\n  - event: a\n  - event: b\n"
	for _, c := range []struct{ yaml, want string }{
		{"", "funnel.steps: want funnel, with steps, or retention"},
		{"funnel: {window: 3d}", "funnel.steps: want 1 or more"},
		{"funnel: {stps: [{event: a}]}", "f.yaml:1: funnel.stps: unknown key, did you mean steps?"},
		{steps + "  - evnt: c\n", "f.yaml:5: funnel.steps[2].evnt: unknown key"},
		{steps + "  - {}\n", "f.yaml:5: funnel.steps[2].event: want the name of an event, or any: true"},
		{steps + "  - {event: c, any: true}\n", "f.yaml:5: funnel.steps[2].any: want event or any, not both"},
		{steps + "  - event: c\n    where:\n    - {column: colour, is: =, value: red}\n", "f.yaml:7: funnel.steps[2].where[0].column: there is no column \"colour\""},
		{steps + "  - event: c\n    where:\n    - {column: country, is: like, value: D}\n", "f.yaml:7: funnel.steps[2].where[0].is: want one of =, !=,"},
		{steps + "  - event: c\n    where:\n    - {column: revenue, is: '>', value: '1) OR (1'}\n", "funnel.steps[2].where[0].value: want a number"},
		{steps + "  - event: c\n    where:\n    - {property: n, is: '<', value: 1e400}\n", "funnel.steps[2].where[0].value: want a number"},
		{steps + "  - event: c\n    where:\n    - {property: n, is: in, value: x}\n", "funnel.steps[2].where[0].values: want values"},
		{steps + "  - event: c\n    where:\n    - {property: n, is: is set, value: x}\n", "is set takes no value"},
		{steps + "  - event: c\n    where:\n    - {property: n, column: country, is: =, value: x}\n", "want a column or a property, not both"},
		{steps + "  window: 0s\n", "f.yaml:5: funnel.window: want whole seconds from 1s to 366d, got 0s"},
		{steps + "  window: 400d\n", "funnel.window: want whole seconds"},
		{steps + "  window: 1500ms\n", "funnel.window: want whole seconds"},
		{steps + "  mode: backwards\n", "f.yaml:5: funnel.mode: want one of [ordered strict unordered], got \"backwards\""},
		{steps + "  count: everything\n", "funnel.count: want one of"},
		{steps + "  mode: unordered\n  count: totals\n", "funnel.count: totals have no meaning in any order"},
		{steps + "  from: next week\n", "funnel.from: want a time such as 30d (ago)"},
		{steps + "  from: \"2026-01-01' OR 1\"\n", "funnel.from: want a time such as 30d (ago)"},
		{steps + "  from: 2026-03-01\n  to: 2026-02-01\n", "funnel.from: want a time before to"},
		{steps + "  from: 10d\n  to: 20d\n", "funnel.from: want a time before to"},
		{steps + "  project: ''\n", "funnel.project: want the id of a project"},
		{steps + "  exclude: [{event: a}]\n", "f.yaml:5: funnel.exclude[0]: is the same as a step"},
		{steps + "  exclude: [{event: x, after: 2}]\n", "funnel.exclude[0].before: want a step after 2 and up to 2, got 2"},
		{steps + "  exclude: [{event: x, before: 3}]\n", "funnel.exclude[0].before: want a step after 1 and up to 2, got 3"},
		{steps + "  exclude: [{event: x, after: -1}]\n", "funnel.exclude[0].after: want a step from 1 to 2, got -1"},
		{"funnel:\n  mode: unordered\n  steps: [{event: a}, {event: b}, {event: c}]\n  exclude: [{event: x, before: 2}]\n", "in any order an exclusion holds for all steps"},
		{"funnel:\n  steps:\n  - {event: a, optional: true}\n  - event: b\n", "f.yaml:3: funnel.steps[0].optional: the first step cannot be optional"},
		{"funnel:\n  mode: unordered\n  steps:\n  - event: a\n  - {event: b, optional: true}\n", "in any order no step can be optional"},
		{"funnel:\n  steps: [{event: a, first: last}]\n", "funnel.steps[0].first: want one of"},
		{steps + "  by: [{column: country}, {column: os}, {column: city}]\n", "funnel.by: want at most 2"},
		{steps + "  by: [{column: country}, {column: country}]\n", "funnel.by[1]: is given twice"},
		{steps + "  by: [{column: properties}]\n", "funnel.by[0].column: there is no column"},
		{steps + "  by: [{column: country}]\n  attribution: step\n  attribution_step: 3\n", "funnel.attribution_step: want 1 to 2, got 3"},
		{steps + "  by: [{column: country}]\n  mode: unordered\n  attribution: step\n  attribution_step: 2\n", "funnel.attribution_step: in any order only 1 has a meaning"},
		{steps + "  attribution: step\n", "funnel.attribution: want by"},
		{steps + "  top: 0\n", "funnel.top: want 1 to 1000, got 0"},
		{"funnel: {steps: [" + strings.Repeat("{event: a},", 200) + "{event: a}]}", "funnel.steps: want 1 to 20"},
		{steps + "retention: {start: {event: a}, return: {any: true}}\n", "retention: want a funnel or a retention table, not both"},
		{"retention: {return: {any: true}}", "retention.start.event: want the name of an event"},
		{"retention: {start: {event: a}, return: {any: true}, rolling: true, cumulative: true}", "retention.rolling: cannot be cumulative"},
		{"retention: {start: {event: a}, return: {any: true}, rolling: true, brackets: [1, 2]}", "retention.rolling: cannot have brackets"},
		{"retention: {start: {event: a}, return: {any: true}, cumulative: true, sum: {revenue: true}}", "retention.cumulative: cannot add up"},
		{"retention: {start: {event: a}, return: {any: true}, brackets: [0]}", "retention.brackets: want fewer than 1000 widths"},
		{"retention: {start: {event: a}, return: {any: true}, cohorts: 0}", "retention.cohorts: want 1 to 1000, got 0"},
		{"retention: {start: {event: a}, return: {any: true}, granularity: year}", "retention.granularity: want one of [hour day week month]"},
		{"retention: {start: {event: a}, return: {any: true}, mode: sometimes}", "retention.mode: want one of"},
		{"retention: {start: {event: a}, return: {any: true}, min_occurrences: 0}", "retention.min_occurrences: want 1 to 1000"},
		{"retention: {start: {event: a}, return: {any: true}, per_person: true}", "retention.per_person: want by"},
	} {
		_, err := Parse("f.yaml", []byte(c.yaml))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\nerror %v\nwant  %s", c.yaml, err, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	d, err := Parse("f.yaml", []byte(`
funnel:
  project: demo
  window: 7d
  steps:
  - event: page_view
    where: [{column: url_path, is: starts with, value: /pricing}]
    name: Pricing page
  - event: sign_up
    where: [{property: plan, is: in, values: [pro, "team's"]}]
  exclude:
  - event: refund
  by: [{column: country}, {property: plan}]
`))
	if err != nil {
		t.Fatal(err)
	}
	sql := d.SQL()
	for _, want := range []string{
		`['Pricing page', 'sign_up']`, `e.event IN ('page_view', 'sign_up', 'refund')`, `startsWith(e.url_path, '/pricing')`,
		`IN ('pro', 'team\'s')`, `e.project = 'demo'`, `INTERVAL 604800 SECOND`, `now64(3, 'UTC') - INTERVAL 30 DAY`,
	} {
		if !strings.Contains(sql, want) {
			t.Errorf("the SQL lacks %s:\n%s", want, sql)
		}
	}
	if d.Summary() != "ordered funnel of Pricing page, sign_up" || strings.Contains(sql, "{") {
		t.Errorf("summary %q", d.Summary())
	}
}

// hostile are texts that try to end the literal that they stand in.
func hostile() []string {
	return []string{
		`'`, `\`, `\'`, `''`, `' OR 1=1 --`, `'); DROP TABLE touchline.touchpoints; --`, "a\nb", "a\r\n--x", "nul\x00byte", "tab\t", `\n`, `\\'`, `\x27`, `{project:String}`,
		"${user}", "/*", "*/", "`", `"`, "\xff\xfe", "\xbf'", "\u2028", "🎉'", "%s%d", "'||char(39)||'", strings.Repeat(`\`, 99) + "'",
	}
}

// TestLiteral has ClickHouse read literals back.
func TestLiteral(t *testing.T) {
	conn := clickhousetest.Conn(t)
	for _, text := range hostile() {
		var back string
		if err := conn.QueryRow(t.Context(), "SELECT hex("+clickhouse.Literal(text)+")").Scan(&back); err != nil {
			t.Errorf("%q: %v", text, err)
		} else if want := strings.ToUpper(hexOf(text)); back != want {
			t.Errorf("%q: read back as %s, want %s", text, back, want)
		}
	}
}

func hexOf(text string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(text) {
		b.WriteByte(digits[text[i]>>4])
		b.WriteByte(digits[text[i]&15])
	}
	return b.String()
}

// closes reports where the literal that text begins with ends.
func closes(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\'':
			return i
		}
	}
	return -1
}

// FuzzLiteral: whatever the text, it ends where it should and is on one line.
func FuzzLiteral(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := clickhouse.Literal(text)
		if closes(l) != len(l)-1 || strings.ContainsAny(l, "\n\r\x00") {
			t.Errorf("%q becomes %s", text, l)
		}
	})
}

// FuzzParse: a definition is refused or rendered, and never renders a text that is not
// inside a literal.
func FuzzParse(f *testing.F) {
	f.Add([]byte("funnel:\n  steps:\n  - event: page_view\n    where: [{column: url_path, is: contains, value: \"x'\"}]\n  - {any: true, optional: true}\n"))
	f.Add([]byte("funnel: {mode: unordered, steps: [{event: a}, {event: b}], exclude: [{event: c}], hold: [{property: \"a'b\"}], by: [{column: os}]}"))
	f.Add([]byte("retention: {start: {event: a}, return: {any: true}, brackets: [1, 6], by: [{property: \"x\\\\\"}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse("f.yaml", data)
		if err != nil {
			return
		}
		sql := d.SQL()
		if !utf8.ValidString(sql) || d.Summary() == "" || len(d.Columns()) == 0 {
			t.Errorf("renders %q", sql)
		}
		// Outside of literals there is nothing but our own words: no other quotes,
		// no comments but ours, no end of the statement.
		outside := withoutLiterals(sql)
		if strings.ContainsAny(outside, "\\`\";{}") || !strings.HasPrefix(outside, "SELECT") {
			t.Errorf("outside of literals: %s", outside)
		}
	})
}

func withoutLiterals(sql string) string {
	var b strings.Builder
	for len(sql) > 0 {
		// An apostrophe in one of our comments is none.
		if strings.HasPrefix(sql, "--") {
			end := strings.IndexByte(sql, '\n')
			sql = sql[max(end, 0):]
			continue
		}
		if sql[0] == '\'' {
			end := closes(sql)
			if end < 0 {
				return b.String() + "\\ unclosed"
			}
			sql = sql[end+1:]
			continue
		}
		b.WriteByte(sql[0])
		sql = sql[1:]
	}
	return b.String()
}

// TestClickHouse has the server take what a definition may say.
func TestClickHouse(t *testing.T) {
	w := oracle.New(t)
	t.Run("columns", func(t *testing.T) { everyColumn(t, w) })
	t.Run("hostile texts", func(t *testing.T) { hostileTexts(t, w) })
}

// hostileTexts puts texts that try to end their literals in every place of a definition.
func hostileTexts(t *testing.T, w *oracle.World) {
	for texts := range slices.Chunk(hostile(), 6) {
		d, r := Default(), Default()
		for _, text := range texts {
			where := []Filter{{Property: text, Is: opEqual, Value: text}, {Column: "url_path", Is: opIn, Values: []string{text}}, {Column: "country", Is: opContains, Value: text}}
			d.Funnel.Steps = append(d.Funnel.Steps, Step{Event: text, Where: where, Name: text})
			d.Funnel.Hold, d.Funnel.By = []Value{{Property: text}}, []Value{{Property: text}}
			r.Retention.Start, r.Retention.Return = Event{Event: text, Where: where}, Event{Event: text, Where: where}
			r.Retention.By, r.Retention.Sum = []Value{{Property: text}}, Sum{Property: text}
		}
		d.Funnel.Exclude = []Exclusion{{Event: texts[0] + "x", Where: d.Funnel.Steps[0].Where}}
		for _, def := range []Definition{d, r} {
			rows, err := oracle.Ask(t, w.BI, (probe{t, w}).ask(def))
			if err != nil || len(rows) > 0 {
				t.Errorf("%q: an empty database gives %v, %v", texts, rows, err)
			}
		}
	}
}

// everyColumn holds the closed list against the view.
func everyColumn(t *testing.T, w *oracle.World) {
	for _, c := range columns() {
		var kind string
		if err := w.Writer.QueryRow(t.Context(), "SELECT type FROM system.columns WHERE database = 'touchline' AND table = 'events' AND name = "+clickhouse.Literal(c)).Scan(&kind); err != nil {
			t.Errorf("%s: %v", c, err)
		} else if kind != "String" && kind != "LowCardinality(String)" {
			t.Errorf("%s is of type %s", c, kind)
		}
	}
}
