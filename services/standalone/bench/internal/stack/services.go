package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"touchline.dev/services/internal/clickhouse"
	server "touchline.dev/services/internal/embedded/clickhouse"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/standalone/bench/internal/load"
)

// Project is the id of the one project there is.
const Project = "bench"

// pausedTimeout is how long the enricher may be paused and keep its partitions.
const pausedTimeout = "60s"

// Services is the pipeline as separate processes.
type Services struct {
	Broker, Collector, Enricher *Process
	// Addr is host:port of the collector.
	Addr       string
	Kafka      kafka.Config
	ClickHouse clickhouse.Config
	server     clickHouse
	// BI is the user that reads what is queryable.
	BI clickhouse.Config
	// Landing is held until it is released.
	Landing *Hold
}

// Options say how the pipeline is started.
type Options struct {
	// Partitions is how many every topic has.
	Partitions int
}

// stopper is a part that can be stopped.
type stopper interface{ stop() error }

func stopAfter(err error, parts ...stopper) error {
	for _, p := range slices.Backward(parts) {
		err = errors.Join(err, p.stop())
	}
	return err
}

// clickHouse is the engine, which its supervisor would start again.
type clickHouse struct{ *server.Server }

func (c clickHouse) stop() error { return c.Stop(context.Background()) }

// ClickHousePID is the id of the engine's process.
func (s *Services) ClickHousePID() int { return s.server.Pid() }

// StartServices starts the pipeline in dir with the programs that Build has put
// into bin, and returns when all of it is ready, with landing held.
func StartServices(ctx context.Context, bin, dir string, o Options) (*Services, error) {
	s := &Services{}
	projects, err := writeProjects(dir)
	if err != nil {
		return nil, err
	}
	var started []stopper
	fail := func(err error) (*Services, error) { return nil, stopAfter(err, started...) }

	var brokerAddr string
	if s.Broker, brokerAddr, err = startRole(ctx, roleBroker, dir, filepath.Join(dir, "kafka"), strconv.Itoa(o.Partitions)); err != nil {
		return nil, err
	}
	started = append(started, s.Broker)
	s.Kafka = kafka.Config{Brokers: []string{brokerAddr}}
	if s.Landing, err = holdLanding(ctx, s.Kafka); err != nil {
		return fail(err)
	}
	started = append(started, s.Landing)

	if s.server.Server, s.ClickHouse, err = startClickHouse(ctx, dir); err != nil {
		return fail(err)
	}
	started = append(started, s.server)
	s.BI = asBI(s.ClickHouse, s.server.BI())

	if s.Enricher, err = startService(ctx, "enricher", filepath.Join(bin, "enricher"), dir, []string{
		"ENRICHER_KAFKA_BROKERS=" + brokerAddr, "ENRICHER_PROJECTS_FILE=" + projects,
		"ENRICHER_STATE_DIR=" + filepath.Join(dir, "enricher"),
		"ENRICHER_CLICKHOUSE_URL=" + s.ClickHouse.URL, "ENRICHER_CLICKHOUSE_USER=" + s.ClickHouse.User,
		"ENRICHER_CLICKHOUSE_PASSWORD=" + s.ClickHouse.Password.Reveal(),
		"ENRICHER_MEMBERSHIP_SESSION_TIMEOUT=" + pausedTimeout,
	}); err != nil {
		return fail(err)
	}
	started = append(started, s.Enricher)

	if s.Collector, err = startService(ctx, "collector", filepath.Join(bin, "collector"), dir, []string{
		"COLLECTOR_KAFKA_BROKERS=" + brokerAddr, "COLLECTOR_PROJECTS_FILE=" + projects, "COLLECTOR_HTTP_LISTEN=127.0.0.1:0",
	}); err != nil {
		return fail(err)
	}
	started = append(started, s.Collector)
	if s.Addr, err = s.Collector.field(ctx, "collector listens", "address"); err != nil {
		return fail(err)
	}
	return s, nil
}

// Stop ends the pipeline, in the order in which data flows.
func (s *Services) Stop() error {
	return stopAfter(nil, s.Broker, s.Landing, s.server, s.Enricher, s.Collector)
}

// startService starts a service and returns when it says that it is ready.
func startService(ctx context.Context, name, program, dir string, env []string, args ...string) (*Process, error) {
	p, err := startProcess(name, dir, program, args, env)
	if err != nil {
		return nil, err
	}
	p.service = true
	if _, err = p.field(ctx, "ready", ""); err == nil {
		p.Admin, err = p.field(ctx, "starting", "admin")
	}
	if err != nil {
		return nil, stopAfter(err, p)
	}
	return p, nil
}

// writeProjects writes the projects file and returns its path.
func writeProjects(dir string) (string, error) {
	file := filepath.Join(dir, "projects.yaml")
	text := "projects:\n  - id: " + Project + "\n    write_keys: [" + load.WriteKey + "]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write projects file: %w", err)
	}
	return file, nil
}

func asBI(c clickhouse.Config, bi server.Credentials) clickhouse.Config {
	c.User, c.Password = bi.User, secret(bi.Password)
	return c
}
