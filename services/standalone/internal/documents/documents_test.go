package documents_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/definition"
	"touchline.dev/services/standalone"
)

func TestDocuments(t *testing.T) {
	all, s := documents(t), newShop(t)
	conn, err := clickhouse.Open(clickhouse.Config{URL: s.ready.ClickHouse, User: s.ready.BIUser, Password: config.NewSecret(s.ready.BIPassword)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("keys", func(t *testing.T) { keys(t, all) })
	t.Run("commands", func(t *testing.T) { s.commands(t, all) })
	t.Run("flags", func(t *testing.T) { flags(t, all) })
	t.Run("queries", func(t *testing.T) { queries(t, conn, all) })
	t.Run("breakdowns", func(t *testing.T) { breakdowns(t, conn, all) })
	t.Run("views", func(t *testing.T) { views(t, conn, all) })
}

// commands: every line that asks for something can be typed as it stands, and finds
// something.
func (s shop) commands(t *testing.T, all []document) {
	typed := 0
	try := func(d document, script string) {
		code, out := s.sh(t, script)
		if code != 0 || strings.Contains(out, "no rows") {
			t.Errorf("%s: exit code %d of\n%s\n%s", d.name, code, script, out)
		}
	}
	for _, d := range all {
		yaml, exported := "", ""
		for _, b := range d.blocks {
			if b.language == "yaml" {
				yaml = b.text
			}
			if b.language != "sh" {
				continue
			}
			var lines []string
			for _, line := range b.commands() {
				if asks.MatchString(line) {
					typed++
					s.file(t, line, yaml)
				}
				switch {
				case asks.MatchString(line):
					lines = append(lines, line)
				case strings.HasPrefix(line, "export "):
					exported += line + "\n"
				}
			}
			if len(lines) > 0 {
				try(d, exported+strings.Join(lines, "\n"))
			}
		}
		for _, code := range d.code {
			// The other commands are named in sentences, not written out.
			if strings.HasPrefix(code, program+" query ") && !unsaid.MatchString(code) {
				typed++
				try(d, code)
			}
		}
	}
	t.Logf("typed %d commands", typed)
	if typed < 12 {
		t.Errorf("found only %d commands", typed)
	}
}

var fileFlag = regexp.MustCompile(`--file (\S+)`)

// file writes the definition that a line reads: the last one before it.
func (s shop) file(t *testing.T, line, yaml string) {
	t.Helper()
	if m := fileFlag.FindStringSubmatch(line); m != nil {
		if err := os.WriteFile(filepath.Join(s.dir, m[1]), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

var (
	called  = regexp.MustCompile(`^(?:bin/)?touchline ([a-z]+(?: [a-z][a-z_-]*)*)`)
	flagged = regexp.MustCompile(`(?:^| )(--[a-z][a-z.-]*)`)
)

// flags: every flag that is written behind a command is one of that command.
func flags(t *testing.T, all []document) {
	checked := 0
	texts := map[string]string{}
	for _, d := range all {
		lines := slices.Clone(d.code)
		for _, b := range d.blocks {
			if b.language == "sh" {
				lines = append(lines, b.commands()...)
			}
		}
		for _, line := range lines {
			m := called.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			line, _, _ = strings.Cut(line, " #")
			for _, flag := range flagged.FindAllStringSubmatch(line, -1) {
				checked++
				if flag[1] == "--deep" { // it takes two arguments, so it is no setting, and its usage is told by a wrong call
					continue
				}
				if _, ok := texts[m[1]]; !ok {
					texts[m[1]] = help(t, m[1])
				}
				if !regexp.MustCompile(`(?m)^ +` + regexp.QuoteMeta(flag[1]) + `\b`).MatchString(texts[m[1]]) {
					t.Errorf("%s: %s: there is no flag %s in\n%s", d.name, line, flag[1], texts[m[1]])
				}
			}
		}
	}
	t.Logf("checked %d flags", checked)
	if checked < 20 {
		t.Errorf("found only %d flags", checked)
	}
}

// help returns what a command says of its flags; its last words may be names of its
// own.
func help(t *testing.T, command string) string {
	t.Helper()
	for words := strings.Fields(command); len(words) > 0; words = words[:len(words)-1] {
		var out bytes.Buffer
		if standalone.Main(t.Context(), append(slices.Clone(words), "--help"), nil, &out, io.Discard) == 0 {
			return out.String()
		}
	}
	t.Fatalf("touchline %s has no help", command)
	return ""
}

var statement = regexp.MustCompile(`^SELECT .+ FROM .+$`)

// queries: every SELECT for the demo shop, also one within a sentence, works and finds
// something.
func queries(t *testing.T, conn driver.Conn, all []document) {
	asked := 0
	for _, d := range all {
		var sql []string
		for _, code := range d.code {
			if statement.MatchString(code) && !unsaid.MatchString(statement.ReplaceAllString(code, "")) {
				sql = append(sql, code)
			}
		}
		for _, b := range d.blocks {
			// Those of bi.md have macros of tools: its own test writes them out.
			if b.language == "sql" && d.name != "bi.md" {
				sql = append(sql, strings.TrimSuffix(strings.TrimSpace(b.text), ";"))
			}
		}
		for _, q := range sql {
			asked++
			if n, err := count(t, conn, q); err != nil || n == 0 {
				t.Errorf("%s: %d rows, %v\n%s", d.name, n, err, q)
			}
		}
	}
	t.Logf("asked %d queries", asked)
	if asked < 5 {
		t.Errorf("found only %d queries", asked)
	}
}

func count(t *testing.T, conn driver.Conn, sql string) (n int, err error) {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		return 0, err
	}
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	return n, rows.Close()
}

// keys: every key of a definition is explained.
func keys(t *testing.T, all []document) {
	var explained []string
	for _, d := range all {
		if d.name == "analytics.md" {
			for _, code := range d.code {
				key, _, _ := strings.Cut(code, ":")
				explained = append(explained, key)
			}
		}
	}
	var look func(kind reflect.Type)
	look = func(kind reflect.Type) {
		for kind.Kind() == reflect.Slice {
			kind = kind.Elem()
		}
		if kind.Kind() != reflect.Struct {
			return
		}
		for field := range kind.Fields() {
			if key := field.Tag.Get("yaml"); !slices.Contains(explained, key) {
				t.Errorf("analytics.md does not explain the key %s of a definition", key)
			}
			look(field.Type)
		}
	}
	look(reflect.TypeFor[definition.Funnel]())
	look(reflect.TypeFor[definition.Retention]())
}

// Where the list of columns to break down by begins and ends.
const breakdownsBegin, breakdownsEnd = "Columns to break down by are ", ";"

var column = regexp.MustCompile("`([a-z_]+)`")

// breakdowns: every column that is said to be one to break down by is.
func breakdowns(t *testing.T, conn driver.Conn, all []document) {
	asked := 0
	for _, d := range all {
		_, list, _ := strings.Cut(d.text, breakdownsBegin)
		list, _, _ = strings.Cut(list, breakdownsEnd)
		for _, m := range column.FindAllStringSubmatch(list, -1) {
			asked++
			if _, err := count(t, conn, `SELECT persons FROM analytics.funnel_breakdown(project = 'demo', steps = ['page_view'], window_seconds = 60,
				from = today() - 1, to = now64(3, 'UTC'), as_of = now64(3, 'UTC'), by = '`+m[1]+`', attribution = 'first', attribution_step = 1, top = 5)`); err != nil {
				t.Errorf("%s: %v", d.name, err)
			}
		}
	}
	if asked < 30 {
		t.Errorf("found only %d columns", asked)
	}
}

var named = regexp.MustCompile(`\banalytics\.([a-z_]+)\b`)

// views: every view that is named exists.
func views(t *testing.T, conn driver.Conn, all []document) {
	var exist []string
	if err := conn.QueryRow(t.Context(), "SELECT groupArray(name) FROM system.tables WHERE database = 'analytics'").Scan(&exist); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, d := range all {
		for _, m := range named.FindAllStringSubmatch(d.text, -1) {
			// Names of files.
			if slices.Contains([]string{"md", "js", "min"}, m[1]) {
				continue
			}
			found++
			if !slices.Contains(exist, m[1]) {
				t.Errorf("%s names analytics.%s, which does not exist", d.name, m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d names of views", found)
	}
}
