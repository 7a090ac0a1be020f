package collector_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
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

// The disk of the spool is full while Kafka is away: requests get 503, the
// collector is not ready and says why, and both end when there is room again.
// While Kafka is there nobody needs that disk.
func TestSpoolOnAFullDisk(t *testing.T) {
	smalldisktest.Run(t, func(t *testing.T) {
		disk := smalldisktest.Mount(t, 96<<20)
		s := startOn(t, kafkatest.Start(t), zap.NewNop(), spooled(filepath.Join(disk.Dir, "spool")))
		kafka := control(s.cluster)
		const limit = 5 * time.Second
		taken := map[string]int{}
		for round := range 3 {
			kafka.Store(int32(leaderless))
			maps.Copy(taken, s.burst(t, fmt.Sprint("room-", round), 20, limit))
			if len(taken) != 60*round+20 {
				t.Errorf("round %d: %d requests taken with room on the disk", round, len(taken))
			}
			disk.Fill(t)
			if on := s.burst(t, fmt.Sprint("full-", round), 20, limit); len(on) > 0 {
				t.Errorf("round %d: %d requests taken by a full disk", round, len(on))
			}
			if reason := s.health.Reasons()["spool"]; !strings.Contains(reason, "the disk of the spool is full") {
				t.Errorf("round %d: readiness says %v", round, s.health.Reasons())
			}
			disk.Free(t)
			freed := s.burst(t, fmt.Sprint("freed-", round), 20, limit)
			if len(freed) != 20 {
				t.Errorf("round %d: %d requests taken when there was room again", round, len(freed))
			}
			maps.Copy(taken, freed)
			kafkatest.Eventually(t, "readiness", func() bool { return len(s.health.Reasons()) == 0 })
			kafka.Store(int32(none))
			s.drained(t)
			disk.Fill(t)
			maps.Copy(taken, s.burst(t, fmt.Sprint("direct-", round), 20, limit))
			if reasons := s.health.Reasons(); len(taken) != 60*(round+1) || len(reasons) > 0 {
				t.Errorf("round %d: %d requests taken, %v", round, len(taken), reasons)
			}
			disk.Free(t)
		}
		// The disk fills up behind what was taken: it is sent all the same.
		kafka.Store(int32(leaderless))
		maps.Copy(taken, s.burst(t, "last", 20, limit))
		disk.Fill(t)
		kafka.Store(int32(none))
		kafkatest.Eventually(t, "what waits to be sent", func() bool { return len(s.records(t)) >= 4*len(taken) })
		disk.Free(t)
		s.drained(t)
		s.wantHeld(t, taken)
	})
}
