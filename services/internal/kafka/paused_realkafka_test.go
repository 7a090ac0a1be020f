//go:build realkafka

package kafka_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/kafkatest/apache"
)

// startApache starts n brokers with every declared topic.
func startApache(t *testing.T, n int) (*apache.Cluster, *kafkatest.Cluster) {
	t.Helper()
	a := apache.Start(t, apache.Options{Brokers: n})
	c := &kafkatest.Cluster{Kafka: a.Config(), Deps: kafka.Deps{Log: zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))}}
	if _, err := kafka.Apply(t.Context(), c.Client(t), partitions, int16(n)); err != nil {
		t.Fatal(err)
	}
	return a, c
}

// stalls keeps for each partition when something happened last, and the longest
// time in which it did not.
type stalls struct {
	mu      sync.Mutex // guards the following
	last    map[int32]time.Time
	longest map[int32]time.Duration
}

func (s *stalls) happened(id int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last, s.longest = make(map[int32]time.Time), make(map[int32]time.Duration)
	}
	now := time.Now()
	if last, ok := s.last[id]; ok {
		s.longest[id] = max(s.longest[id], now.Sub(last))
	}
	s.last[id] = now
}

// reset forgets what was before and returns the longest stall until then.
func (s *stalls) reset() (longest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, d := range s.longest {
		longest = max(longest, d)
		s.longest[id] = max(0, time.Since(s.last[id]))
	}
	return longest
}

// traffic writes a record to every partition each 20 ms and reads and commits it
// with a group.
type traffic struct {
	acked, read, committed stalls

	mu     sync.Mutex // guards the following
	starts int
	errs   []error
}

const pace = 20 * time.Millisecond

func (f *traffic) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

func (f *traffic) produce(ctx context.Context, cl *kgo.Client) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for id := range int32(partitions) {
			cl.Produce(ctx, &kgo.Record{Topic: topics.Raw, Partition: id, Value: strconv.AppendInt(nil, int64(n), 10)}, func(_ *kgo.Record, err error) {
				if err != nil && ctx.Err() == nil {
					f.fail(err)
				}
				f.acked.happened(id)
			})
		}
	}
}

func (f *traffic) work(ctx context.Context, p *kafka.Partition) error {
	c, err := p.Committed(ctx)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.starts++
	f.mu.Unlock()
	p.Start(max(0, c.Offset))
	for {
		recs, err := p.Poll(ctx, time.Second)
		if err != nil {
			return err
		}
		if len(recs) == 0 {
			continue
		}
		f.read.happened(p.ID())
		f.mu.Lock()
		for _, r := range recs {
			// Nothing is lost, doubled or out of order: the nth record is at offset n.
			if string(r.Value) != strconv.FormatInt(r.Offset, 10) && len(f.errs) < 10 {
				f.errs = append(f.errs, fmt.Errorf("partition %d offset %d: read record %s", p.ID(), r.Offset, r.Value))
			}
		}
		f.mu.Unlock()
		if err := p.Commit(ctx, kafka.Commit{Offset: recs[len(recs)-1].Offset + 1}); err != nil {
			return err
		}
		f.committed.happened(p.ID())
	}
}

// stallLimit is how long a partition may stand still when a broker stops
// answering: 3 s until the cluster has noticed (broker.session.timeout.ms), the
// election, the new coordinator's loading of its group, and the second or two in
// which clients look elsewhere. 4 to 8 s were measured.
const stallLimit = 10 * time.Second

// pausedFor is how long a broker does not answer.
const pausedFor = 20 * time.Second

func TestApachePausedBroker_partitionsStallForSecondsOnly(t *testing.T) {
	brokers, c := startApache(t, 3)
	producer, err := kafka.NewProducer(c.Kafka, c.Deps, "producer", kafka.Producing{
		Linger: time.Millisecond, MaxBufferedBytes: 1 << 20, MaxBufferedRecords: 100_000, Manual: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	f := &traffic{}
	stop := runGroup(t, c, options(f.work))
	ctx, cancel := context.WithCancel(t.Context())
	var producing sync.WaitGroup
	producing.Go(func() { f.produce(ctx, producer) })
	defer producing.Wait()
	defer cancel()
	kafkatest.Eventually(t, "every partition to be committed", func() bool {
		f.committed.mu.Lock()
		defer f.committed.mu.Unlock()
		return len(f.committed.longest) == partitions
	})
	for _, role := range []string{"leader", "coordinator", "leader", "coordinator"} {
		id := brokerThat(t, c, role)
		starts := f.starts
		f.acked.reset()
		f.read.reset()
		f.committed.reset()
		if err := brokers.Pause(id); err != nil {
			t.Fatal(err)
		}
		pause := time.NewTimer(pausedFor)
		<-pause.C
		if err := brokers.Resume(id); err != nil {
			t.Fatal(err)
		}
		pause.Reset(pausedFor / 2) // the way back stalls nothing either
		<-pause.C
		acked, read, committed := f.acked.reset(), f.read.reset(), f.committed.reset()
		t.Logf("broker %d (%s) paused: longest stall of a partition: produced %s, read %s, committed %s; workers started again: %d",
			id, role, acked.Round(pace), read.Round(pace), committed.Round(pace), f.starts-starts)
		for what, took := range map[string]time.Duration{"produced": acked, "read": read, "committed": committed} {
			if took > stallLimit {
				t.Errorf("%s paused: nothing was %s for %s, want at most %s", role, what, took, stallLimit)
			}
		}
		if f.starts != starts {
			t.Errorf("%s paused: %d workers started again: the member lost its partitions", role, f.starts-starts)
		}
	}
	cancel()
	producing.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, err := range f.errs {
		t.Error(err)
	}
}

// brokerThat returns the coordinator of the test group, or a broker that leads a
// partition and is not the coordinator.
func brokerThat(t *testing.T, c *kafkatest.Cluster, role string) int32 {
	t.Helper()
	adm := kadm.NewClient(c.Client(t))
	coordinator := adm.FindGroupCoordinators(t.Context(), topics.GroupEnricher)[topics.GroupEnricher]
	if coordinator.Err != nil {
		t.Fatal(coordinator.Err)
	}
	if role == "coordinator" {
		return coordinator.NodeID
	}
	details, err := adm.ListTopics(t.Context(), topics.Raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range details[topics.Raw].Partitions {
		if p.Leader != coordinator.NodeID {
			return p.Leader
		}
	}
	t.Fatal("the coordinator leads every partition")
	return 0
}
