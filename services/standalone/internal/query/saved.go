package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/definition"
)

// savedMark begins the comment of a view that was saved, and tells it from those that
// the migrator makes.
const savedMark = "Saved by touchline: "

var (
	// ErrBuiltIn: the name belongs to a view of Touchline itself.
	ErrBuiltIn = errors.New("is the name of a built-in view, or begins like one")
	// ErrExists: there is such a view already.
	ErrExists = errors.New("there is such a view already; --replace takes its place")
	// ErrNotSaved: the view was not made by Save.
	ErrNotSaved = errors.New("is not a saved view")
)

// Saved is a view that was saved.
type Saved struct{ Name, Summary, SQL string }

// CheckSavable refuses names that a view may not be saved under: those of built-in
// views, and those that further views of theirs may have one day.
func CheckSavable(name string, builtIn []schema.Object) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if slices.ContainsFunc(builtIn, func(o schema.Object) bool {
		return o.Name == name || strings.HasPrefix(name, o.Name+"_")
	}) {
		return fmt.Errorf("%s: %w", name, ErrBuiltIn)
	}
	return nil
}

// ViewOf returns the statement that makes a plain view of a definition in the database
// analytics. It reads with the rights of who makes it and answers about the projects of
// who asks, like the built-in ones.
func ViewOf(name, summary string, d definition.Definition, replace bool) string {
	var b strings.Builder
	verb := "CREATE"
	if replace {
		verb = "CREATE OR REPLACE"
	}
	b.WriteString(verb + " VIEW analytics." + name + "\n(\n")
	for i, c := range d.Columns() {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("    " + c.Name + " " + c.Type + " COMMENT " + clickhouse.Literal(c.Description))
	}
	b.WriteString("\n)\nDEFINER = CURRENT_USER SQL SECURITY DEFINER\nAS\n" + d.SQL() + "\nCOMMENT " + clickhouse.Literal(savedMark+summary))
	return b.String()
}

// Save makes the view. An existing one is replaced if replace is set and it was saved
// too; otherwise the error is ErrExists or ErrNotSaved.
func Save(ctx context.Context, conn driver.Conn, name, summary string, d definition.Definition, replace bool) error {
	switch _, err := find(ctx, conn, name); {
	case errors.Is(err, errNoView):
	case err != nil:
		return err
	case !replace:
		return fmt.Errorf("save %s: %w", name, ErrExists)
	}
	if err := conn.Exec(ctx, ViewOf(name, summary, d, replace)); err != nil {
		return fmt.Errorf("save %s: %w", name, Trouble(err))
	}
	return nil
}

// Drop removes a saved view.
func Drop(ctx context.Context, conn driver.Conn, name string) error {
	if _, err := find(ctx, conn, name); err != nil {
		return err
	}
	if err := conn.Exec(ctx, "DROP VIEW analytics."+name); err != nil {
		return fmt.Errorf("drop %s: %w", name, Trouble(err))
	}
	return nil
}

// errNoView: there is no view of the name, saved or not.
var errNoView = errors.New("there is no such view")

// Find returns a saved view.
func Find(ctx context.Context, conn driver.Conn, name string) (Saved, error) {
	return find(ctx, conn, name)
}

func find(ctx context.Context, conn driver.Conn, name string) (Saved, error) {
	if err := CheckName(name); err != nil {
		return Saved{}, err
	}
	all, err := views(ctx, conn, "name = "+clickhouse.Literal(name))
	switch {
	case err != nil:
		return Saved{}, err
	case len(all) == 0:
		return Saved{}, fmt.Errorf("find %s: %w", name, errNoView)
	case !strings.HasPrefix(all[0].Summary, savedMark):
		return Saved{}, fmt.Errorf("find %s: %w", name, ErrNotSaved)
	}
	all[0].Summary = strings.TrimPrefix(all[0].Summary, savedMark)
	return all[0], nil
}

// List returns the saved views by name.
func List(ctx context.Context, conn driver.Conn) ([]Saved, error) {
	all, err := views(ctx, conn, "startsWith(comment, "+clickhouse.Literal(savedMark)+")")
	for i := range all {
		all[i].Summary = strings.TrimPrefix(all[i].Summary, savedMark)
	}
	return all, err
}

func views(ctx context.Context, conn driver.Conn, where string) (all []Saved, err error) {
	rows, err := conn.Query(ctx, "SELECT name, comment, formatQuery(as_select) FROM system.tables WHERE database = 'analytics' AND "+where+" ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("list views: %w", Trouble(err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s Saved
		if err := rows.Scan(&s.Name, &s.Summary, &s.SQL); err != nil {
			return nil, fmt.Errorf("list views: %w", err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list views: %w", Trouble(err))
	}
	return all, nil
}
