package clickhouse

import (
	"embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed bootstrap migrations views
var files embed.FS

// Statement is one SQL statement of this package.
type Statement struct {
	// Name is the path of its file: "migrations/0001_create_touchpoints.sql".
	Name string
	// SQL is the text of the file. Of the views, those that log in to the server
	// themselves name their account as ${user} and ${password}, to be replaced
	// by quoted literals.
	SQL string
}

// Bootstrap returns the statements that make the databases and the table in
// which the migrator keeps its notes, in order. They are run every time.
func Bootstrap() ([]Statement, error) { return folder("bootstrap") }

// Migrations returns the migrations in the order of their numbers. Each is one
// statement that may be run again after a crash; none changes after a release.
func Migrations() ([]Statement, error) { return folder("migrations") }

// Views returns the views and the dictionary in an order in which each finds
// what it reads. They are created anew whenever their text has changed.
func Views() ([]Statement, error) {
	inner, err := folder("views/touchline")
	if err != nil {
		return nil, err
	}
	outer, err := folder("views/analytics")
	if err != nil {
		return nil, err
	}
	objects, err := Objects()
	if err != nil {
		return nil, err
	}
	rows := catalogRows(objects)
	for i, o := range objects {
		text := literal(o.comment())
		outer[i].SQL = strings.NewReplacer("'${comment}'", text, "${catalog}", rows).Replace(outer[i].SQL)
	}
	return inOrder(append(inner, outer...))
}

// folder returns the statements of a directory in the order of their names,
// which is how embed.FS lists them.
func folder(dir string) ([]Statement, error) {
	entries, err := files.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	statements := make([]Statement, 0, len(entries))
	for _, e := range entries {
		s, err := read(path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		statements = append(statements, s)
	}
	return statements, nil
}

func read(name string) (Statement, error) {
	text, err := files.ReadFile(name)
	return Statement{Name: name, SQL: string(text)}, err
}

var (
	// remark is a line that is nothing but a comment.
	remark = regexp.MustCompile(`(?m)^\s*--.*\n`)
	// reference is where a statement names a table, view or dictionary.
	reference = regexp.MustCompile(`\b(touchline|analytics)\.([a-z][a-z0-9_]*)`)
)

// reads returns the names, as "database/name", that a view's statement mentions.
// A name in a comment that the database keeps counts, too: it does no harm.
func reads(s Statement) []string {
	var names []string
	for _, m := range reference.FindAllStringSubmatch(remark.ReplaceAllString(s.SQL, ""), -1) {
		names = append(names, m[1]+"/"+m[2])
	}
	return names
}

// inOrder sorts views so that each stands behind those it reads, and otherwise as
// they were.
func inOrder(views []Statement) ([]Statement, error) {
	byName := make(map[string]Statement, len(views))
	nameOf := func(s Statement) string {
		return strings.TrimSuffix(strings.TrimPrefix(s.Name, "views/"), ".sql")
	}
	for _, v := range views {
		byName[nameOf(v)] = v
	}
	sorted := make([]Statement, 0, len(views))
	done := map[string]bool{}
	var visit func(name string, above []string) error
	visit = func(name string, above []string) error {
		v, ours := byName[name]
		if !ours || done[name] || len(above) > 0 && above[len(above)-1] == name {
			return nil
		}
		if slices.Contains(above, name) {
			return fmt.Errorf("order views: %s reads itself through %q", name, above)
		}
		for _, next := range reads(v) {
			if err := visit(next, append(above, name)); err != nil {
				return err
			}
		}
		done[name] = true
		sorted = append(sorted, v)
		return nil
	}
	for _, v := range views {
		if err := visit(nameOf(v), nil); err != nil {
			return nil, err
		}
	}
	return sorted, nil
}
