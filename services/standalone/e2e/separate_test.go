package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	server "touchline.dev/services/internal/embedded/clickhouse"
)

// installationSecret is given to all enrichers, as in production.
const installationSecret = "000102030405060708090a0b0c0d0e0f"

// separate is every service as a process of its own, two enrichers among them.
// The broker keeps its address, the others take free ports at each start.
type separate struct {
	site       *site
	broker     *process
	brokerAddr string
	clickhouse *server.Server
	services   map[string]*process
	url        atomic.Pointer[string]
}

func newSeparate(s *site) deployment {
	d := &separate{site: s, services: map[string]*process{}}
	d.url.Store(new(string))
	return d
}

func (d *separate) start(t *testing.T) {
	t.Helper()
	d.startBroker(t)
	d.startClickHouse(t)
	w := d.clickhouse.Writer()
	r := execute(t, []string{"TOUCHLINE_MIGRATE_CLICKHOUSE_PASSWORD=" + w.Password}, "touchline",
		"migrate", "--clickhouse.url", d.clickhouse.HTTPURL(), "--clickhouse.user", w.User)
	if r.code != 0 {
		t.Fatalf("migrate: %+v", r)
	}
	for _, name := range serviceNames() {
		d.launchService(t, name)
	}
	for _, name := range serviceNames() {
		d.awaitService(t, name)
	}
}

func (d *separate) startBroker(t *testing.T) {
	t.Helper()
	d.broker, d.brokerAddr = launchBroker(t, d.site, d.brokerAddr)
}

func (d *separate) startClickHouse(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // it may have to be fetched
	defer cancel()
	engine, err := server.Locate(ctx, server.LocateConfig{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	cfg := server.Default()
	cfg.Engine, cfg.Dir = engine, d.site.path("clickhouse")
	if d.clickhouse, err = server.Start(ctx, cfg); err != nil {
		t.Fatal(err)
	}
}

func serviceNames() []string { return []string{"collector", "enricher-1", "enricher-2", "scorer"} }

// launchService starts a service without waiting for it.
func (d *separate) launchService(t *testing.T, name string) {
	t.Helper()
	w := d.clickhouse.Writer()
	var kind string
	var env []string
	storing := func(prefix string) []string {
		return []string{
			prefix + "_KAFKA_BROKERS=" + d.brokerAddr, prefix + "_CLICKHOUSE_URL=" + d.clickhouse.HTTPURL(),
			prefix + "_CLICKHOUSE_USER=" + w.User, prefix + "_CLICKHOUSE_PASSWORD=" + w.Password,
			// Partitions of a killed process are free again after this time, the
			// shortest that brokers allow.
			prefix + "_MEMBERSHIP_SESSION_TIMEOUT=6s", prefix + "_MEMBERSHIP_HEARTBEAT_INTERVAL=500ms",
		}
	}
	switch name {
	case "collector":
		kind = "collector"
		env = []string{
			"COLLECTOR_KAFKA_BROKERS=" + d.brokerAddr, "COLLECTOR_HTTP_LISTEN=127.0.0.1:0",
			"COLLECTOR_PROJECTS_FILE=" + d.site.projects(), "COLLECTOR_PROJECTS_INTERVAL=50ms",
		}
	case "enricher-1", "enricher-2":
		kind = "enricher"
		env = append(storing("ENRICHER"),
			"ENRICHER_STATE_DIR="+d.site.path(name), "ENRICHER_STATE_INSTALLATION_SECRET="+installationSecret,
			"ENRICHER_PROJECTS_FILE="+d.site.projects(), "ENRICHER_PROJECTS_INTERVAL=50ms")
		if name == "enricher-1" { // a static member takes its partitions up again where a dynamic one waits
			env = append(env, "ENRICHER_MEMBERSHIP_INSTANCE_ID="+name)
		}
	case "scorer":
		kind = "scorer"
		env = storing("SCORER")
	default:
		t.Fatalf("no service %q", name)
	}
	d.services[name] = launch(t, d.site, name, program(kind), nil, environment(env...))
}

// awaitService returns when the service says it is ready.
func (d *separate) awaitService(t *testing.T, name string) {
	t.Helper()
	p := d.services[name]
	p.await(t, "ready")
	if name == "collector" {
		url := "http://" + p.await(t, "collector listens").Address
		d.url.Store(&url)
	}
	admin := adminOf(t, p)
	await(t, startTime, name+" is ready", func() error {
		answer, err := client().Get(admin + "/readyz")
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		return nil
	})
}

func adminOf(t *testing.T, p *process) string {
	t.Helper()
	return "http://" + p.await(t, "starting").Admin
}

func (d *separate) stop(t *testing.T) {
	t.Helper()
	for _, name := range serviceNames() {
		d.services[name].stop(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), stopTime)
	defer cancel()
	if err := d.clickhouse.Stop(ctx); err != nil {
		t.Errorf("stop clickhouse: %v", err)
	}
	d.broker.stop(t)
}

func (d *separate) kill() {
	for _, p := range d.services {
		p.kill()
	}
	if d.clickhouse != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		_ = errors.Join(d.clickhouse.Kill(), d.clickhouse.Stop(ctx)) // it may have ended before
	}
	d.broker.kill()
}

func (d *separate) place() *site      { return d.site }
func (d *separate) collector() string { return *d.url.Load() }
func (d *separate) kafka() string     { return d.brokerAddr }

func (d *separate) admins() []string {
	var urls []string
	for _, p := range d.services {
		if line, ok := p.logged("starting"); ok {
			urls = append(urls, "http://"+line.Admin)
		}
	}
	return urls
}

func (d *separate) bi() database {
	c := d.clickhouse.BI()
	return database{d.clickhouse.HTTPURL(), c.User, c.Password}
}

func (d *separate) writer() database {
	c := d.clickhouse.Writer()
	return database{d.clickhouse.HTTPURL(), c.User, c.Password}
}

func (d *separate) parts() []part {
	var parts []part
	for _, name := range serviceNames() {
		parts = append(parts, part{name, func(*testing.T) { d.services[name].kill() }, func(t *testing.T) {
			t.Helper()
			d.launchService(t, name)
			d.awaitService(t, name)
		}})
	}
	return append(parts,
		part{"broker", func(*testing.T) { d.broker.kill() }, d.startBroker},
		// The supervisor starts it again by itself, on the same port.
		part{"clickhouse", d.killClickHouse, func(*testing.T) {}},
	)
}

func (d *separate) killClickHouse(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(d.clickhouse.Pid(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(fmt.Errorf("kill clickhouse: %w", err))
	}
}
