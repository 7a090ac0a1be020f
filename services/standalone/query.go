package standalone

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-isatty"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/standalone/internal/query"
)

type querySettings struct {
	Dir        string            `yaml:"dir" doc:"Directory of a running touchline up, whose ClickHouse is asked as its BI user."`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Format     query.Format      `yaml:"format" doc:"table, csv, json (an object a line) or md."`
	SQL        bool              `yaml:"sql" doc:"Print the statement, to paste into a BI tool, and ask nothing."`
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
		return err
	}
	sql, err := statementOf(family, given, s.Limit)
	if err != nil {
		c.code = config.ExitBadConfig
		return err
	}
	if s.SQL {
		_, err := fmt.Fprintln(c.stdout, sql+";")
		return err
	}
	return s.ask(c, sql)
}

// statementOf returns the question. A name that is not one of the built-in views may be
// that of a saved one, which takes no parameters.
func statementOf(family query.Family, given query.Given, limit int) (string, error) {
	if family.Empty() {
		if err := query.CheckName(family.Name); err != nil {
			return "", err
		}
		return query.Plain(family.Name, limit), nil
	}
	object, err := family.Choose(given)
	if err != nil {
		return "", err
	}
	return query.Statement(object, given, limit)
}

func (s querySettings) ask(c *call, sql string) error {
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
		return err
	}
	if err := result.Write(c.stdout, s.output(c)); err != nil {
		return err
	}
	if s.Limit > 0 && len(result.Rows) == s.Limit {
		_, err = fmt.Fprintf(c.stderr, "touchline query: these are the first %d rows; --limit sets how many\n", s.Limit)
	}
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
	terminal := isTerminal(c.stdout)
	colour := terminal && !slices.ContainsFunc(c.env, func(v string) bool {
		return v == "TERM=dumb" || strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR="
	})
	switch s.Color {
	case "always":
		colour = true
	case "never":
		colour = false
	}
	return query.Output{Format: s.Format, Colour: colour, Terminal: terminal}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func listObjects(c *call, objects []schema.Object) error {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, o := range objects {
		_, _ = fmt.Fprintf(w, "  %s\t%s\n", o.Name, o.Summary) // Flush reports the error
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.stdout, "\ntouchline query NAME --help lists the flags of one; touchline funnel list shows what was saved.")
	return err
}
