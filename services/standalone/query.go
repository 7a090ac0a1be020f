package standalone

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/standalone/internal/query"
)

type querySettings struct {
	Dir        string            `yaml:"dir" doc:"Directory of a running touchline up, whose ClickHouse is asked as its BI user. Without it and a server: .data/run or .data, if touchline up is ready there."`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Format     query.Format      `yaml:"format" doc:"table, csv, json (an object a line) or md."`
	SQL        bool              `yaml:"sql" doc:"Print the statement, to paste into a BI tool, and ask nothing."`
	Columns    []string          `yaml:"columns" doc:"Names of the columns to show, in that order; none for all. What is left out costs nothing."`
	Limit      int               `yaml:"limit" doc:"Most rows; 0 for all that the server gives."`
	Color      string            `yaml:"color" doc:"Colours in tables: auto (on a terminal), always or never."`
}

func defaultQuery() querySettings {
	s := querySettings{ClickHouse: clickhouse.Default(), Format: query.Table, Limit: 10_000, Color: "auto"}
	s.ClickHouse.User = "bi"
	return s
}

// Validate reports every problem of the fields of its own.
func (s querySettings) Validate() error {
	var p config.Problems
	if s.Limit < 0 {
		p.Addf("limit", "want 0 or more, got %d", s.Limit)
	}
	if !slices.Contains([]string{"auto", "always", "never"}, s.Color) {
		p.Addf("color", "want auto, always or never, got %q", s.Color)
	}
	return p.Err()
}

// queryCommand asks a view of the database analytics, and says what there is to ask.
func queryCommand(c *call) error {
	objects, err := schema.Objects()
	if err != nil {
		return err
	}
	if len(c.args) == 0 {
		c.code = config.ExitBadConfig
		return errors.New("want touchline query WHAT [FLAGS]; touchline query list shows what there is to ask")
	}
	name := c.args[0]
	switch name {
	case "list":
		return listObjects(c, objects)
	case "--help", "-h":
		if err := listObjects(c, objects); err != nil {
			return err
		}
		s := defaultQuery()
		_, err := c.load("touchline-query", &s)
		return err
	}
	c.args = c.args[1:]
	family := query.NewFamily(name, objects)
	given, rest, err := family.Take(c.args)
	if err != nil {
		c.code = config.ExitBadConfig
		return err
	}
	c.args = rest
	if slices.Contains(rest, "--help") || slices.Contains(rest, "-h") {
		if err := family.Help(c.stdout); err != nil {
			return err
		}
	}
	s := defaultQuery()
	if done, err := c.load("touchline-query", &s); done || err != nil {
		return s.explain(err, family)
	}
	object, sql, err := statementOf(family, given, query.Rows{Columns: s.Columns, Limit: s.Limit})
	if err != nil {
		c.code = config.ExitBadConfig
		return err
	}
	if s.SQL {
		_, err := fmt.Fprintln(c.stdout, sql+";")
		return err
	}
	if s.Dir == "" && s.ClickHouse == defaultQuery().ClickHouse {
		s.Dir = nearby()
	}
	return s.ask(c, sql, object, given)
}

// nearby returns the directory, of those that make run and touchline up have, in which a
// touchline up has said that it is ready; empty for none.
func nearby() string {
	for _, dir := range []string{filepath.Join(".data", "run"), DefaultSettings().Dir} {
		if _, err := os.Stat(Settings{Dir: dir}.readyFile()); err == nil {
			return dir
		}
	}
	return ""
}

// explain says of a wrong flag where those that there are can be read.
func (s querySettings) explain(err error, family query.Family) error {
	switch {
	case err == nil:
		return nil
	case family.Empty():
		return fmt.Errorf("%w\n%q is none of the built-in views, which touchline query list shows; a saved one takes no parameters", err, family.Name)
	default:
		return fmt.Errorf("%w\ntouchline query %s --help lists the flags", err, family.Name)
	}
}

// statementOf returns the view and the question. A name that is not one of the built-in
// views may be that of a saved one, which takes no parameters: of it nothing is known.
func statementOf(family query.Family, given query.Given, rows query.Rows) (object schema.Object, sql string, err error) {
	if family.Empty() {
		sql, err = query.Plain(family.Name, rows)
		return object, sql, err
	}
	if object, err = family.Choose(given); err != nil {
		return object, "", err
	}
	sql, err = query.Statement(object, given, rows)
	return object, sql, err
}

func (s querySettings) ask(c *call, sql string, object schema.Object, given query.Given) error {
	cfg, err := s.reader()
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	result, err := query.Ask(c.ctx, conn, sql)
	if err != nil {
		if s.Dir == "" && clickhouse.ClassOf(err) == clickhouse.ClassAway {
			return fmt.Errorf("%w at %s; --dir names the directory of a running touchline up, .data/run after make run", err, cfg.URL)
		}
		return query.Flagged(err, object)
	}
	if err := result.Write(c.stdout, s.output(c)); err != nil {
		return err
	}
	if preset := defaultQuery().Limit; s.Limit == preset && len(result.Rows) == preset { // who gave a limit knows
		if _, err := fmt.Fprintf(c.stderr, "touchline query: stopped at %d rows, there may be more; --limit sets how many\n", s.Limit); err != nil {
			return err
		}
	}
	if !result.Nobody() {
		return nil
	}
	unknown, err := query.Unknown(c.ctx, conn, object, given)
	if err != nil || len(unknown) == 0 {
		return err
	}
	for i, name := range unknown {
		unknown[i] = strconv.Quote(name)
	}
	_, err = fmt.Fprintf(c.stderr, "touchline query: there is no event %s in what was asked; touchline query engagement-features lists the names of events\n", strings.Join(unknown, ", "))
	return err
}

// reader returns the server with the account that may only read.
func (s querySettings) reader() (clickhouse.Config, error) {
	if s.Dir == "" {
		return s.ClickHouse, nil
	}
	r, err := readReady(s.Dir)
	if err != nil {
		return s.ClickHouse, err
	}
	s.ClickHouse.URL = r.ClickHouse
	if r.BIUser != "" {
		s.ClickHouse.User, s.ClickHouse.Password = r.BIUser, config.NewSecret(r.BIPassword)
	}
	return s.ClickHouse, nil
}

func (s querySettings) output(c *call) query.Output {
	width, seen := terminalOf(c.stdout)
	if columns, err := strconv.Atoi(c.variable("COLUMNS")); seen && err == nil && columns > 0 {
		width = columns
	}
	colour := seen && c.variable("NO_COLOR") == "" && c.variable("TERM") != "dumb"
	switch s.Color {
	case "always":
		colour = true
	case "never":
		colour = false
	}
	return query.Output{Format: s.Format, Colour: colour, Width: width, Terminal: seen}
}

// variable returns a variable of the environment, empty for none.
func (c *call) variable(name string) string {
	for _, v := range c.env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// terminalOf returns how many columns a line of a terminal has, 0 where it does not say,
// and whether w is one.
func terminalOf(w io.Writer) (width int, ok bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, true
	}
	return width, true
}

func listObjects(c *call, objects []schema.Object) error {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, o := range objects {
		if !query.Twin(o) {
			_, _ = fmt.Fprintf(w, "  %s\t%s\n", o.Name, o.Summary) // Flush reports the error
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.stdout, `
touchline query NAME --help lists the flags of one, touchline funnel list what was saved.
Beside each view with parameters stands a plain one, NAME_default, for tools that cannot pass any.`)
	return err
}
