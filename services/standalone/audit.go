package standalone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/standalone/internal/audit"
)

type auditSettings struct {
	Dir        string            `yaml:"dir" doc:"Directory of a running touchline up, whose broker and ClickHouse are used."`
	Brokers    []string          `yaml:"brokers" doc:"Kafka brokers to start from, host:port; instead of dir."`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Every      time.Duration     `yaml:"every" doc:"Time between two rounds."`
	Once       bool              `yaml:"once" doc:"Count to the end, compare, print the ledger and stop: exit code 0 when it closes, 1 when not."`
	Wait       time.Duration     `yaml:"wait" doc:"With once: how long accepted events may take to land."`
	Since      string            `yaml:"since" doc:"With once: leave out earlier minutes of receipt; a time such as 2026-01-31T08:00:00Z or a duration such as 24h."`
	Partition  int               `yaml:"partition" doc:"With --deep FROM TO: compare only this partition; -1 for all."`
	JSON       bool              `yaml:"json" doc:"With once or --deep: print JSON instead of tables."`
	Lifecycle  lifecycle.Config  `yaml:"lifecycle"`
	Telemetry  telemetry.Config  `yaml:"telemetry"`
}

// Validate reports every problem of the fields of its own.
func (s auditSettings) Validate() error { return audit.Config{Every: s.Every}.Validate() }

// auditCommand keeps the ledger, for ever or once, or compares events one by one.
func auditCommand(c *call) error {
	s := auditSettings{
		ClickHouse: clickhouse.Default(), Every: audit.Default().Every, Wait: 30 * time.Second, Partition: -1,
		Lifecycle: lifecycle.Default(), Telemetry: telemetry.Default(),
	}
	from, to, deep, err := c.takeDeep()
	if err != nil {
		c.code = config.ExitBadConfig
		return err
	}
	if done, err := c.load("touchline-audit", &s); done || err != nil {
		return err
	}
	var since time.Time
	if s.Since != "" {
		if since, err = parseTime(s.Since, time.Now()); err != nil {
			c.code = config.ExitBadConfig
			return fmt.Errorf("since: %w", err)
		}
	}
	w := where{s.Dir, s.Brokers}
	brokers, err := w.kafka()
	if err != nil {
		return err
	}
	if s.ClickHouse, err = w.clickhouse(s.ClickHouse); err != nil {
		return err
	}
	switch {
	case deep:
		return s.deep(c, brokers, from, to)
	case s.Once:
		return s.once(c, brokers, since)
	}
	c.code = lifecycle.Run(c.ctx, lifecycle.Process{
		Service: "touchline-audit", Lifecycle: s.Lifecycle, Telemetry: s.Telemetry, Logs: c.stderr,
	}, func(t *telemetry.Telemetry, g *lifecycle.Group) error {
		g.Add("auditor", lifecycle.Lazy(func() (lifecycle.Component, error) {
			return newAuditor(audit.Config{Every: s.Every}, brokers, s.ClickHouse, t.Named("audit"))
		}))
		return nil
	})
	return nil
}

// takeDeep takes --deep FROM TO out of the arguments: every other flag has one
// value at most.
func (c *call) takeDeep() (from, to string, deep bool, err error) {
	i := slices.Index(c.args, "--deep")
	if i < 0 {
		return "", "", false, nil
	}
	if len(c.args) < i+3 || strings.HasPrefix(c.args[i+1], "-") || strings.HasPrefix(c.args[i+2], "-") {
		return "", "", false, errors.New("want --deep FROM TO: two offsets, or two times such as 2026-01-31T08:00:00Z or 10m (ago)")
	}
	from, to = c.args[i+1], c.args[i+2]
	c.args = slices.Delete(slices.Clone(c.args), i, i+3)
	return from, to, true, nil
}

// clickhouse returns how to use the ClickHouse of a directory, as the services do;
// without a directory it is the one given.
func (w where) clickhouse(given clickhouse.Config) (clickhouse.Config, error) {
	if w.dir == "" {
		return given, nil
	}
	r, err := readReady(w.dir)
	if err != nil {
		return given, err
	}
	given.URL = r.ClickHouse
	writer := clickhouse.Default().User
	password, err := os.ReadFile(filepath.Join(Settings{Dir: w.dir}.clickHouseDir(), "passwords", writer))
	if errors.Is(err, fs.ErrNotExist) {
		// touchline up was given a server: its account is not kept.
		return given, nil
	}
	if err != nil {
		return given, fmt.Errorf("read ClickHouse password: %w", err)
	}
	given.User, given.Password = writer, config.NewSecret(strings.TrimSpace(string(password)))
	return given, nil
}

// auditor is an audit.Auditor with its connection to ClickHouse.
type auditor struct {
	*audit.Auditor
	conn io.Closer
}

func newAuditor(cfg audit.Config, brokers kafka.Config, tables clickhouse.Config, deps telemetry.Deps) (auditor, error) {
	conn, err := clickhouse.Open(tables)
	if err != nil {
		return auditor{}, err
	}
	return auditor{audit.New(cfg, brokers, audit.Deps{Deps: deps, Conn: conn}), conn}, nil
}

// Run implements lifecycle.Component.
func (a auditor) Run(ctx context.Context) error {
	return errors.Join(a.Auditor.Run(ctx), a.conn.Close())
}

// command makes an auditor for a command that prints what it finds.
func (s auditSettings) command(brokers kafka.Config) (auditor, error) {
	return newAuditor(audit.Config{Every: s.Every}, brokers, s.ClickHouse, telemetry.Deps{
		Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now,
	})
}

func (s auditSettings) once(c *call, brokers kafka.Config, since time.Time) error {
	a, err := s.command(brokers)
	if err != nil {
		return err
	}
	defer a.conn.Close()
	defer a.Close()
	report, err := a.Once(c.ctx, s.Wait, since)
	if err != nil {
		return err
	}
	if !report.Closed {
		c.code = 1
	}
	if s.JSON {
		return audit.PrintJSON(c.stdout, report)
	}
	return report.Print(c.stdout)
}

func (s auditSettings) deep(c *call, brokers kafka.Config, from, to string) error {
	r := audit.Range{Partition: s.Partition}
	var err error
	if r.From, err = bound(from); err == nil {
		r.To, err = bound(to)
	}
	if err != nil {
		c.code = config.ExitBadConfig
		return fmt.Errorf("--deep: %w", err)
	}
	a, err := s.command(brokers)
	if err != nil {
		return err
	}
	defer a.conn.Close()
	defer a.Close()
	compared, err := a.Deep(c.ctx, r)
	if err != nil {
		return err
	}
	if compared.Differing > 0 {
		c.code = 1
	}
	if s.JSON {
		return audit.PrintJSON(c.stdout, compared)
	}
	return compared.Print(c.stdout)
}

// bound reads an offset or a time.
func bound(text string) (audit.Bound, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return audit.Bound{Offset: n}, nil
	}
	at, err := parseTime(text, time.Now())
	return audit.Bound{Time: at}, err
}
