package clickhouse

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestMigrationsAreNumberedWithoutGaps(t *testing.T) {
	for _, list := range []func() ([]Statement, error){Bootstrap, Migrations} {
		statements, err := list()
		if err != nil || len(statements) == 0 {
			t.Fatalf("have %d statements, error %v", len(statements), err)
		}
		for i, s := range statements {
			want := regexp.MustCompile(fmt.Sprintf(`^(bootstrap|migrations)/%04d_[a-z]+(_[a-z]+)+\.sql$`, i+1))
			if !want.MatchString(s.Name) {
				t.Errorf("%s: want a name like NNNN_verb_noun.sql with number %d", s.Name, i+1)
			}
		}
	}
}

func TestEveryFileHoldsOneStatement(t *testing.T) {
	for _, s := range all(t) {
		code := uncommented(s.SQL)
		if n := strings.Count(quoted.ReplaceAllString(code, "''"), ";"); n != 0 {
			t.Errorf("%s: want one statement without a semicolon, have %d semicolons", s.Name, n)
		}
		if !strings.HasPrefix(s.SQL, "-- ") {
			t.Errorf("%s: want a comment at the top", s.Name)
		}
		if strings.Contains(s.SQL, "\t") || strings.Contains(s.SQL, " \n") {
			t.Errorf("%s: want no tabs and no blanks at the ends of lines", s.Name)
		}
	}
}

// A crash may come between a migration and the note of it, so each must be
// harmless the second time.
func TestMigrationsCanBeRepeated(t *testing.T) {
	repeatable := regexp.MustCompile(`^(CREATE [A-Z ]+ IF NOT EXISTS |DROP (VIEW|TABLE) IF EXISTS |INSERT INTO touchline\.bi_access |` +
		`ALTER TABLE \S+\s+(MODIFY TTL\s|MODIFY SETTING\s|ADD CONSTRAINT IF NOT EXISTS |ADD INDEX IF NOT EXISTS )|ALTER TABLE \S+(\s+ADD COLUMN IF NOT EXISTS [^\n]+,)+\s+MODIFY ORDER BY )`)
	statements, err := Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if !repeatable.MatchString(uncommented(s.SQL)) {
			t.Errorf("%s: want a statement that can be repeated", s.Name)
		}
	}
}

func TestViewsListsEveryFileOnce(t *testing.T) {
	views, err := Views()
	if err != nil {
		t.Fatal(err)
	}
	var listed, stored []string
	for _, v := range views {
		listed = append(listed, v.Name)
		object := objectName(v)
		want := regexp.MustCompile(`^CREATE OR REPLACE (VIEW|DICTIONARY) ` + strings.ReplaceAll(object, "/", `\.`) + `\s`)
		if !want.MatchString(uncommented(v.SQL)) {
			t.Errorf("%s: want it to create %s", v.Name, strings.ReplaceAll(object, "/", "."))
		}
	}
	err = fs.WalkDir(files, "views", func(name string, d fs.DirEntry, err error) error {
		if err == nil && path.Ext(name) == ".sql" {
			stored = append(stored, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(listed)
	slices.Sort(stored)
	if !slices.Equal(listed, stored) {
		t.Errorf("listed %q, stored %q", listed, stored)
	}
}

// An insert repeated after a crash must find its token: in the table itself and
// in whatever its views fill.
func TestLandedTablesHaveADeduplicationWindow(t *testing.T) {
	statements, err := Migrations()
	if err != nil {
		t.Fatal(err)
	}
	byTable := map[string]string{}
	var needed []string
	target := regexp.MustCompile(`CREATE MATERIALIZED VIEW IF NOT EXISTS \S+ TO (\S+)`)
	table := regexp.MustCompile(`CREATE TABLE IF NOT EXISTS (\S+)`)
	for _, s := range statements {
		if m := table.FindStringSubmatch(s.SQL); m != nil {
			byTable[m[1]] = s.SQL
		}
		if m := target.FindStringSubmatch(s.SQL); m != nil {
			needed = append(needed, m[1])
		}
	}
	for _, l := range Landed() {
		needed = append(needed, l.FullName())
	}
	if len(needed) < 5 {
		t.Fatalf("found only %q", needed)
	}
	for _, name := range needed {
		if !strings.Contains(byTable[name], "non_replicated_deduplication_window = 100000") {
			t.Errorf("%s: want a deduplication window", name)
		}
	}
}

// Each chunk makes a part in these tables, so what one merge costs is paid in all of
// them. What the windows promise must not change with what merges cost.
func TestTablesOfAChunkAreMergedLess(t *testing.T) {
	statements, err := Migrations()
	if err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile(`ALTER TABLE (\S+)\s+MODIFY SETTING ([^\n]+)`)
	fed := regexp.MustCompile(`CREATE MATERIALIZED VIEW IF NOT EXISTS \S+ TO (\S+)(?s:.*)FROM touchline\.touchpoints\s`)
	settings := map[string]string{}
	tables := []string{"touchline.touchpoints", "touchline.outcomes"}
	for _, s := range statements {
		if m := changed.FindStringSubmatch(uncommented(s.SQL)); m != nil {
			settings[m[1]] += m[2]
		}
		if m := fed.FindStringSubmatch(uncommented(s.SQL)); m != nil {
			tables = append(tables, m[1])
		}
	}
	if len(tables) < 5 {
		t.Fatalf("found only %q", tables)
	}
	for _, name := range tables {
		if !strings.Contains(settings[name], "merge_selector_base = ") {
			t.Errorf("%s: want merge_selector_base", name)
		}
	}
	for name, text := range settings {
		if strings.Contains(text, "deduplication") {
			t.Errorf("%s: a migration changes %q", name, text)
		}
	}
}

func TestEveryColumnHasAComment(t *testing.T) {
	statements, err := Migrations()
	if err != nil {
		t.Fatal(err)
	}
	column := regexp.MustCompile(`(?m)^    [a-z_]+ +[A-Z].*$`)
	// A table made AS another one has its comments, too.
	copied := regexp.MustCompile(`CREATE TABLE IF NOT EXISTS \S+ AS touchline\.`)
	for _, s := range statements {
		if !strings.Contains(s.SQL, "CREATE TABLE") || copied.MatchString(s.SQL) {
			continue
		}
		lines := column.FindAllString(s.SQL, -1)
		if len(lines) == 0 {
			t.Errorf("%s: found no columns", s.Name)
		}
		for _, line := range lines {
			if !strings.Contains(line, " COMMENT '") {
				t.Errorf("%s: %q has no comment", s.Name, line)
			}
		}
	}
}

var quoted = regexp.MustCompile(`'(?:[^']|'')*'`)

func uncommented(sql string) string { return strings.TrimSpace(remark.ReplaceAllString(sql, "")) }

func all(t *testing.T) []Statement {
	t.Helper()
	var statements []Statement
	for _, list := range []func() ([]Statement, error){Bootstrap, Migrations, Views} {
		part, err := list()
		if err != nil {
			t.Fatal(err)
		}
		statements = append(statements, part...)
	}
	return statements
}
