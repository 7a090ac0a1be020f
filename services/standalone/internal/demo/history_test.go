package demo

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/collector"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
)

// shopServer is a collector with its broker.
type shopServer struct {
	*kafkatest.Cluster
	url string
}

func startCollector(t *testing.T) *shopServer {
	t.Helper()
	set, err := projects.Parse([]byte("projects: [{id: demo, write_keys: [demo]}]"))
	if err != nil {
		t.Fatal(err)
	}
	cluster := kafkatest.Start(t)
	cfg := collector.Default()
	cfg.HTTP.Listen, cfg.Kafka = "127.0.0.1:0", cluster.Kafka
	c, err := collector.New(cfg, collector.Deps{
		Deps: telemetry.Deps{
			Log: zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now,
		},
		Projects: func() *projects.Set { return set },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	select {
	case <-c.Ready():
	case err := <-done:
		t.Fatalf("run collector: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop collector: %v", err)
		}
	})
	return &shopServer{cluster, "http://" + c.Addr()}
}

// raw returns the records of the raw topic.
func (s *shopServer) raw(t *testing.T) (all []event.Raw) {
	t.Helper()
	for p := range int32(topics.EmbeddedPartitions) {
		for _, r := range s.ReadAll(t, topics.Raw, p) {
			var raw event.Raw
			if err := raw.Decode(slices.Clone(r.Value)); err != nil {
				t.Fatal(err)
			}
			all = append(all, raw)
		}
	}
	return all
}

func messageID(t *testing.T, raw event.Raw) string {
	t.Helper()
	var e struct{ MessageID string }
	if err := json.Unmarshal(raw.Event, &e); err != nil || e.MessageID == "" {
		t.Fatalf("%v in %s", err, raw.Event)
	}
	return e.MessageID
}

func TestHistoryTwice(t *testing.T) {
	s := startCollector(t)
	cfg := Default()
	cfg.CollectorURL, cfg.WriteKey, cfg.Visitors = s.url, "demo", 400
	events, err := History(t.Context(), cfg, reportNow)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]int{}
	for _, raw := range s.raw(t) {
		if raw.Project != "demo" || raw.SentAt != "" {
			t.Fatalf("a record of project %q, sent at %q", raw.Project, raw.SentAt)
		}
		ids[messageID(t, raw)]++
	}
	if len(ids) != events || events < 2000 {
		t.Errorf("History = %d events, the topic has %d different ones", events, len(ids))
	}
	twice := 0
	for _, n := range ids {
		if n > 1 {
			twice++
		}
	}
	if twice == 0 {
		t.Error("no request was sent again")
	}
	// A day later there is one more day of it, and no other message ids.
	further, err := History(t.Context(), cfg, reportNow.AddDate(0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	fresh := 0
	for _, raw := range s.raw(t) {
		if id := messageID(t, raw); ids[id] == 0 {
			fresh++
			ids[id]++
			var e struct{ Timestamp time.Time }
			if err := json.Unmarshal(raw.Event, &e); err != nil || e.Timestamp.Before(reportNow) {
				t.Errorf("%v: %s is new, but happened at %v, before the first history ended", err, id, e.Timestamp)
			}
		}
	}
	if fresh == 0 || further < events/2 {
		t.Errorf("a day later: %d events, %d new", further, fresh)
	}
}

func TestHistoryRange(t *testing.T) {
	cfg := Config{Visitors: 900, Days: 30, Seed: 4}
	visitors, days := 0, map[time.Weekday]int{}
	for events := range history(cfg, reportNow) {
		visitors++
		for _, e := range events {
			if e.At.Before(reportNow.AddDate(0, 0, -30)) || !e.At.Before(reportNow) {
				t.Fatalf("an event at %v", e.At)
			}
			days[e.At.Weekday()]++
		}
	}
	if math.Abs(float64(visitors)-900) > 90 {
		t.Errorf("%d visitors, want about 900", visitors)
	}
	if days[time.Saturday]*4 > days[time.Tuesday]*3 {
		t.Errorf("no weekly rhythm: %v", days)
	}
}

func TestHistoryIsRefused(t *testing.T) {
	s := startCollector(t)
	cfg := Default()
	cfg.CollectorURL, cfg.WriteKey, cfg.Visitors = s.url, "another", 40
	n, err := History(t.Context(), cfg, reportNow)
	if n != 0 || err == nil || !strings.Contains(err.Error(), "send history: not retryable, attempt 1: collector answered 401") {
		t.Errorf("History with a wrong key = %d, %v", n, err)
	}
	if _, err := History(t.Context(), Config{Days: 400, LiveRate: math.NaN()}, reportNow); err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("History with nothing right = %v; want five problems", err)
	}
}

func TestHistoryComesAgainWhenRefusedForNow(t *testing.T) {
	s := startCollector(t)
	var requests, busy atomic.Int64
	// A load balancer before the collector, which has no place now and then.
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%3 == 0 {
			busy.Add(1)
			http.Error(w, "no place", http.StatusServiceUnavailable)
			return
		}
		pass, err := http.NewRequestWithContext(r.Context(), r.Method, s.url+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		pass.Header = r.Header
		resp, err := http.DefaultTransport.RoundTrip(pass)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		if _, err := io.Copy(w, resp.Body); err != nil {
			t.Error(err)
		}
	}))
	defer front.Close()
	cfg := Default()
	cfg.CollectorURL, cfg.WriteKey, cfg.Visitors = front.URL, "demo", 100
	events, err := History(t.Context(), cfg, reportNow)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, raw := range s.raw(t) {
		ids[messageID(t, raw)] = true
	}
	if len(ids) != events || busy.Load() == 0 {
		t.Errorf("%d of %d events arrived, %d requests were sent away", len(ids), events, busy.Load())
	}
}

func TestJudge(t *testing.T) {
	f := func(status int, body, want string) {
		t.Helper()
		err := judge(status, []byte(body))
		if want == "" {
			if err != nil {
				t.Errorf("judge(%d, %s) = %v", status, body, err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("judge(%d, %s) = %v, want %s", status, body, err, want)
		}
	}
	f(200, `{"success":true}`, "")
	f(200, `{"success":true,"accepted":1,"rejected":[{"index":0,"reason":"too_deep","message":"x\u001b"}]}`, `rejected 1 events, the first as "too_deep": "x\x1b"`)
	f(200, `ok`, "decode answer")
	f(200, `{}`, "not that of a collector")
	f(503, `gone`, "collector answered 503")
	f(413, `{"message":"`+strings.Repeat("x", 500)+`"}`, strings.Repeat("x", 200)+`"`)
}
