package clickhouse

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Object is a view of the database analytics as its file describes it: the one
// description of it, from which its comment in the database, the catalog and the
// documents are made.
type Object struct {
	// Name is that of the view, without the database.
	Name string
	// Summary is one sentence, without a full stop.
	Summary string
	// Params are those that a call must give, in the order of the examples; a
	// plain view has none.
	Params []Param
	// Columns are those of a row, in order.
	Columns []ViewColumn
}

// Param is a parameter of a view.
type Param struct {
	Name string
	// Type is a ClickHouse type, or Identifier for the name of a column.
	Type string
	// Example is the SQL text of a value that suits the demo project.
	Example     string
	Description string
}

// ViewColumn is a column of a view.
type ViewColumn struct {
	Name        string
	Type        string
	Description string
}

// FullName returns the name with the database.
func (o Object) FullName() string { return "analytics." + o.Name }

// Call returns a FROM clause's text that reads the view, with the examples as
// parameters.
func (o Object) Call() string {
	if len(o.Params) == 0 {
		return o.FullName()
	}
	given := make([]string, len(o.Params))
	for i, p := range o.Params {
		given[i] = p.Name + " = " + p.Example
	}
	return o.FullName() + "(" + strings.Join(given, ", ") + ")"
}

// comment returns the view's comment in the database. Schema browsers show the
// columns of a plain view by themselves.
func (o Object) comment() string {
	if len(o.Params) == 0 {
		return o.Summary
	}
	columns := make([]string, len(o.Columns))
	for i, c := range o.Columns {
		columns[i] = c.Name + " (" + c.Description + ")"
	}
	return o.Summary + ". Call: " + o.Call() + ". Columns: " + strings.Join(columns, ", ")
}

// Objects returns the views of the database analytics by name.
func Objects() ([]Object, error) {
	statements, err := folder("views/analytics")
	if err != nil {
		return nil, err
	}
	objects := make([]Object, 0, len(statements))
	for _, s := range statements {
		o, err := parseObject(s)
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

var (
	// described is a line of a view's head: "-- param | name | type | ...".
	described = regexp.MustCompile(`(?m)^-- (summary|param|column) *\|(.*)$`)
	// declared is a column in the list of a plain view.
	declared = regexp.MustCompile(`(?m)^    ([a-z][a-z0-9_]*) +([A-Z].*?) +COMMENT '((?:[^']|'')*)',?$`)
)

// parseObject reads the description out of a view's file: the lines of its head
// and, for a plain view, the list of columns in the statement.
func parseObject(s Statement) (Object, error) {
	o := Object{Name: strings.TrimSuffix(path.Base(s.Name), ".sql")}
	for _, line := range described.FindAllStringSubmatch(s.SQL, -1) {
		cells := strings.Split(line[2], "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		want := map[string]int{"summary": 1, "param": 4, "column": 3}[line[1]]
		if len(cells) != want || slices.Contains(cells, "") {
			return o, fmt.Errorf("read %s: %q: want %d cells of text", s.Name, line[0], want)
		}
		switch line[1] {
		case "summary":
			o.Summary = cells[0]
		case "param":
			o.Params = append(o.Params, Param{Name: cells[0], Type: cells[1], Example: cells[2], Description: cells[3]})
		default:
			o.Columns = append(o.Columns, ViewColumn{Name: cells[0], Type: cells[1], Description: cells[2]})
		}
	}
	if len(o.Params) == 0 {
		for _, c := range declared.FindAllStringSubmatch(s.SQL, -1) {
			o.Columns = append(o.Columns, ViewColumn{Name: c[1], Type: c[2], Description: strings.ReplaceAll(c[3], "''", "'")})
		}
	}
	if o.Summary == "" || len(o.Columns) == 0 {
		return o, fmt.Errorf("read %s: want a summary and columns", s.Name)
	}
	return o, nil
}

// catalogRows returns the rows of analytics.catalog as SQL text: of every object
// its parameters and columns.
func catalogRows(objects []Object) string {
	var rows []string
	row := func(cells ...string) {
		for i, cell := range cells {
			cells[i] = literal(cell)
		}
		rows = append(rows, "("+strings.Join(cells, ", ")+")")
	}
	for _, o := range objects {
		for _, p := range o.Params {
			row(o.Name, o.Summary, "parameter", p.Name, p.Type, p.Description, p.Example)
		}
		for _, c := range o.Columns {
			row(o.Name, o.Summary, "column", c.Name, c.Type, c.Description, "")
		}
	}
	return strings.Join(rows, ",\n            ")
}

// literal returns a text as SQL.
func literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(text) + "'"
}
