package collector_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/collector"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
)

// projectsFile has a project for each thing that tests tell apart.
const projectsFile = `
projects:
  - {id: shop, write_keys: [wk_test, {key: wk_web, source: web}]}
  - {id: other, write_keys: [wk_other]}
  - {id: small, write_keys: [wk_small], limits: {max_event_bytes: 1KiB, max_events_per_request: 3}}
  - {id: elsewhere, write_keys: [{key: wk_elsewhere, protocols: [posthog]}]}
`

// now is the clock of received_at in tests.
var now = time.Date(2026, 11, 22, 10, 0, 0, 123e6, time.UTC)

// service is a running collector and its broker.
type service struct {
	*collector.Collector
	cluster  *kafkatest.Cluster
	health   *telemetry.Health
	metrics  *prometheus.Registry
	projects *projects.Set
	// stop ends Run and returns what it returned.
	stop func() error
}

func start(t testing.TB, change ...func(*collector.Config)) *service {
	t.Helper()
	return startOn(t, kafkatest.Start(t), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), change...)
}

func startOn(t testing.TB, cluster *kafkatest.Cluster, log *zap.Logger, change ...func(*collector.Config)) *service {
	t.Helper()
	return startWith(t, cluster, log, nil, change...)
}

// dial opens connections to the broker.
type dial = func(ctx context.Context, network, addr string) (net.Conn, error)

func startWith(t testing.TB, cluster *kafkatest.Cluster, log *zap.Logger, to dial, change ...func(*collector.Config)) *service {
	t.Helper()
	return startWithProjects(t, projectsFile, cluster, log, to, change...)
}

func startWithProjects(t testing.TB, file string, cluster *kafkatest.Cluster, log *zap.Logger, to dial, change ...func(*collector.Config)) *service {
	t.Helper()
	set, err := projects.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	cfg := collector.Default()
	cfg.HTTP.Listen = "127.0.0.1:0"
	cfg.Kafka = cluster.Kafka
	for _, f := range change {
		f(&cfg)
	}
	s := &service{cluster: cluster, health: telemetry.NewHealth(), metrics: prometheus.NewRegistry(), projects: set}
	s.Collector, err = collector.New(cfg, collector.Deps{
		Deps:     telemetry.Deps{Log: log, Metrics: s.metrics, Health: s.health, Now: func() time.Time { return now }},
		Projects: func() *projects.Set { return set },
		Dial:     to,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	s.stop = func() error {
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if !stopped {
			if err := s.stop(); err != nil {
				t.Errorf("stop collector: %v", err)
			}
		}
	})
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatalf("run collector: %v", err)
	}
	return s
}

// raw is one record of the raw topic, decoded.
type raw struct {
	event.Raw
	Key       string
	RID, MID  string
	Partition int32
}

// records returns what the raw topic holds, in the order of partition and offset.
func (s *service) records(t testing.TB) []raw {
	t.Helper()
	var all []raw
	for p := range int32(topics.EmbeddedPartitions) {
		for _, r := range s.cluster.ReadAll(t, topics.Raw, p) {
			all = append(all, decode(t, r))
		}
	}
	return all
}

func decode(t testing.TB, r *kgo.Record) raw {
	t.Helper()
	d := raw{Key: string(r.Key), Partition: r.Partition}
	if err := d.Decode(slices.Clone(r.Value)); err != nil {
		t.Fatalf("decode raw record: %v", err)
	}
	for _, h := range r.Headers {
		switch h.Key {
		case topics.RID:
			d.RID = string(h.Value)
		case topics.MID:
			d.MID = string(h.Value)
		default:
			t.Fatalf("unexpected header %q", h.Key)
		}
	}
	if len(d.RID) != 16 || len(d.MID) != 0 && len(d.MID) != 16 {
		t.Fatalf("rid of %d bytes, mid of %d", len(d.RID), len(d.MID))
	}
	return d
}

// answer is a response, read to its end.
type answer struct {
	*http.Response
	Text string
}

// request sends a request byte for byte on a connection of its own: "\n" in head
// stands for CRLF, and a Content-Length is added unless head has framing.
func (s *service) request(t testing.TB, head, body string) answer {
	t.Helper()
	a, err := s.try(head, body)
	if err != nil {
		t.Fatalf("%s: %v", strings.SplitN(head, "\n", 2)[0], err)
	}
	return a
}

func (s *service) try(head, body string) (answer, error) {
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return answer{}, err
	}
	lower := strings.ToLower(head)
	if !strings.Contains(lower, "\nhost:") {
		head += "\nHost: collect.test"
	}
	if !strings.Contains(lower, "\ncontent-length:") && !strings.Contains(lower, "\ntransfer-encoding:") {
		head += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	go func() { // an answer may come before the body is written
		_, _ = io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body)
	}()
	method, _, _ := strings.Cut(head, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{res, string(text)}, res.Body.Close()
}

// post sends a body with the write key wk_test.
func (s *service) post(t testing.TB, path, body string) answer {
	t.Helper()
	return s.request(t, "POST "+path+" HTTP/1.1\nAuthorization: Basic d2tfdGVzdDo=", body)
}

func (a answer) want(t testing.TB, status int, text string) {
	t.Helper()
	if a.StatusCode != status || a.Text != text {
		t.Errorf("answer %d %s; want %d %s", a.StatusCode, a.Text, status, text)
	}
}

const success = `{"success":true}`

// metric returns the sum of a counter over the label values given as "k=v".
func (s *service) metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	metrics:
		for _, m := range f.Metric {
			for _, want := range labels {
				k, v, _ := strings.Cut(want, "=")
				if !slices.ContainsFunc(m.Label, func(l *labelPair) bool { return l.GetName() == k && l.GetValue() == v }) {
					continue metrics
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// zstandard packs text as a stream does that does not know how long it will be:
// it asks for the whole window.
func zstandard(t testing.TB, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(text)
	if err = errors.Join(err, w.Flush(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t testing.TB, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := newGzip(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func brotlied(t testing.TB, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, 5)
	_, err := w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
