package collector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"touchline.dev/services/collector"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafkatest"
)

// logs keeps the log lines of a process.
type logs struct {
	mu    sync.Mutex // guards lines
	lines bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// field returns a field of the first log line with the message.
func (l *logs) field(message, name string) string {
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == message {
			return fmt.Sprint(fields[name])
		}
	}
	return ""
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// TestProcess runs the service as its binary does: settings from file and
// environment, a projects file that changes, the admin listener, a clean end.
func TestProcess(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	cluster := kafkatest.Start(t)
	dir := t.TempDir()
	file, projects := filepath.Join(dir, "collector.yaml"), filepath.Join(dir, "projects.yaml")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, "http: {listen: '127.0.0.1:0', limits: {max_events: 2}}\nprojects: {interval: 10ms}\n")
	write(projects, "projects: [{id: shop, write_keys: [key-alpha]}]")

	ctx, cancel := context.WithCancel(t.Context())
	out := &logs{}
	exit := make(chan int, 1)
	go func() {
		exit <- collector.Main(ctx, []string{"--config", file, "--telemetry.admin", "127.0.0.1:0"}, []string{
			"COLLECTOR_KAFKA_BROKERS=" + strings.Join(cluster.Kafka.Brokers, ","), "COLLECTOR_PROJECTS_FILE=" + projects,
		}, out, out)
	}()
	defer cancel()
	kafkatest.Eventually(t, "the collector to be ready", func() bool {
		select {
		case code := <-exit:
			t.Fatalf("exit %d: %s", code, out)
		default:
		}
		return strings.Contains(out.String(), `"msg":"ready"`)
	})
	admin, s := "http://"+out.field("starting", "admin"), &service{}
	addr := out.field("collector listens", "address")
	kafkatest.Eventually(t, "readiness", func() bool {
		status, _ := get(t, admin+"/readyz")
		return status == 200
	})
	post := func(key string) int {
		req, err := http.NewRequest("POST", "http://"+addr+"/v1/track", strings.NewReader(`{"userId":"u"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(key, "")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	if first, second := post("key-alpha"), post("key-beta"); first != 200 || second != 401 {
		t.Errorf("keys of the file: %d, %d", first, second)
	}
	write(projects, "projects: [{id: shop, write_keys: [key-beta]}]")
	kafkatest.Eventually(t, "the new key to be known", func() bool { return post("key-beta") == 200 })
	if old := post("key-alpha"); old != 401 {
		t.Errorf("a removed key is answered %d", old)
	}
	_, metrics := get(t, admin+"/metrics")
	for _, want := range []string{
		`touchline_collector_requests_total{code="200",route="/v1/track",service="collector"}`,
		`touchline_collector_events_total{outcome="accepted",reason="",service="collector"}`,
		`touchline_collector_request_duration_seconds_count{route="/v1/track",service="collector"}`,
		`touchline_collector_ack_seconds_count{service="collector"} 2`,
		`touchline_collector_inflight_bytes{service="collector"} 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no metric %s", want)
		}
	}
	if strings.Contains(metrics, "shop") || strings.Contains(metrics, "key-") {
		t.Errorf("metrics name a project or a key")
	}
	cancel()
	if code := <-exit; code != 0 {
		t.Errorf("exit %d", code)
	}
	s.cluster = cluster
	if n := len(s.records(t)); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
	if text := out.String(); strings.Count(text, "\n") > 12 || strings.Contains(text, "key-") {
		t.Errorf("logs:\n%s", text)
	}
}

func TestBadSettings(t *testing.T) {
	var out, problems bytes.Buffer
	code := collector.Main(t.Context(), []string{"--http.listen", "nowhere", "--http.limits.max-inflight-bytes=1MiB"},
		[]string{"COLLECTOR_HTTP_TRUSTED_PROXIES=10.0.0.1/8", "COLLECTOR_HTTP_TIMEOUTS_ACK=-1s", "COLLECTOR_KAFKA_BROKER=x"}, &out, &problems)
	if code != config.ExitBadConfig {
		t.Errorf("exit %d", code)
	}
	for _, path := range []string{
		"http.listen", "http.limits.max_inflight_bytes", "http.trusted_proxies", "http.timeouts.ack", "COLLECTOR_KAFKA_BROKER", "projects.file",
	} {
		if !strings.Contains(problems.String(), path) {
			t.Errorf("no problem with %s in:\n%s", path, &problems)
		}
	}
	out.Reset()
	if code := collector.Main(t.Context(), []string{"--projects.file", "p.yaml", "--check-config"}, nil, &out, &problems); code != 0 {
		t.Errorf("check of good settings: exit %d", code)
	}
}

func TestBadConfig(t *testing.T) {
	f := func(key string, change func(*collector.Config)) {
		t.Helper()
		cfg := collector.Default()
		change(&cfg)
		if err := config.Check(cfg); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := collector.New(cfg, collector.Deps{}); err == nil {
			t.Errorf("%s: New accepts it", key)
		}
	}
	f("http.listen", func(c *collector.Config) { c.HTTP.Listen = "" })
	f("http.limits.max_body_bytes", func(c *collector.Config) { c.HTTP.Limits.MaxBodyBytes = 0 })
	f("http.limits.max_wire_bytes", func(c *collector.Config) { c.HTTP.Limits.MaxWireBytes = 1 << 40 })
	f("http.limits.max_event_bytes", func(c *collector.Config) { c.HTTP.Limits.MaxEventBytes = 1<<20 + 1 })
	f("http.limits.max_inflight_bytes", func(c *collector.Config) { c.HTTP.Limits.MaxInflightBytes = 8 * config.MiB })
	f("http.limits.max_events", func(c *collector.Config) { c.HTTP.Limits.MaxEvents = 0 })
	f("http.limits.max_depth", func(c *collector.Config) { c.HTTP.Limits.MaxDepth = 0 })
	f("http.limits.max_keys", func(c *collector.Config) { c.HTTP.Limits.MaxKeys = 0 })
	f("http.limits.max_string_bytes", func(c *collector.Config) { c.HTTP.Limits.MaxStringBytes = 0 })
	f("http.limits.max_connections", func(c *collector.Config) { c.HTTP.Limits.MaxConnections = 0 })
	f("http.timeouts.read", func(c *collector.Config) { c.HTTP.Timeouts.Read = 0 })
	f("kafka.brokers", func(c *collector.Config) { c.Kafka.Brokers = nil })
	if err := config.Check(collector.Default()); err != nil {
		t.Errorf("defaults: %v", err)
	}
}

// Connections over the limit wait; one that ends makes room.
func TestConnectionLimit(t *testing.T) {
	s := start(t, func(c *collector.Config) { c.HTTP.Limits.MaxConnections = 1 })
	first, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); err != nil { // it is accepted and stays open
		t.Fatal(err)
	}
	second, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := io.WriteString(second, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := second.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := second.Read(make([]byte, 1)); err == nil {
		t.Fatalf("%d bytes answered over the limit", n)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Read(make([]byte, 1)); err != nil {
		t.Errorf("no answer after the first connection closed: %v", err)
	}
}
