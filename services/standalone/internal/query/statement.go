package query

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
)

// Rows says what of the rows is asked for.
type Rows struct {
	// Columns are names of columns; none asks for all.
	Columns []string
	// Limit is the most rows, 0 for all.
	Limit int
}

// Statement returns the SELECT that asks the view with the parameters given. A
// parameter that is not given has the value of its example, except for the project
// (every one that the user may read), names of events (any event), what is excluded
// (nothing), and those without which there is no question: then the error names the
// flag. So does an error about a column that the view does not have.
func Statement(o schema.Object, given Given, rows Rows) (string, error) {
	var problems []error
	for _, name := range rows.Columns {
		if !slices.ContainsFunc(o.Columns, func(c schema.ViewColumn) bool { return c.Name == name }) {
			problems = append(problems, fmt.Errorf("--columns: %s has no column %.60q; it has %s", o.Name, name, names(o.Columns)))
		}
	}
	var lines []string
	given = given.everywhere()
	for _, p := range o.Params {
		sql, err := argument(p, given[p.Name])
		if err != nil {
			problems = append(problems, fmt.Errorf("--%s: %w", flagOf(p.Name), err))
		}
		lines = append(lines, "    "+p.Name+" = "+sql)
	}
	if len(problems) > 0 {
		return "", errors.Join(problems...)
	}
	call := o.FullName()
	if len(lines) > 0 {
		call += "(\n" + strings.Join(lines, ",\n") + ")"
	}
	return rows.of(call), nil
}

// Plain returns the SELECT of a view of which nothing but the name is known. It takes no
// parameters.
func Plain(name string, rows Rows) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	for _, column := range rows.Columns {
		if !identifier.MatchString(column) {
			return "", fmt.Errorf("--columns: want names of columns, got %.60q", column)
		}
	}
	return rows.of(schema.Object{Name: name}.FullName()), nil
}

// of returns the SELECT from a call. The names of columns have been checked.
func (r Rows) of(call string) string {
	columns := "*"
	if len(r.Columns) > 0 {
		columns = strings.Join(r.Columns, ", ")
	}
	sql := "SELECT " + columns + "\nFROM " + call
	if r.Limit > 0 {
		sql += fmt.Sprintf("\nLIMIT %d", r.Limit)
	}
	return sql
}

func names(columns []schema.ViewColumn) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.Name
	}
	return strings.Join(all, ", ")
}

func argument(p schema.Param, texts []string) (string, error) {
	if len(texts) > 0 {
		return value(p, texts)
	}
	if required(p) {
		return "", fmt.Errorf("is needed: %s, for instance %s", p.Description, written(p))
	}
	return fallback(p), nil
}

// required reports that there is no question without the parameter: which steps, which
// person, what somebody is activated by.
func required(p schema.Param) bool {
	return slices.Contains([]string{"steps", "person_id", "id", "shown", "clicked", "sign_up", "activation", "first_use"}, p.Name)
}

// fallback returns the SQL of a parameter that is not given.
func fallback(p schema.Param) string {
	switch {
	case p.Name == "project":
		return clickhouse.Literal("*")
	case p.Type == "String" && (p.Name == "event" || strings.HasSuffix(p.Name, "_event")):
		return clickhouse.Literal("")
	case strings.HasPrefix(p.Name, "exclude"):
		return "[]"
	default:
		return p.Example
	}
}

// everywhere returns the parameters with the places of what is excluded: from the first
// step to the last, where they are not given.
func (g Given) everywhere() Given {
	n := 0
	for _, text := range g["exclude"] {
		n += len(splitList(text))
	}
	if n == 0 {
		return g
	}
	steps := 0
	for _, text := range g["steps"] {
		steps += len(splitList(text))
	}
	g = maps.Clone(g)
	for name, step := range map[string]int{"exclude_from": 1, "exclude_to": steps} {
		if g[name] == nil {
			g[name] = slices.Repeat([]string{strconv.Itoa(step)}, n)
		}
	}
	return g
}
