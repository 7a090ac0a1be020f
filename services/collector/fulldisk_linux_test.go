package collector_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/embedded/broker"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/smalldisktest"
)

// The disk of the embedded broker is full: requests get 503 at once, the memory
// is given back, and when there is room again they are taken without anybody's
// help. What was answered 200 at any time is there, also after a restart.
func TestBrokerOnAFullDisk(t *testing.T) {
	smalldisktest.Run(t, func(t *testing.T) {
		disk := smalldisktest.Mount(t, 8<<20)
		cluster := brokerOn(t, disk.Dir)
		s := startOn(t, cluster, zap.NewNop())
		const limit = 5 * time.Second // the default time-out of acknowledgements and some
		taken := s.burst(t, "before", 50, limit)
		if len(taken) != 50 {
			t.Fatalf("%d of 50 requests taken with room on the disk", len(taken))
		}
		for round := range 3 {
			disk.Fill(t)
			// What is left of the last page may still take a few.
			small := s.burst(t, fmt.Sprintf("full-%d", round), 200, limit)
			if len(small) > 100 {
				t.Errorf("round %d: %d of 200 requests taken without room on the disk", round, len(small))
			}
			maps.Copy(taken, small)
			kafkatest.Eventually(t, "the last request to be refused", func() bool {
				last := s.burst(t, fmt.Sprintf("last-%d-%d", round, len(taken)), 1, limit)
				maps.Copy(taken, last)
				return len(last) == 0
			})
			if s.health.Reasons()["acknowledgements"] == "" {
				t.Errorf("round %d: ready though nothing is acknowledged", round)
			}
			if held := s.metric(t, "touchline_collector_inflight_bytes"); held != 0 {
				t.Errorf("round %d: %v bytes still held", round, held)
			}
			disk.Free(t)
			freed := time.Now()
			kafkatest.Eventually(t, "requests to be taken again", func() bool {
				more := s.burst(t, fmt.Sprintf("freed-%d-%d", round, len(taken)), 1, limit)
				maps.Copy(taken, more)
				return len(more) == 1
			})
			t.Logf("round %d: %d taken on a full disk, taken again %s after it was freed", round, len(small), time.Since(freed))
			if reasons := s.health.Reasons(); len(reasons) > 0 {
				t.Errorf("round %d: not ready: %v", round, reasons)
			}
		}
		s.wantHeld(t, taken)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		cluster.Close()
		s.cluster = brokerOn(t, disk.Dir)
		s.wantHeld(t, taken)
	})
}

// brokerOn starts an embedded broker that keeps its log in the directory.
func brokerOn(t *testing.T, dir string) *kafkatest.Cluster {
	t.Helper()
	deps := kafka.Deps{Log: zap.NewNop()}
	b, err := broker.Start(t.Context(), broker.Config{Dir: dir, Listen: "127.0.0.1:0"}, deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &kafkatest.Cluster{Broker: b, Kafka: b.Config(), Deps: deps}
}
