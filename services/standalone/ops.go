package standalone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
)

// where says how the operator's commands find the brokers: through the directory
// of a running `touchline up`, or by their addresses.
type where struct {
	dir     string
	brokers []string
}

// check reports whether exactly one of the two is given.
func (w where) check() error {
	var p config.Problems
	if w.dir == "" && len(w.brokers) == 0 {
		p.Addf("brokers", "want brokers, or dir")
	}
	if w.dir != "" && len(w.brokers) > 0 {
		p.Addf("dir", "want dir or brokers, not both")
	}
	return p.Err()
}

func (w where) kafka() (kafka.Config, error) {
	if err := w.check(); err != nil {
		return kafka.Config{}, err
	}
	if w.dir == "" {
		cfg := kafka.Config{Brokers: w.brokers}
		return cfg, cfg.Validate()
	}
	r, err := readReady(w.dir)
	if err != nil {
		return kafka.Config{}, err
	}
	return kafka.Config{Brokers: []string{r.Kafka}}, nil
}

func readReady(dir string) (r Ready, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "ready.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("find touchline up: none is ready on %s", dir)
	}
	if err != nil {
		return r, fmt.Errorf("find touchline up: %w", err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("find touchline up: read %s/ready.json: %w", dir, err)
	}
	return r, nil
}

// client connects as an operator; errors of the network are answers here, not
// something to wait out.
func (w where) client(ctx context.Context, id string, opts ...kgo.Opt) (*kgo.Client, error) {
	cfg, err := w.kafka()
	if err != nil {
		return nil, err
	}
	for _, b := range cfg.Brokers {
		conn, derr := (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, "tcp", b)
		if derr != nil {
			err = errors.Join(err, derr)
			continue
		}
		_ = conn.Close() // only the connecting counted
		return kafka.NewClient(cfg, kafka.Deps{Log: zap.NewNop()}, id, opts...)
	}
	return nil, fmt.Errorf("connect to Kafka: %w", err)
}

type topicsSettings struct {
	Dir        string   `yaml:"dir" doc:"Directory of a running touchline up, whose broker is used."`
	Brokers    []string `yaml:"brokers" doc:"Kafka brokers to start from, host:port; instead of dir."`
	Partitions int32    `yaml:"partitions" doc:"Partitions of every topic that is created. They are never added later."`
	Replicas   int16    `yaml:"replicas" doc:"Replicas of every topic that is created: 3 in production, with 2 in sync for an acknowledgement."`
}

// topicsCommand creates and checks the topics (apply) or shows them (list).
func topicsCommand(c *call) error {
	if len(c.args) == 0 || c.args[0] != "apply" && c.args[0] != "list" {
		c.code = config.ExitBadConfig
		return errors.New("want apply or list: touchline topics apply|list [FLAGS]")
	}
	verb := c.args[0]
	c.args = c.args[1:]
	s := topicsSettings{Partitions: topics.DefaultPartitions, Replicas: 3}
	if done, err := c.load("touchline-topics", &s); done || err != nil {
		return err
	}
	cl, err := where{s.Dir, s.Brokers}.client(c.ctx, "touchline-topics")
	if err != nil {
		return err
	}
	defer cl.Close()
	if verb == "list" {
		return listTopics(c, cl)
	}
	applied, err := kafka.Apply(c.ctx, cl, s.Partitions, s.Replicas)
	for _, a := range applied {
		state := "as declared"
		switch {
		case a.Created:
			state = "created"
		case len(a.Differs) > 0:
			state = "DIFFERS: " + strings.Join(a.Differs, "; ")
			c.code = 1
		}
		if _, werr := fmt.Fprintf(c.stdout, "%-26s %s\n", a.Topic, state); werr != nil {
			return werr
		}
	}
	return err
}

func listTopics(c *call, cl *kgo.Client) error {
	adm := kadm.NewClient(cl)
	var names []string
	for _, t := range topics.All() {
		names = append(names, t.Name)
	}
	details, err := adm.ListTopics(c.ctx, names...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	starts, err := adm.ListStartOffsets(c.ctx, names...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	ends, err := adm.ListEndOffsets(c.ctx, names...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "TOPIC\tPARTITIONS\tREPLICAS\tRECORDS\tWRITTEN") // Flush reports the error
	for _, name := range names {
		d := details[name]
		if d.Err != nil {
			_, _ = fmt.Fprintf(w, "%s\tmissing: %v\t\t\t\n", name, d.Err)
			c.code = 1
			continue
		}
		var held, written int64
		ends.Each(func(o kadm.ListedOffset) {
			if o.Topic == name {
				start, _ := starts.Lookup(name, o.Partition)
				held += o.Offset - start.Offset
				written += o.Offset
			}
		})
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", name, len(d.Partitions), d.Partitions.NumReplicas(), held, written)
	}
	return w.Flush()
}

type migrateSettings struct {
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
}

// migrate brings the schema up to date and prints what it has done.
func migrate(c *call) error {
	s := migrateSettings{ClickHouse: clickhouse.Default()}
	if done, err := c.load("touchline-migrate", &s); done || err != nil {
		return err
	}
	conn, err := clickhouse.Open(s.ClickHouse)
	if err != nil {
		return err
	}
	defer conn.Close()
	applied, err := clickhouse.Migrate(c.ctx, conn, s.ClickHouse.Account())
	for _, name := range append(applied.Migrations, applied.Views...) {
		if _, werr := fmt.Fprintln(c.stdout, "applied", name); werr != nil {
			return werr
		}
	}
	if err == nil && len(applied.Migrations)+len(applied.Views) == 0 {
		_, err = fmt.Fprintln(c.stdout, "up to date")
	}
	return err
}
