package demo

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/kafkatest"
)

func TestLive(t *testing.T) {
	s := startCollector(t)
	cfg := Default()
	cfg.CollectorURL, cfg.WriteKey, cfg.LiveRate = s.url, "demo", 40
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- Live(ctx, cfg) }()
	// Single calls of browsers and batches of apps.
	kafkatest.Eventually(t, "page, track and batch calls", func() bool {
		calls := map[string]bool{}
		for _, raw := range s.raw(t) {
			calls[raw.Endpoint] = true
		}
		return calls["page"] && calls["track"] && calls["batch"]
	})
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Live = %v", err)
	}
	for _, raw := range s.raw(t) {
		var e struct {
			MessageID         string
			Timestamp, SentAt time.Time
			Context           struct{ UserAgent string }
		}
		if err := json.Unmarshal(raw.Event, &e); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(e.MessageID, livePrefix) || e.Timestamp.Before(began.Add(-time.Second)) || e.Timestamp.After(time.Now()) {
			t.Errorf("message %s at %v", e.MessageID, e.Timestamp)
		}
		if raw.Endpoint == "batch" == (raw.SentAt == "") || raw.Endpoint == "batch" != e.SentAt.IsZero() {
			t.Errorf("a %s call says it was sent at %q and %v", raw.Endpoint, raw.SentAt, e.SentAt)
		}
		if e.Context.UserAgent != "" && raw.UserAgent != e.Context.UserAgent {
			t.Errorf("the request is by %q, its event by %q", raw.UserAgent, e.Context.UserAgent)
		}
	}
}

func TestLiveMakesNewMessages(t *testing.T) {
	s := startCollector(t)
	cfg := Default()
	cfg.CollectorURL, cfg.WriteKey, cfg.LiveRate = s.url, "demo", 40
	ids := map[string]int{}
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Live(ctx, cfg) }()
		before := len(s.raw(t))
		kafkatest.Eventually(t, "live events", func() bool { return len(s.raw(t)) > before+10 })
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, raw := range s.raw(t) {
			seen[messageID(t, raw)] = true
		}
		for id := range seen {
			ids[id]++
		}
	}
	once := 0
	for _, n := range ids {
		if n == 1 {
			once++
		}
	}
	if once == 0 {
		t.Error("the second run made the messages of the first again")
	}
}

func TestLiveIsRefused(t *testing.T) {
	s := startCollector(t)
	cfg := Default()
	cfg.CollectorURL, cfg.WriteKey, cfg.LiveRate = s.url, "another", 40
	if err := Live(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "collector answered 401") {
		t.Errorf("Live with a wrong key = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, rate := range []float64{0, 1} {
		cfg.LiveRate = rate
		if err := Live(ctx, cfg); err != nil {
			t.Errorf("Live at rate %v when it should end = %v", rate, err)
		}
	}
}
