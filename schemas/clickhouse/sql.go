package clickhouse

import (
	"embed"
	"path"
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
	names := []string{
		"touchline/person_map",
		"touchline/allowed",
		"touchline/good_funnel",
		"touchline/good_drop_off",
		"touchline/good_retention",
		"touchline/funnel_persons",
		"touchline/person_intervals",
		"touchline/ledger_marks",
		"touchline/ledger",
		"analytics/touchpoints",
		"analytics/rejected",
		"analytics/profiles",
		"analytics/scores",
		"analytics/ledger",
		"analytics/ledger_reasons",
		"analytics/funnel",
		"analytics/drop_off_next",
		"analytics/retention",
		"analytics/catalog",
	}
	statements := make([]Statement, 0, len(names))
	for _, name := range names {
		s, err := read("views/" + name + ".sql")
		if err != nil {
			return nil, err
		}
		statements = append(statements, s)
	}
	return statements, nil
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
