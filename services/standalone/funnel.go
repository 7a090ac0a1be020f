package standalone

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/definition"
	"touchline.dev/services/standalone/internal/query"
	"touchline.dev/services/standalone/internal/terminal"
)

type funnelSettings struct {
	Dir        string            `yaml:"dir" doc:"Directory of a running touchline up, whose ClickHouse is used. Without it and a server: .data/run or .data, if touchline up is ready there."`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	File       string            `yaml:"file" doc:"File with the definition of a funnel or a retention table, instead of the flags below."`
	SQL        bool              `yaml:"sql" doc:"save: print the statement of the view and save nothing. show: print the SELECT."`
	Replace    bool              `yaml:"replace" doc:"save: replace a saved view of the same name."`
	Summary    string            `yaml:"summary" doc:"save: what the view answers, for its comment."`

	Project     string        `yaml:"project" doc:"Id of the project, or * for all that the reader may see."`
	Mode        string        `yaml:"mode" doc:"ordered, strict or unordered."`
	Count       string        `yaml:"count" doc:"persons, totals (every attempt) or sessions."`
	Window      time.Duration `yaml:"window" doc:"Time from the first step to the last."`
	From        string        `yaml:"from" doc:"Attempts begin from here: 30d (ago), or 2026-10-01."`
	To          string        `yaml:"to" doc:"Attempts begin before this."`
	AsOf        string        `yaml:"as_of" doc:"Attempts of which the window is open at this time are pending."`
	Steps       query.Names   `yaml:"steps" doc:"Names of the events of the steps; * is any event. A comma in a name is \\,."`
	Exclude     query.Names   `yaml:"exclude" doc:"Names of events that must not happen between the first step and the last."`
	Hold        []string      `yaml:"hold" doc:"Columns, or property:NAME, that have to be the same at all steps."`
	By          []string      `yaml:"by" doc:"One or two columns, or property:NAME, to break down by."`
	Attribution string        `yaml:"attribution" doc:"Whose value counts in a breakdown: first, last, or all."`
	Top         int           `yaml:"top" doc:"How many values of a breakdown stand by themselves."`
}

func defaultFunnel() funnelSettings {
	f := definition.Default().Funnel
	return funnelSettings{
		ClickHouse: clickhouse.Default(), Project: f.Project, Mode: f.Mode, Count: f.Count, Window: f.Window,
		From: f.From, To: f.To, AsOf: f.AsOf, Attribution: f.Attribution, Top: f.Top,
	}
}

const funnelUsage = "want touchline funnel save NAME (--file FILE | --steps A,B ...), list, show NAME, or drop NAME"

// funnelCommand keeps funnels and retention tables, which the views with parameters
// cannot say, as views of their own.
func funnelCommand(c *call) error {
	if len(c.args) == 0 || !slices.Contains([]string{"save", "list", "show", "drop"}, c.args[0]) {
		c.code = config.ExitBadConfig
		return errors.New(funnelUsage)
	}
	verb, name := c.args[0], ""
	c.args = c.args[1:]
	if verb != "list" {
		if len(c.args) > 0 && !strings.HasPrefix(c.args[0], "-") {
			name, c.args = c.args[0], c.args[1:]
		}
	}
	s := defaultFunnel()
	if done, err := c.load("touchline-funnel", &s); done || err != nil {
		return err
	}
	if verb != "list" {
		if err := query.CheckName(name); err != nil {
			c.code = config.ExitBadConfig
			return err
		}
	}
	switch verb {
	case "save":
		return s.save(c, name)
	case "list":
		return s.list(c)
	case "show":
		return s.show(c, name)
	default:
		return s.with(func(conn driver.Conn) error { return query.Drop(c.ctx, conn, name) })
	}
}

func (s funnelSettings) save(c *call, name string) error {
	objects, err := schema.Objects()
	if err != nil {
		return err
	}
	d, err := s.definition()
	if err == nil {
		err = query.CheckSavable(name, objects)
	}
	if err != nil {
		c.code = config.ExitBadConfig
		return err
	}
	summary := s.Summary
	if summary == "" {
		summary = d.Summary()
	}
	if s.SQL {
		_, err := fmt.Fprintln(c.stdout, query.ViewOf(name, summary, d, s.Replace)+";")
		return err
	}
	err = s.with(func(conn driver.Conn) error { return query.Save(c.ctx, conn, name, summary, d, s.Replace) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "saved: SELECT * FROM analytics.%s\n", name)
	return err
}

func (s funnelSettings) list(c *call) error {
	return s.with(func(conn driver.Conn) error {
		all, err := query.List(c.ctx, conn)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		for _, v := range all {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", v.Name, terminal.Printable(v.Summary)) // Flush reports the error
		}
		return w.Flush()
	})
}

func (s funnelSettings) show(c *call, name string) error {
	return s.with(func(conn driver.Conn) error {
		v, err := query.Find(c.ctx, conn, name)
		if err != nil {
			return err
		}
		if s.SQL {
			_, err = fmt.Fprintln(c.stdout, v.SQL+";")
			return err
		}
		_, err = fmt.Fprintf(c.stdout, "%s: %s\n", v.Name, terminal.Printable(v.Summary))
		return err
	})
}

// with connects as the account that the services write with.
func (s funnelSettings) with(do func(driver.Conn) error) error {
	dir := s.Dir
	if dir == "" && s.ClickHouse == defaultFunnel().ClickHouse {
		dir = nearby()
	}
	cfg, err := where{dir: dir}.clickhouse(s.ClickHouse)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	return do(conn)
}

// definition reads the file, or puts the definition together from the flags.
func (s funnelSettings) definition() (definition.Definition, error) {
	preset := defaultFunnel()
	preset.Dir, preset.ClickHouse, preset.File, preset.SQL, preset.Replace, preset.Summary = s.Dir, s.ClickHouse, s.File, s.SQL, s.Replace, s.Summary
	switch {
	case s.File == "":
		return s.fromFlags()
	case !reflect.DeepEqual(s, preset):
		return definition.Definition{}, errors.New("file: want a file or the flags of a funnel, not both")
	}
	data, err := readAtMost(s.File, definition.MaxFileBytes)
	if err != nil {
		return definition.Definition{}, fmt.Errorf("read definition: %w", err)
	}
	return definition.Parse(s.File, data)
}

func readAtMost(file string, most int64) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, want at most %d", file, info.Size(), most)
	}
	return os.ReadFile(file)
}

func (s funnelSettings) fromFlags() (definition.Definition, error) {
	d := definition.Default()
	f := &d.Funnel
	f.Project, f.Mode, f.Count, f.Window, f.From, f.To, f.AsOf = s.Project, s.Mode, s.Count, s.Window, s.From, s.To, s.AsOf
	f.Attribution, f.Top, f.Hold, f.By = s.Attribution, s.Top, valuesOf(s.Hold), valuesOf(s.By)
	for _, name := range s.Steps {
		if name == "*" {
			f.Steps = append(f.Steps, definition.Step{Any: true})
			continue
		}
		f.Steps = append(f.Steps, definition.Step{Event: name})
	}
	for _, name := range s.Exclude {
		f.Exclude = append(f.Exclude, definition.Exclusion{Event: name})
	}
	return d, config.Check(d)
}

func valuesOf(names []string) []definition.Value {
	var values []definition.Value
	for _, name := range names {
		if property, ok := strings.CutPrefix(name, "property:"); ok {
			values = append(values, definition.Value{Property: property})
			continue
		}
		values = append(values, definition.Value{Column: name})
	}
	return values
}
