package telemetry_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/internal/version"
)

// start runs an admin server until the test ends.
func start(t *testing.T) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.New(telemetry.Default(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tel.Admin.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return tel
}

func get(t *testing.T, tel *telemetry.Telemetry, path string) (status int, header http.Header, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	res, err := client.Get("http://" + tel.Admin.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

func TestReadiness(t *testing.T) {
	tel := start(t)
	f := func(status int, body string) {
		t.Helper()
		for _, path := range []string{"/readyz", "/healthz"} {
			gotStatus, header, got := get(t, tel, path)
			if gotStatus != status || got != body+"\n" || header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s %v", path, gotStatus, got, header)
			}
		}
		if status, _, got := get(t, tel, "/livez"); status != 200 || got != `{"live":true}`+"\n" {
			t.Errorf("/livez: %d %s", status, got)
		}
	}
	f(200, `{"ready":true}`)
	tel.Health.Set("kafka", false, `no "broker"`)
	f(503, `{"ready":false,"reasons":{"kafka":"no \"broker\""}}`)

	var disk error
	collector := tel.Deps.Named("collector")
	collector.Health.Probe("disk", func() error { return disk })
	disk = errors.New("full")
	f(503, `{"ready":false,"reasons":{"collector.disk":"full","kafka":"no \"broker\""}}`)
	tel.Health.Set("kafka", true, "ignored")
	f(503, `{"ready":false,"reasons":{"collector.disk":"full"}}`)
	disk = nil
	f(200, `{"ready":true}`)
	collector.Health.Set("kafka", false, "lag")
	tel.Health.Set("kafka", true, "")
	f(503, `{"ready":false,"reasons":{"collector.kafka":"lag"}}`)
}

func TestMetrics(t *testing.T) {
	tel := start(t)
	for _, service := range []string{"collector", "enricher"} { // the same name twice: labels keep them apart
		events := prometheus.NewCounter(prometheus.CounterOpts{Name: "touchline_events_total", Help: "Events."})
		tel.Deps.Named(service).Metrics.MustRegister(events)
		events.Inc()
	}
	status, _, body := get(t, tel, "/metrics")
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	for _, line := range []string{
		`touchline_events_total{service="collector"} 1`,
		`touchline_events_total{service="enricher"} 1`,
		`touchline_build_info{version="` + version.String() + `"} 1`,
		"go_goroutines ",
		"process_open_fds ",
	} {
		if !strings.Contains(body, "\n"+line) {
			t.Errorf("no %s", line)
		}
	}
}

func TestTwoInstancesInOneProcess(t *testing.T) {
	a, b := start(t), start(t)
	a.Health.Set("x", false, "y")
	if status, _, _ := get(t, b, "/readyz"); status != 200 {
		t.Error("instances share their health")
	}
	if a.Admin.Addr() == b.Admin.Addr() {
		t.Error("instances share their address")
	}
}

func TestProfilesAndUnknownPaths(t *testing.T) {
	tel := start(t)
	f := func(path string, status int) {
		t.Helper()
		if got, _, body := get(t, tel, path); got != status || body == "" {
			t.Errorf("%s: %d, %d bytes", path, got, len(body))
		}
	}
	f("/debug/pprof/", 200)
	f("/debug/pprof/heap", 200)
	f("/debug/pprof/goroutine?debug=1", 200)
	f("/debug/pprof/cmdline", 200)
	f("/debug/pprof/symbol", 200)
	f("/debug/pprof/trace?seconds=0.01", 200)
	f("/debug/pprof/nonsense", 404)
	f("/", 404)
	res, err := http.Post("http://"+tel.Admin.Addr()+"/metrics", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

// A stop must not wait for a profile, or for a peer that sends half a request.
func TestRun_stopsWhileAnswersAreInFlight(t *testing.T) {
	tel, err := telemetry.New(telemetry.Default(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tel.Admin.Run(ctx) }()

	conn, err := net.Dial("tcp", tel.Admin.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /debug/pprof/trace?seconds=60 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") { // the trace has begun
		t.Fatalf("%q %v", line, err)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("still running")
	}
	if _, err := net.Dial("tcp", tel.Admin.Addr()); err == nil {
		t.Error("still listening")
	}
}

func TestNew_refuses(t *testing.T) {
	taken := start(t).Admin.Addr()
	if _, err := telemetry.New(telemetry.Config{Admin: taken, LogLevel: "info"}, io.Discard); err == nil || !strings.HasPrefix(err.Error(), "open admin listener: ") {
		t.Errorf("got %v", err)
	}
	_, err := telemetry.New(telemetry.Config{Admin: "9090", LogLevel: "loud"}, io.Discard)
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) != 2 {
		t.Errorf("got %v", err)
	}
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	log, err := telemetry.NewLogger("info", &out)
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("unseen")
	log.Info("line\nbreak", zap.Duration("took", 1500*time.Millisecond), zap.Error(errors.New("x")), zap.Stringer("secret", config.NewSecret("hunter2")), zap.Any("also", config.NewSecret("hunter2")))
	var line struct {
		Time, Level, Msg, Error, Secret, Also string
		Took                                  float64
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if at, err := time.Parse("2006-01-02T15:04:05.000Z", line.Time); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("time %q, %v", line.Time, err)
	}
	if line.Level != "info" || line.Msg != "line\nbreak" || line.Error != "x" || line.Took != 1.5 || line.Secret != "***" || line.Also != "***" || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("got %s", out.String())
	}
	for _, level := range []string{"", "INFO", "fatal", "trace"} {
		if _, err := telemetry.NewLogger(level, &out); err == nil {
			t.Errorf("level %q is accepted", level)
		}
	}
}

func TestNamed_marksLogLines(t *testing.T) {
	var out bytes.Buffer
	tel, err := telemetry.New(telemetry.Default(), &out)
	if err != nil {
		t.Fatal(err)
	}
	defer tel.Admin.Close()
	tel.Deps.Named("collector").Log.Info("hello")
	if !strings.Contains(out.String(), `"service":"collector"`) {
		t.Errorf("got %s", out.String())
	}
}

func TestHealth_concurrently(t *testing.T) {
	h := telemetry.NewHealth()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			named := h.Named(string(rune('a' + i)))
			for range 200 {
				named.Set("x", false, "y")
				named.Probe("p", func() error { h.Set("again", true, ""); return nil }) // a probe may set
				h.Reasons()
				named.Set("x", true, "")
			}
		})
	}
	wg.Wait()
	if reasons := h.Reasons(); len(reasons) != 0 {
		t.Errorf("got %v", reasons)
	}
}
