package query_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/standalone"
	"touchline.dev/services/standalone/internal/query"
)

func TestMain(m *testing.M) { oracle.Main(m) }

// shop is a ClickHouse with a few events, and the program's way to it.
type shop struct{ w *oracle.World }

func newShop(t *testing.T) shop {
	t.Helper()
	w := oracle.New(t)
	at := oracle.Start.UnixMilli()
	event := func(person uint64, name string, after int64) analytics.Event {
		return analytics.Event{Person: person, Name: name, Type: "track", Time: at + after, Day: int32(at / 86_400_000), Offset: person*100 + uint64(after/1000), Country: "DE"}
	}
	w.Load(t, rand.New(rand.NewPCG(1, 1)), []oracle.Project{{Name: "demo", Stream: analytics.Stream{Events: []analytics.Event{
		event(1, "page_view", 0), event(1, "it's, odd", 20_000), event(1, "purchase", 60_000), event(2, "page_view", 0), event(2, "refund", 1000), event(2, "purchase", 2000),
	}}}})
	return shop{w}
}

// run runs the program as an account of the server.
func (s shop) run(t *testing.T, writer bool, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	user := s.w.Server.BI
	service := "TOUCHLINE_QUERY"
	if args[0] == "funnel" {
		service = "TOUCHLINE_FUNNEL"
	}
	if writer {
		user = s.w.Server.Writer
	}
	env := []string{service + "_CLICKHOUSE_URL=" + s.w.Server.URL, service + "_CLICKHOUSE_USER=" + user.User, service + "_CLICKHOUSE_PASSWORD=" + user.Password}
	var out, errs bytes.Buffer
	code = standalone.Main(t.Context(), args, env, &out, &errs)
	return code, out.String(), errs.String()
}

func (s shop) want(t *testing.T, writer bool, code int, says string, args ...string) string {
	t.Helper()
	got, out, errs := s.run(t, writer, args...)
	if got != code || !strings.Contains(out+errs, says) {
		t.Errorf("touchline %q: exit %d, want %d; said\n%s%s\nwant %s", args, got, code, out, errs, says)
	}
	return out
}

func TestQuery(t *testing.T) {
	s := newShop(t)
	times := []string{"--from", "2026-02-24", "--to", "2026-02-27", "--window", "1h"}
	out := s.want(t, false, 0, "purchase", append([]string{"query", "funnel", "--project", "demo", "--steps", `page_view,it's\, odd,purchase`, "--format", "csv"}, times...)...)
	if !strings.Contains(out, "it's, odd") || strings.Count(out, "\n") != 4 {
		t.Errorf("printed %s", out)
	}
	sql := s.want(t, false, 0, `steps = ['page_view', 'it\'s, odd']`, append([]string{"query", "funnel", "--steps", `page_view,it's\, odd`, "--sql"}, times...)...)
	rows, err := oracle.Ask(t, s.w.BI, strings.TrimSuffix(strings.TrimSpace(sql), ";"))
	if err != nil || len(rows) == 0 {
		t.Errorf("the printed statement gives %v, %v", rows, err)
	}
	s.want(t, false, 0, "retention", "query", "list")
}

func TestQuery_answersAWrongCall(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"query"}, 2, "touchline query list shows what there is to ask"},
		{[]string{"query", "funnel"}, 2, "--steps: is needed: "},
		{[]string{"query", "funnel", "--stps", "a"}, 2, "unknown flag --stps"},
		{[]string{"query", "funnel", "--steps", "a", "--window", "soon"}, 2, `--window: want a time such as 30m`},
		{[]string{"query", "funnel", "--steps", "a", "--from", "never"}, 2, `--from: want a time such as 30d`},
		{[]string{"query", "funnel", "--steps", "a", "--format", "xml"}, 2, "want table, csv, json or md"},
		{[]string{"query", "funnel", "--steps", "a", "--limit", "-1"}, 2, "want 0 or more"},
		{[]string{"query", "nothing here"}, 2, "want the name of a view"},
		{[]string{"query", "nothing_here"}, 1, "there is no such view in this database"},
		{[]string{"query", "funnel", "--steps", ""}, 1, "--steps: want 1 to 10 events"},
		{[]string{"query", "funnel", "--steps", "a", "--window", "0"}, 1, "--window: want 1 to 31622400 seconds"},
		{[]string{"query", "funnel", "--steps", "a", "--from", "1d", "--to", "2d"}, 1, "--from: want a time before to"},
		{[]string{"query", "funnel", "--steps", "a", "--by", "colour"}, 1, "there is no column colour"},
		{[]string{"query", "funnel", "--steps", "a", "--by", "x'; DROP TABLE y"}, 2, "--by: want the name of a column"},
		{[]string{"query", "funnel", "--steps", "a", "--columns", "step,what"}, 2, `funnel has no column "what"; it has project, step,`},
		{[]string{"query", "saved_one", "--columns", "step); DROP"}, 2, "--columns: want names of columns"},
		{[]string{"query", "funnel", "--steps", "a", "--project", "demo"}, 0, `there is no event "a" in what was asked`},
		{[]string{"query", "timeline", "--person-id", "0000000000000000"}, 0, "no rows"},
		{[]string{"query", "timeline", "--person-id", "0"}, 1, "--person-id: want 16 hex digits"},
		{[]string{"query", "funnel", "--steps", "a", "--clickhouse.url", "http://127.0.0.1:1"}, 1, "ClickHouse is unreachable at http://127.0.0.1:1; --dir names"},
		{[]string{"query", "funnel", "--steps", "a", "--clickhouse.user", "nobody"}, 1, "user or password is wrong"},
		{[]string{"query", "funnel", "--help"}, 0, "--window"},
		{[]string{"query", "--help"}, 0, "retention"},
	} {
		s.want(t, false, c.code, c.says, c.args...)
	}
}

func TestFunnel_isSavedListedShownAndDropped(t *testing.T) {
	s := newShop(t)
	file := filepath.Join(t.TempDir(), "f.yaml")
	text := "funnel:\n  project: demo\n  from: 2026-02-24\n  to: 2026-02-27\n  steps:\n  - event: page_view\n  - event: purchase\n    where: [{column: country, is: in, values: [DE, \"it's\"]}]\n  exclude: [{event: refund}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.want(t, true, 0, "saved: SELECT * FROM analytics.no_refund", "funnel", "save", "no_refund", "--file", file, "--summary", "Purchases, it's said, without refunds")
	s.want(t, true, 0, "no_refund  Purchases, it's said, without refunds", "funnel", "list")
	s.want(t, true, 0, "country IN", "funnel", "show", "no_refund", "--sql")

	// It outlives a migration that makes every view anew.
	account := clickhouse.Account{User: s.w.Server.Writer.User, Password: s.w.Server.Writer.Password}
	if err := s.w.Writer.Exec(t.Context(), "DELETE FROM touchline.schema_migrations WHERE startsWith(name, 'views/')"); err != nil {
		t.Fatal(err)
	}
	if applied, err := clickhouse.Migrate(t.Context(), s.w.Writer, account); err != nil || len(applied.Views) == 0 {
		t.Fatalf("migrated %v, %v", applied, err)
	}
	out := s.want(t, false, 0, "purchase", "query", "no_refund", "--format", "csv")
	if !strings.Contains(out, "demo,1,page_view,1,1,1,0,0,1,1,") || !strings.Contains(out, "demo,2,purchase,1,1,1,0,0,1,1,60,60,60,60,60,60") {
		t.Errorf("the saved funnel gives\n%s", out)
	}

	s.want(t, true, 1, "there is such a view already", "funnel", "save", "no_refund", "--file", file)
	s.want(t, true, 0, "saved", "funnel", "save", "no_refund", "--steps", "page_view,*", "--by", "country,property:plan", "--replace")
	s.want(t, true, 0, "ordered funnel of page_view, (any event)", "funnel", "list")
	s.want(t, true, 0, "saved", "funnel", "save", "no_refund", "--project", "demo", "--from", "2026-02-24", "--to", "2026-02-27", "--steps", `page_view,it's\, odd`, "--replace")
	if out := s.want(t, false, 0, "it's, odd", "query", "no_refund", "--columns", "event,persons", "--format", "csv"); out != "event,persons\npage_view,2\n\"it's, odd\",1\n" {
		t.Errorf("the saved funnel gives\n%s", out)
	}
	s.want(t, true, 0, "", "funnel", "drop", "no_refund")
	s.want(t, true, 1, "there is no such view", "funnel", "drop", "no_refund")
	if out := s.want(t, true, 0, "", "funnel", "list"); out != "" {
		t.Errorf("after the drop there is %s", out)
	}
}

func TestFunnel_touchesOnlySavedViews(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"funnel"}, 2, "want touchline funnel save"},
		{[]string{"funnel", "save"}, 2, "want the name of a view"},
		{[]string{"funnel", "save", "funnel", "--steps", "a,b"}, 2, "is the name of a built-in view"},
		{[]string{"funnel", "save", "retention_of_mine", "--steps", "a,b"}, 2, "or begins like one"},
		{[]string{"funnel", "save", "x); DROP VIEW y", "--steps", "a,b"}, 2, "want the name of a view"},
		{[]string{"funnel", "save", "mine"}, 2, "want funnel, with steps, or retention"},
		{[]string{"funnel", "save", "mine", "--steps", "a", "--by", "colour"}, 2, `there is no column "colour"`},
		{[]string{"funnel", "save", "mine", "--file", "f.yaml", "--steps", "a"}, 2, "want a file or the flags"},
		{[]string{"funnel", "save", "mine", "--file", "/nowhere/f.yaml"}, 2, "read definition"},
		{[]string{"funnel", "drop", "funnel"}, 1, "is not a saved view"},
		{[]string{"funnel", "show", "touchpoints"}, 1, "is not a saved view"},
		{[]string{"funnel", "drop", "nothing"}, 1, "there is no such view"},
	} {
		s.want(t, true, c.code, c.says, c.args...)
	}
	s.want(t, false, 1, "this user may not ask that", "funnel", "save", "mine", "--steps", "a,b")
}

// What the help says for instance is a call of the view, and so is the statement that is
// printed for it.
func TestQuery_examples(t *testing.T) {
	s := newShop(t)
	objects, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if query.Twin(o) {
			continue
		}
		_, help, _ := s.run(t, false, "query", o.Name, "--help")
		args := []string{"query", o.Name, "--format", "csv"}
		for _, m := range regexp.MustCompile(`(?m)^  (--\S+) .*\(needed, for instance (.*)\)(?: \[([a-z_, ]+)\])?$`).FindAllStringSubmatch(help, -1) {
			if m[3] != "" && !slices.Contains(strings.Split(m[3], ", "), o.Name) {
				continue // a flag of another view of the family
			}
			args = append(args, m[1], strings.Trim(m[2], "'"))
		}
		columns := make([]string, len(o.Columns))
		for i, c := range o.Columns {
			columns[i] = c.Name
		}
		out := s.want(t, false, 0, strings.Join(columns, ",")+"\n", args...)
		if !strings.HasPrefix(out, strings.Join(columns, ",")+"\n") {
			t.Errorf("%q prints\n%s", args, out)
		}
		sql := s.want(t, false, 0, "FROM analytics."+o.Name, append(args, "--sql")...)
		if _, err := oracle.Ask(t, s.w.BI, strings.TrimSuffix(strings.TrimSpace(sql), ";")); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// TestTrouble names the limit that a query hits.
func TestTrouble(t *testing.T) {
	s := newShop(t)
	for sql, want := range map[string]string{
		"SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1 SETTINGS max_execution_time = 1": "stopped at the limit of time (max_execution_time)",
		"SELECT number FROM numbers(10) SETTINGS max_result_rows = 5":                                             "stopped at the limit of rows (max_result_rows)",
		"SELECT 1 FROM touchline.touchpoints":                                                                     "this user may not ask that",
		"SELECT throwIf(1, 'steps: want 1 to 10 events')":                                                         "steps: want 1 to 10 events",
		"SELEC 1": "ClickHouse refuses the question",
	} {
		_, err := query.Ask(t.Context(), s.w.BI, sql)
		var p *query.Problem
		if !errors.As(err, &p) || !strings.HasPrefix(p.Text, want) {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
	_, err := query.Ask(t.Context(), s.w.Writer, "SELECT groupArray(toString(number)) FROM numbers(10000000) SETTINGS max_memory_usage = 5000000")
	if err == nil || !strings.HasPrefix(err.Error(), "stopped at the limit of memory (max_memory_usage)") {
		t.Errorf("error %v", err)
	}
}
