package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// produce writes n records to the partition, their values counting from `from`.
func produce(t *testing.T, cl *kgo.Client, partition int32, from, n int) {
	t.Helper()
	var recs []*kgo.Record
	for i := range n {
		recs = append(recs, &kgo.Record{Topic: topics.Raw, Partition: partition, Value: []byte(fmt.Sprint(from + i))})
	}
	if err := cl.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func options(work kafka.WorkFunc) kafka.GroupOptions {
	return kafka.GroupOptions{Group: topics.GroupEnricher, Topic: topics.Raw, Membership: kafka.DefaultMembership(), Work: work}
}

// runGroup runs a group until the returned function is called, which waits for
// its end and returns what Run returned.
func runGroup(t *testing.T, c *kafkatest.Cluster, o kafka.GroupOptions) (stop func() error) {
	t.Helper()
	g, err := kafka.NewGroup(c.Kafka, c.Deps, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { stop() })
	return stop
}

// reader is a worker that notes every value it reads, in order, and commits
// after each batch with the last value as metadata.
type reader struct {
	mu     sync.Mutex
	seen   map[int32][]string
	starts []kafka.Commit
}

func (r *reader) work(ctx context.Context, p *kafka.Partition) error {
	c, err := p.Committed(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.starts = append(r.starts, c)
	r.mu.Unlock()
	p.Start(max(0, c.Offset))
	for {
		recs, err := p.Poll(ctx, time.Second)
		if err != nil {
			return err
		}
		if len(recs) == 0 {
			continue
		}
		r.mu.Lock()
		if r.seen == nil {
			r.seen = make(map[int32][]string)
		}
		for _, rec := range recs {
			r.seen[p.ID()] = append(r.seen[p.ID()], string(rec.Value))
		}
		r.mu.Unlock()
		last := recs[len(recs)-1]
		if err := p.Commit(ctx, kafka.Commit{Offset: last.Offset + 1, Metadata: "last=" + string(last.Value)}); err != nil {
			return err
		}
	}
}

func (r *reader) count() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.seen {
		n += len(s)
	}
	return n
}

func TestGroup_readsInOrderAndContinuesAtTheCommit(t *testing.T) {
	c := kafkatest.Start(t)
	cl := c.Client(t)
	var r reader
	stop := runGroup(t, c, options(r.work))
	for p := range int32(4) {
		produce(t, cl, p, 0, 500)
	}
	kafkatest.Eventually(t, "2000 records", func() bool { return r.count() == 2000 })
	for p := range int32(4) {
		for i, v := range r.seen[p] {
			if v != fmt.Sprint(i) {
				t.Fatalf("partition %d: record %d has value %s", p, i, v)
			}
		}
	}
	if err := stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}

	var again reader
	produce(t, cl, 2, 500, 1)
	runGroup(t, c, options(again.work))
	kafkatest.Eventually(t, "the record behind the commit", func() bool { return again.count() == 1 })
	kafkatest.Eventually(t, "all starts", func() bool {
		again.mu.Lock()
		defer again.mu.Unlock()
		return len(again.starts) == 4
	})
	for _, s := range again.starts {
		if s.Offset != 500 || s.Metadata != "last=499" {
			t.Errorf("started from %+v, want offset 500 with metadata last=499", s)
		}
	}
}

func TestGroup_failedWorkerStartsAgainFromTheCommit(t *testing.T) {
	c := kafkatest.Start(t)
	cl := c.Client(t)
	produce(t, cl, 0, 0, 100)
	var r reader
	var failed atomic.Bool
	runGroup(t, c, options(func(ctx context.Context, p *kafka.Partition) error {
		if p.ID() != 0 || failed.Load() {
			return r.work(ctx, p)
		}
		p.Start(0)
		recs, err := p.Poll(ctx, 10*time.Second)
		if err != nil {
			return err
		}
		if err := p.Commit(ctx, kafka.Commit{Offset: 10}); err != nil {
			return err
		}
		failed.Store(true)
		return fmt.Errorf("stopped after %d records", len(recs))
	}))
	kafkatest.Eventually(t, "the rest", func() bool { return r.count() == 90 })
	if r.seen[0][0] != "10" {
		t.Errorf("started again at %s, want 10", r.seen[0][0])
	}
}

func TestGroup_fatalErrorEndsIt(t *testing.T) {
	c := kafkatest.Start(t)
	boom := errors.New("log was recreated")
	g, err := kafka.NewGroup(c.Kafka, c.Deps, options(func(ctx context.Context, p *kafka.Partition) error {
		return kafka.Fatal(boom)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Run(t.Context()); !errors.Is(err, boom) {
		t.Fatalf("Run returned %v, want %v", err, boom)
	}
}

func TestGroup_drainLetsTheWorkerCommit(t *testing.T) {
	c := kafkatest.Start(t)
	cl := c.Client(t)
	produce(t, cl, 0, 0, 10)
	read := make(chan struct{})
	stop := runGroup(t, c, options(func(ctx context.Context, p *kafka.Partition) error {
		p.Start(0)
		for {
			recs, err := p.Poll(ctx, time.Second)
			if errors.Is(err, kafka.ErrDraining) && p.ID() == 0 {
				return p.Commit(ctx, kafka.Commit{Offset: 10, Metadata: "drained"})
			}
			if err != nil {
				return err
			}
			if len(recs) > 0 {
				close(read)
			}
		}
	}))
	<-read
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	var r reader
	runGroup(t, c, options(r.work))
	kafkatest.Eventually(t, "the drained commit", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.Contains(r.starts, (kafka.Commit{Offset: 10, Metadata: "drained"}))
	})
}

// A member that lost a partition but lives on in the group has a valid member id
// and generation: the broker takes its commit. The check on our side must not.
func TestGroup_commitForALostPartitionIsRefusedByUs(t *testing.T) {
	c := kafkatest.Start(t)
	var mu sync.Mutex
	lost := make(map[int32]*kafka.Partition)
	work := func(ctx context.Context, p *kafka.Partition) error {
		p.Start(0)
		_, err := p.Poll(ctx, time.Hour)
		mu.Lock()
		lost[p.ID()] = p
		mu.Unlock()
		return err
	}
	runGroup(t, c, options(work))
	var r reader
	second := options(r.work)
	kafkatest.Eventually(t, "the first member's partitions", func() bool { return len(groupMembers(t, c)) == 1 })
	runGroup(t, c, second)
	var p *kafka.Partition
	kafkatest.Eventually(t, "a partition to move", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, p = range lost {
			return true
		}
		return false
	})
	err := p.Commit(t.Context(), kafka.Commit{Offset: 777, Metadata: "stale"})
	if !errors.Is(err, kafka.ErrLost) {
		t.Fatalf("stale commit returned %v, want ErrLost", err)
	}
	p.CommitLater(kafka.Commit{Offset: 778, Metadata: "stale"})
	produce(t, c.Client(t), p.ID(), 0, 1)
	kafkatest.Eventually(t, "the new owner's record", func() bool { return r.count() >= 1 })
	if got := committed(t, c, p.ID()); got.Offset != 1 || got.Metadata != "last=0" {
		t.Errorf("committed %+v, want the new owner's", got)
	}
}

func TestGroup_pausesWhenTheWorkerIsSlow(t *testing.T) {
	c := kafkatest.Start(t)
	cl := c.Client(t)
	value := make([]byte, 10_000)
	const n = 3000
	for range n / 100 {
		var recs []*kgo.Record
		for range 100 {
			recs = append(recs, &kgo.Record{Topic: topics.Raw, Partition: 0, Value: value})
		}
		if err := cl.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	var got atomic.Int64
	o := options(func(ctx context.Context, p *kafka.Partition) error {
		p.Start(0)
		for {
			recs, err := p.Poll(ctx, time.Second)
			if err != nil {
				return err
			}
			got.Add(int64(len(recs)))
			time.Sleep(2 * time.Millisecond)
		}
	})
	o.QueueBytes = 1 << 20
	runGroup(t, c, o)
	kafkatest.Eventually(t, "every record, each once", func() bool { return got.Load() == n })
}

func TestScan_readsTheRange(t *testing.T) {
	c := kafkatest.Start(t)
	produce(t, c.Client(t), 1, 0, 100)
	var vals []string
	err := kafka.Scan(t.Context(), c.Kafka, c.Deps, topics.Raw, 1, 10, 20, func(r *kgo.Record) error {
		vals = append(vals, string(r.Value))
		return nil
	})
	if err != nil || len(vals) != 10 || vals[0] != "10" || vals[9] != "19" {
		t.Fatalf("scanned %v, %v", vals, err)
	}
}

// A member that never rejoins keeps the broker from answering the others for the
// length of the rebalance timeout; stopping must not wait for that.
func TestGroup_stopsDuringARebalanceThatDoesNotEnd(t *testing.T) {
	c := kafkatest.Start(t)
	produce(t, c.Client(t), 0, 0, 1)
	stuck := c.Client(t, kgo.ConsumerGroup(topics.GroupEnricher), kgo.ConsumeTopics(topics.Raw), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.BlockRebalanceOnPoll(), kgo.RebalanceTimeout(time.Minute))
	t.Cleanup(stuck.CloseAllowingRebalance)
	if recs := stuck.PollFetches(t.Context()).Records(); len(recs) != 1 {
		t.Fatalf("polled %d records", len(recs))
	}
	var r reader
	stop := runGroup(t, c, options(r.work))
	kafkatest.Eventually(t, "the rebalance", func() bool {
		groups, err := kadm.NewClient(stuck).DescribeGroups(t.Context(), topics.GroupEnricher)
		return err == nil && groups[topics.GroupEnricher].State == "PreparingRebalance"
	})
	began := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %s", took)
	}
}
