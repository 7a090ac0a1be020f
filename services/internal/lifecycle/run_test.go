package lifecycle_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
)

// process is a running lifecycle.Run whose log can be waited on.
type process struct {
	t     *testing.T
	logs  *bufio.Scanner
	seen  []string
	admin string
	code  chan int
}

func start(t *testing.T, ctx context.Context, cfg lifecycle.Config, onReady func(*telemetry.Telemetry) error, components map[string]lifecycle.Component) *process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, logs: bufio.NewScanner(r), code: make(chan int, 1)}
	t.Cleanup(func() {
		r.Close()
		if t.Failed() {
			t.Log(strings.Join(p.seen, "\n"))
		}
	})
	go func() {
		p.code <- lifecycle.Run(ctx, lifecycle.Process{
			Service: "app", Lifecycle: cfg, Telemetry: telemetry.Default(), Logs: w, Ready: onReady,
		}, func(_ *telemetry.Telemetry, g *lifecycle.Group) error {
			for name, c := range components {
				g.Add(name, c)
			}
			return nil
		})
		w.Close()
	}()
	return p
}

// until reads log lines up to the one with this message.
func (p *process) until(msg string) {
	p.t.Helper()
	for p.logs.Scan() {
		p.seen = append(p.seen, p.logs.Text())
		var line struct{ Msg, Admin string }
		if err := json.Unmarshal(p.logs.Bytes(), &line); err != nil {
			p.t.Fatal(err)
		}
		if line.Admin != "" {
			p.admin = line.Admin
		}
		if line.Msg == msg {
			return
		}
	}
	p.t.Fatalf("no line %q", msg)
}

// exit reads the remaining lines and returns the exit code and the last one.
func (p *process) exit() (code int, last string) {
	p.t.Helper()
	for p.logs.Scan() {
		p.seen = append(p.seen, p.logs.Text())
	}
	return <-p.code, p.seen[len(p.seen)-1]
}

func (p *process) ready() string {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	res, err := client.Get("http://" + p.admin + "/readyz")
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(body))
}

func raise(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		t.Fatal(err)
	}
}

// gate is a component whose readiness and drain the test decides.
type gate struct{ opened, draining, drained chan struct{} }

func newGate() gate {
	return gate{make(chan struct{}), make(chan struct{}), make(chan struct{})}
}

func (g gate) component() lifecycle.Component {
	return lifecycle.Func(func(ctx context.Context, ready func()) error {
		<-g.opened
		ready()
		<-ctx.Done()
		close(g.draining)
		<-g.drained
		return nil
	})
}

func TestRun_drainsOnSignal(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		g := newGate()
		p := start(t, t.Context(), lifecycle.Default(), nil, map[string]lifecycle.Component{"svc": g.component()})
		p.until("starting")
		if got := p.ready(); got != `{"ready":false,"reasons":{"process":"starting"}}` {
			t.Errorf("got %s", got)
		}
		close(g.opened)
		p.until("ready")
		if got := p.ready(); got != `{"ready":true}` {
			t.Errorf("got %s", got)
		}
		raise(t, s)
		p.until("stopping")
		<-g.draining
		if got := p.ready(); got != `{"ready":false,"reasons":{"process":"draining"}}` { // the admin listener outlives the drain
			t.Errorf("got %s", got)
		}
		close(g.drained)
		if code, last := p.exit(); code != 0 || !strings.Contains(last, `"msg":"stopped"`) {
			t.Errorf("exit %d after %s", code, last)
		}
	}
}

func TestRun_secondSignalEndsTheDrain(t *testing.T) {
	g := newGate()
	close(g.opened)
	p := start(t, t.Context(), lifecycle.Config{DrainTimeout: time.Hour}, nil, map[string]lifecycle.Component{"svc": g.component()})
	p.until("ready")
	began := time.Now()
	raise(t, syscall.SIGTERM)
	<-g.draining
	// An echo of the first: make, timeout and terminals send it twice.
	raise(t, syscall.SIGTERM)
	<-time.After(1100*time.Millisecond - time.Since(began))
	if got := p.ready(); !strings.Contains(got, "draining") {
		t.Errorf("the echo was taken for a second signal: %s", got)
	}
	raise(t, syscall.SIGTERM)
	if code, last := p.exit(); code != 1 || !strings.Contains(last, lifecycle.ErrInterrupted.Error()) {
		t.Errorf("exit %d after %s", code, last)
	}
	close(g.drained) // let the abandoned goroutines end
}

func TestRun_delayKeepsServingWhileNotReady(t *testing.T) {
	g := newGate()
	close(g.opened)
	p := start(t, t.Context(), lifecycle.Config{DrainDelay: 200 * time.Millisecond, DrainTimeout: time.Hour}, nil, map[string]lifecycle.Component{"svc": g.component()})
	p.until("ready")
	began := time.Now()
	raise(t, syscall.SIGTERM)
	<-g.draining
	if waited := time.Since(began); waited < 200*time.Millisecond {
		t.Errorf("drained after %v", waited)
	}
	close(g.drained)
	if code, _ := p.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestRun_deadline(t *testing.T) {
	g := newGate()
	close(g.opened)
	ctx, cancel := context.WithCancel(t.Context())
	p := start(t, ctx, lifecycle.Config{DrainTimeout: 50 * time.Millisecond}, nil, map[string]lifecycle.Component{"svc": g.component()})
	p.until("ready")
	cancel()
	if code, last := p.exit(); code != 1 || !strings.Contains(last, "stop admin listener, svc: not drained before the deadline of 50ms") {
		t.Errorf("exit %d after %s", code, last)
	}
	close(g.drained)
}

func TestRun_componentFails(t *testing.T) {
	p := start(t, t.Context(), lifecycle.Config{DrainDelay: time.Hour, DrainTimeout: 2 * time.Hour}, nil,
		map[string]lifecycle.Component{"svc": failing(0, errDown, nil)})
	p.until("stopping") // without the delay: nothing is served any more
	if code, last := p.exit(); code != 1 || !strings.Contains(last, `"error":"run svc: down"`) {
		t.Errorf("exit %d after %s", code, last)
	}
}

func TestRun_announces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ready.json")
	ctx, cancel := context.WithCancel(t.Context())
	g := newGate()
	close(g.opened)
	close(g.drained)
	p := start(t, ctx, lifecycle.Default(), func(t *telemetry.Telemetry) error {
		return lifecycle.WriteReady(file, map[string]string{"admin": t.Admin.Addr()})
	}, map[string]lifecycle.Component{"svc": g.component()})
	p.until("ready")
	text, err := os.ReadFile(file)
	if err != nil || string(text) != `{"admin":"`+p.admin+`"}`+"\n" {
		t.Errorf("%q, %v", text, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	cancel()
	if code, _ := p.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}

	p = start(t, t.Context(), lifecycle.Default(), func(*telemetry.Telemetry) error {
		return lifecycle.WriteReady("/nowhere/ready.json", nil)
	}, nil)
	if code, last := p.exit(); code != 1 || !strings.Contains(last, "announce readiness: create ready file: ") {
		t.Errorf("exit %d after %s", code, last)
	}
}

func TestWriteReady_leavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	if err := lifecycle.WriteReady(filepath.Join(dir, "ready"), make(chan int)); err == nil {
		t.Error("a channel was encoded")
	}
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := lifecycle.WriteReady(filepath.Join(dir, "taken"), 1); err == nil {
		t.Error("a directory was replaced")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestRun_cannotBegin(t *testing.T) {
	var logs strings.Builder
	p := lifecycle.Process{Service: "app", Lifecycle: lifecycle.Default(), Telemetry: telemetry.Config{Admin: "x", LogLevel: "info"}, Logs: &logs}
	never := func(*telemetry.Telemetry, *lifecycle.Group) error { return errDown }
	if code := lifecycle.Run(t.Context(), p, never); code != 1 || !strings.HasPrefix(logs.String(), "app: check telemetry configuration: admin: ") {
		t.Errorf("exit %d, %s", code, logs.String())
	}
	logs.Reset()
	p.Telemetry, p.Lifecycle = telemetry.Default(), lifecycle.Config{}
	if code := lifecycle.Run(t.Context(), p, never); code != 1 || !strings.HasPrefix(logs.String(), "app: check lifecycle configuration: drain_timeout: ") {
		t.Errorf("exit %d, %s", code, logs.String())
	}
	logs.Reset()
	p.Lifecycle = lifecycle.Default()
	if code := lifecycle.Run(t.Context(), p, never); code != 1 || !strings.Contains(logs.String(), `"error":"down"`) {
		t.Errorf("exit %d, %s", code, logs.String())
	}
}

func TestConfig_validates(t *testing.T) {
	f := func(delay, timeout time.Duration, want int) {
		t.Helper()
		var problems config.Problems
		errors.As(config.Check(lifecycle.Config{DrainDelay: delay, DrainTimeout: timeout}), &problems)
		if len(problems) != want {
			t.Errorf("got %v", problems)
		}
	}
	f(0, 10*time.Second, 0)
	f(5*time.Second, 10*time.Second, 0)
	f(10*time.Second, 10*time.Second, 1)
	f(-1, 10*time.Second, 1)
	f(0, 0, 1)
	f(0, -1, 1)
}
