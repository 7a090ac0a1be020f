package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	server "touchline.dev/services/internal/embedded/clickhouse"
)

// installationSecret is given to all enrichers, as in production.
const installationSecret = "000102030405060708090a0b0c0d0e0f"

// shortSession is the shortest session that brokers allow by default: partitions
// of a killed process are free again after this time.
const shortSession = 6 * time.Second

// separate is every service as a process of its own. The brokers keep their
// addresses, the others take free ports at each start.
type separate struct {
	site       *site
	brokers    brokers
	clickhouse *server.Server
	services   map[string]*process
	url        atomic.Pointer[string]

	// names are the services to run: a kind, and a number where there may be
	// several.
	names []string
	// static gives every member of a group an instance id, not only the first.
	static bool
	// session is the session timeout of the consumer groups; 0 leaves the default.
	session time.Duration
	// programs are other builds of a kind of service than program's, and settings
	// are what its processes get besides the usual ones, from the next launch on.
	programs map[string]string
	settings map[string][]string
}

func newSeparateOn(s *site, b brokers, names ...string) *separate {
	d := &separate{
		site: s, brokers: b, services: map[string]*process{}, names: names, session: shortSession,
		programs: map[string]string{}, settings: map[string][]string{},
	}
	d.url.Store(new(string))
	return d
}

func (d *separate) start(t *testing.T) {
	t.Helper()
	d.brokers.start(t)
	d.startClickHouse(t)
	apply := execute(t, nil, "touchline", "topics", "apply", "--brokers", d.kafka(), "--partitions", "4",
		"--replicas", fmt.Sprint(d.brokers.replicas()))
	if apply.code != 0 {
		t.Fatalf("topics apply: %+v", apply)
	}
	w := d.clickhouse.Writer()
	r := execute(t, []string{"TOUCHLINE_MIGRATE_CLICKHOUSE_PASSWORD=" + w.Password}, "touchline",
		"migrate", "--clickhouse.url", d.clickhouse.HTTPURL(), "--clickhouse.user", w.User)
	if r.code != 0 {
		t.Fatalf("migrate: %+v", r)
	}
	for _, name := range d.names {
		d.launchService(t, name)
	}
	for _, name := range d.names {
		d.awaitService(t, name)
	}
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

// kindOf returns which program a service runs: enricher-2 is an enricher.
func kindOf(name string) string {
	kind, _, _ := strings.Cut(name, "-")
	return kind
}

// launchService starts a service without waiting for it.
func (d *separate) launchService(t *testing.T, name string) {
	t.Helper()
	kind := kindOf(name)
	path, args, prefix := d.programs[kind], []string(nil), strings.ToUpper(kind)
	switch {
	case kind == "audit":
		path, args, prefix = program("touchline"), []string{"audit"}, "TOUCHLINE_AUDIT"
	case path == "":
		path = program(kind)
	}
	env := slices.Clone(d.settings[kind])
	if kind == "audit" {
		env = append(env, prefix+"_BROKERS="+d.kafka())
	} else {
		env = append(env, prefix+"_KAFKA_BROKERS="+d.kafka())
	}
	if kind != "collector" {
		w := d.clickhouse.Writer()
		env = append(env, prefix+"_CLICKHOUSE_URL="+d.clickhouse.HTTPURL(),
			prefix+"_CLICKHOUSE_USER="+w.User, prefix+"_CLICKHOUSE_PASSWORD="+w.Password)
	}
	if kind == "enricher" || kind == "scorer" {
		if d.session != 0 {
			env = append(env, prefix+"_MEMBERSHIP_SESSION_TIMEOUT="+d.session.String(), prefix+"_MEMBERSHIP_HEARTBEAT_INTERVAL=500ms")
		}
		if d.static || strings.HasSuffix(name, "-1") { // a static member takes its partitions up again where a dynamic one waits
			env = append(env, prefix+"_MEMBERSHIP_INSTANCE_ID="+name)
		}
	}
	if kind == "collector" || kind == "enricher" {
		env = append(env, prefix+"_PROJECTS_FILE="+d.site.projects(), prefix+"_PROJECTS_INTERVAL=50ms")
	}
	switch kind {
	case "collector":
		env = append(env, "COLLECTOR_HTTP_LISTEN=127.0.0.1:0")
	case "enricher":
		env = append(env, "ENRICHER_STATE_DIR="+d.site.path(name), "ENRICHER_STATE_INSTALLATION_SECRET="+installationSecret)
	}
	d.services[name] = launch(t, d.site, name, path, args, environment(env...))
}

// awaitService returns when the service says it is ready.
func (d *separate) awaitService(t *testing.T, name string) {
	t.Helper()
	p := d.services[name]
	await(t, startTime, name+" is ready", func() error {
		if !p.running() {
			t.Fatalf("%s ended with %v\n%s", p.name, p.err, p.tail())
		}
		return d.serves(name)
	})
}

// serves is nil when the service says it is ready. The address of a collector is
// told to clients as soon as it listens.
func (d *separate) serves(name string) error {
	p := d.services[name]
	_, ready := p.logged("ready") // asked first: who is ready has said before where it listens
	if line, ok := p.logged("collector listens"); ok {
		url := "http://" + line.Address
		d.url.Store(&url)
	}
	if !ready {
		return errors.New("not ready yet")
	}
	line, ok := p.logged("starting")
	if !ok {
		return errors.New("has no admin listener yet")
	}
	answer, err := client().Get("http://" + line.Admin + "/readyz")
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

func (d *separate) stop(t *testing.T) {
	t.Helper()
	for _, name := range d.names {
		d.services[name].stop(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), stopTime)
	defer cancel()
	if err := d.clickhouse.Stop(ctx); err != nil {
		t.Errorf("stop clickhouse: %v", err)
	}
	d.brokers.stop(t)
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
	d.brokers.kill()
}

func (d *separate) place() *site      { return d.site }
func (d *separate) collector() string { return *d.url.Load() }
func (d *separate) kafka() string     { return d.brokers.seeds() }

func (d *separate) admins() []string {
	var urls []string
	for _, p := range d.services {
		if line, ok := p.logged("starting"); ok && p.running() {
			urls = append(urls, "http://"+line.Admin)
		}
	}
	return urls
}

func (d *separate) auditor() (args, env []string) {
	w := d.clickhouse.Writer()
	return []string{"--brokers", d.kafka(), "--clickhouse.url", d.clickhouse.HTTPURL(), "--clickhouse.user", w.User},
		[]string{"TOUCHLINE_AUDIT_CLICKHOUSE_PASSWORD=" + w.Password}
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
	for _, name := range d.names {
		parts = append(parts, d.service(name))
	}
	signal := func(sig syscall.Signal) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			d.signalClickHouse(t, sig)
		}
	}
	parts = append(parts, part{
		name: "clickhouse", kill: signal(syscall.SIGKILL), pause: signal(syscall.SIGSTOP), resume: signal(syscall.SIGCONT),
		// The supervisor starts it again by itself, on the same port.
		revive: func(*testing.T) {},
		ready: func() error {
			_, err := d.writer().query("SELECT 1", nil)
			return err
		},
	})
	return append(parts, d.brokers.parts()...)
}

// service is one of the services as a part, whether or not it runs now.
func (d *separate) service(name string) part {
	return part{
		name:   name,
		kill:   func(*testing.T) { d.services[name].kill() },
		revive: func(t *testing.T) { t.Helper(); d.launchService(t, name) },
		ready:  func() error { return d.serves(name) },
		pause:  func(t *testing.T) { t.Helper(); d.services[name].signal(t, syscall.SIGSTOP) },
		resume: func(t *testing.T) { t.Helper(); d.services[name].signal(t, syscall.SIGCONT) },
	}
}

func (d *separate) signalClickHouse(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(d.clickhouse.Pid(), sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(fmt.Errorf("send %s to clickhouse: %w", sig, err))
	}
}
