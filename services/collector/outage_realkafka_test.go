//go:build realkafka

package collector_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/kafkatest/apache"
)

// Apache Kafka is killed and started again, then paused and resumed, under
// traffic: every request is answered within the time-out of acknowledgements,
// memory stays bounded, requests are taken again soon after the broker is back,
// and everything answered 200 is in the topic.
func TestApacheBrokerAway(t *testing.T) {
	brokers := apache.Start(t, apache.Options{})
	cluster := &kafkatest.Cluster{Kafka: brokers.Config(), Deps: kafka.Deps{Log: zap.NewNop()}}
	if _, err := kafka.Apply(t.Context(), cluster.Client(t), 4, 1); err != nil {
		t.Fatal(err)
	}
	s := startOn(t, cluster, zap.NewNop())
	const limit = 10 * time.Second // the default time-out is 4 s; the machine may be busy
	taken := s.burst(t, "before", 20, limit)
	if len(taken) != 20 {
		t.Fatalf("%d of 20 requests taken", len(taken))
	}
	for name, outage := range map[string]struct{ begin, end func(...int32) error }{
		"killed": {brokers.Kill, brokers.Revive},
		"paused": {brokers.Pause, brokers.Resume},
	} {
		if err := outage.begin(); err != nil {
			t.Fatal(err)
		}
		for round := range 3 {
			if answered := s.burst(t, fmt.Sprintf("%s-%d", name, round), 50, limit); len(answered) > 0 {
				t.Errorf("%s: %d requests answered 200 without a broker", name, len(answered))
			}
		}
		if s.health.Reasons()["acknowledgements"] == "" {
			t.Errorf("%s: ready though nothing is acknowledged", name)
		}
		kafkatest.Eventually(t, "the broker to be missed", func() bool { return s.health.Reasons()["kafka"] != "" })
		if err := outage.end(); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		kafkatest.Eventually(t, "requests to be taken again", func() bool {
			more := s.burst(t, fmt.Sprintf("%s-back-%d", name, len(taken)), 1, limit)
			maps.Copy(taken, more)
			return len(more) == 1
		})
		again := time.Since(back)
		kafkatest.Eventually(t, "the budget to be returned", func() bool {
			return s.metric(t, "touchline_collector_inflight_bytes") == 0
		})
		returned := time.Since(back)
		kafkatest.Eventually(t, "readiness", func() bool { return len(s.health.Reasons()) == 0 })
		t.Logf("%s: after the broker was back, requests were taken again in %s, the budget was returned in %s, the collector was ready in %s",
			name, again, returned, time.Since(back))
	}
	s.wantHeld(t, taken)
}

// The same with a spool: every request is answered 200, a kill or a pause of the
// broker makes nobody unready, and all is in the topic afterwards, each device's
// events first in their order.
func TestApacheBrokerAwayWithASpool(t *testing.T) {
	brokers := apache.Start(t, apache.Options{})
	cluster := &kafkatest.Cluster{Kafka: brokers.Config(), Deps: kafka.Deps{Log: zap.NewNop()}}
	if _, err := kafka.Apply(t.Context(), cluster.Client(t), 4, 1); err != nil {
		t.Fatal(err)
	}
	s := startOn(t, cluster, zap.NewNop(), spooled(t.TempDir()))
	taken, sent := map[string]int{}, 0
	post := func() {
		t.Helper()
		maps.Copy(taken, s.burst(t, fmt.Sprint("burst-", sent), 10, 10*time.Second))
		s.post(t, "/v1/track", fmt.Sprintf(`{"event":"E","anonymousId":"device","messageId":"%06d-0"}`, sent)).want(t, 200, success)
		taken[fmt.Sprintf("%06d", sent)] = 1
		sent++
		if len(taken) != 11*sent {
			t.Fatalf("%d of %d requests taken", len(taken), 11*sent)
		}
	}
	post()
	for name, outage := range map[string]struct{ begin, end func(...int32) error }{
		"killed": {brokers.Kill, brokers.Revive},
		"paused": {brokers.Pause, brokers.Resume},
	} {
		if err := outage.begin(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			post()
		}
		if reasons := s.health.Reasons(); len(reasons) > 0 {
			t.Errorf("%s: not ready: %v", name, reasons)
		}
		if err := outage.end(); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		for range 20 {
			post()
		}
		s.drained(t)
		t.Logf("%s: the spool was empty %s after the broker was back", name, time.Since(back))
	}
	s.wantHeld(t, taken)
	seen, last := map[string]bool{}, ""
	for _, r := range s.records(t) {
		if r.Key != "shop/d/device" || seen[r.RID] {
			continue
		}
		if seen[r.RID] = true; string(r.Event) < last {
			t.Errorf("%s behind %s", r.Event, last)
		}
		last = string(r.Event)
	}
}
