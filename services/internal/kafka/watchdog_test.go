package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
)

// watched is a group with a short watchdog, its health and its metrics.
type watched struct {
	kafka.GroupOptions
	registry *prometheus.Registry
}

const stuckAfter = 2 * time.Second

func watchedOptions(work kafka.WorkFunc) watched {
	o, registry := options(work), prometheus.NewRegistry()
	o.Membership.StuckAfter = stuckAfter
	o.Metrics, o.Health = registry, telemetry.NewHealth()
	return watched{o, registry}
}

// metric returns the sum of a metric over its labels.
func (w watched) metric(t *testing.T, name string) (sum float64) {
	t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == name {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func (w watched) reason() string { return w.Health.Reasons()["workers of "+w.Group] }

// zombie is a worker that hangs on the partitions below hang, whatever its
// context says, until the test releases it; it then tries what it could do before.
type zombie struct {
	reader
	hang    int32
	hangs   sync.WaitGroup
	release chan struct{}
	woken   chan error
}

func newZombie(hang int32) *zombie {
	z := &zombie{hang: hang, release: make(chan struct{}), woken: make(chan error, hang)}
	z.hangs.Add(int(hang))
	return z
}

func (z *zombie) work(ctx context.Context, p *kafka.Partition) error {
	if p.ID() >= z.hang {
		return z.reader.work(ctx, p)
	}
	p.Start(0)
	z.hangs.Done()
	<-z.release
	if recs, err := p.Poll(context.Background(), time.Hour); err == nil {
		z.woken <- fmt.Errorf("polled %d records", len(recs))
		return nil
	}
	p.CommitLater(kafka.Commit{Offset: 776, Metadata: "zombie"})
	z.woken <- p.Commit(context.Background(), kafka.Commit{Offset: 777, Metadata: "zombie"})
	return nil
}

// wantRefused wakes the zombies and checks that they can do nothing any more.
func (z *zombie) wantRefused(t *testing.T, c *kafkatest.Cluster, offset int64) {
	t.Helper()
	close(z.release)
	for id := range z.hang {
		select {
		case err := <-z.woken:
			if !errors.Is(err, kafka.ErrLost) {
				t.Errorf("a zombie's commit: %v, want ErrLost", err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("a zombie waits for its commit")
		}
		if got := committed(t, c, id); got.Offset != offset || got.Metadata == "zombie" {
			t.Errorf("partition %d: committed %+v, want offset %d", id, got, offset)
		}
	}
}

func TestWatchdog_hungWorkerEndsTheGroup(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	produce(t, c.Client(t), 0, 0, 10)
	produce(t, c.Client(t), 1, 0, 10)
	z := newZombie(1)
	o := watchedOptions(z.work)
	g, err := kafka.NewGroup(c.Kafka, c.Deps, o.GroupOptions)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- g.Run(context.Background()) }()
	z.hangs.Wait()
	kafkatest.Eventually(t, "the watchdog", func() bool { return o.reason() != "" })
	if got := o.reason(); !strings.HasPrefix(got, "the worker of partition 0 shows no progress since 20") {
		t.Errorf("health says: %s", got)
	}
	if n := o.metric(t, "touchline_consumer_stuck_partitions"); n != 1 {
		t.Errorf("%v stuck partitions, want 1", n)
	}
	if age := o.metric(t, "touchline_consumer_quiet_seconds"); age < stuckAfter.Seconds() {
		t.Errorf("quiet for %v s, want at least %v", age, stuckAfter)
	}
	err = <-ended
	if f := (*kafka.FatalError)(nil); !errors.Is(err, kafka.ErrStuck) || !errors.As(err, &f) || !strings.Contains(err.Error(), "partition 0") {
		t.Errorf("Run returned %v, want a fatal ErrStuck that names the partition", err)
	}
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("Run returned after %s", took)
	}
	if got := committed(t, c, 1); got.Offset != 10 {
		t.Errorf("partition 1 is committed to %d, want 10", got.Offset)
	}
	z.wantRefused(t, c, kafka.NoOffset)
}

func TestWatchdog_hungWorkerDoesNotDelayTheEndOfTheProcess(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	z := newZombie(1)
	o := options(z.work)
	stop := runGroup(t, c, o)
	z.hangs.Wait()
	began := time.Now()
	if err := stop(); !errors.Is(err, kafka.ErrStuck) {
		t.Errorf("Run returned %v, want ErrStuck", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("Run returned after %s", took)
	}
	z.wantRefused(t, c, kafka.NoOffset)
}

// Workers that hang while their partitions move: the other member has them within
// the rebalance timeout, and what the zombies do later changes nothing.
func TestWatchdog_hungWorkerDoesNotHoldUpARebalance(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	for id := range int32(topics.EmbeddedPartitions) {
		produce(t, c.Client(t), id, 0, 10)
	}
	z := newZombie(topics.EmbeddedPartitions)
	g, err := kafka.NewGroup(c.Kafka, c.Deps, options(z.work))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(context.Background()) }()
	z.hangs.Wait()
	var r reader
	began := time.Now()
	runGroup(t, c, options(r.work))
	kafkatest.Eventually(t, "a partition to move", func() bool { return r.count() > 0 })
	took := time.Since(began)
	t.Logf("the first record was processed %s after the second member came", took)
	if limit := kafka.DefaultMembership().RebalanceTimeout + 5*time.Second; took > limit {
		t.Errorf("a partition moved after %s, want at most %s", took, limit)
	}
	if err := <-ended; !errors.Is(err, kafka.ErrStuck) {
		t.Errorf("Run returned %v, want ErrStuck", err)
	}
	kafkatest.Eventually(t, "all partitions to move", func() bool { return r.count() == 10*topics.EmbeddedPartitions })
	kafkatest.Eventually(t, "their commits", func() bool {
		for id := range int32(topics.EmbeddedPartitions) {
			if committed(t, c, id).Offset != 10 {
				return false
			}
		}
		return true
	})
	z.wantRefused(t, c, 10)
}

func TestWatchdog_workerThatObeysStartsAgain(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	produce(t, c.Client(t), 0, 0, 10)
	var r reader
	var hung atomic.Bool
	cause := make(chan error, 1)
	o := watchedOptions(func(ctx context.Context, p *kafka.Partition) error {
		if p.ID() == 0 && !hung.Swap(true) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return ctx.Err()
		}
		return r.work(ctx, p)
	})
	stop := runGroup(t, c, o.GroupOptions)
	kafkatest.Eventually(t, "the records of partition 0", func() bool { return r.count() == 10 })
	if err := <-cause; !strings.HasPrefix(err.Error(), "no progress since 20") {
		t.Errorf("cancelled because: %v", err)
	}
	if n := o.metric(t, "touchline_consumer_worker_restarts_total"); n != 1 {
		t.Errorf("%v restarts, want 1", n)
	}
	if o.reason() != "" || o.metric(t, "touchline_consumer_stuck_partitions") != 0 {
		t.Errorf("still stuck: %s", o.reason())
	}
	if err := stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

// Neither long work that beats nor waiting for records is taken for a hang.
func TestWatchdog_longWorkThatBeatsGoesOn(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	var worked sync.WaitGroup
	worked.Add(1)
	o := watchedOptions(func(ctx context.Context, p *kafka.Partition) error {
		if p.ID() == 0 {
			rounds := time.NewTicker(stuckAfter / 20)
			defer rounds.Stop()
			for range 60 { // three times as long as a hang
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-rounds.C:
					p.Beat()
				}
			}
			worked.Done()
		}
		p.Start(0)
		_, err := p.Poll(ctx, time.Hour)
		return err
	})
	stop := runGroup(t, c, o.GroupOptions)
	worked.Wait()
	if n := o.metric(t, "touchline_consumer_worker_restarts_total"); n != 0 || o.reason() != "" {
		t.Errorf("%v restarts, health says %q; want none", n, o.reason())
	}
	if err := stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

// What a worker leaves behind when it returns is dead, though the partition is
// still this member's: its successor starts from the committed offset, and a late
// commit would move that under it.
func TestGroup_whatAWorkerLeavesBehindIsDead(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	produce(t, c.Client(t), 0, 0, 10)
	var r reader
	var left atomic.Pointer[kafka.Partition]
	runGroup(t, c, options(func(ctx context.Context, p *kafka.Partition) error {
		if p.ID() == 0 && left.CompareAndSwap(nil, p) {
			p.Start(0)
			return errors.New("stopped")
		}
		return r.work(ctx, p)
	}))
	kafkatest.Eventually(t, "the records", func() bool { return r.count() == 10 })
	p := left.Load()
	p.Start(0)
	if recs, err := p.Poll(t.Context(), time.Hour); !errors.Is(err, kafka.ErrLost) {
		t.Errorf("Poll: %d records, %v; want ErrLost", len(recs), err)
	}
	p.CommitLater(kafka.Commit{Offset: 776, Metadata: "left"})
	if err := p.Commit(t.Context(), kafka.Commit{Offset: 777, Metadata: "left"}); !errors.Is(err, kafka.ErrLost) {
		t.Errorf("Commit: %v, want ErrLost", err)
	}
	produce(t, c.Client(t), 0, 10, 1)
	kafkatest.Eventually(t, "the successor's commit", func() bool { return committed(t, c, 0).Metadata == "last=10" })
	if got := committed(t, c, 0); got.Offset != 11 || r.count() != 11 {
		t.Errorf("committed %+v after reading %d records, want 11", got, r.count())
	}
}

// A partition whose worker ended for no reason would never be read again.
func TestGroup_workerThatReturnsEarlyStartsAgain(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	produce(t, c.Client(t), 0, 0, 10)
	var r reader
	var returned atomic.Bool
	runGroup(t, c, options(func(ctx context.Context, p *kafka.Partition) error {
		if p.ID() == 0 && !returned.Swap(true) {
			return nil
		}
		return r.work(ctx, p)
	}))
	kafkatest.Eventually(t, "the records of partition 0", func() bool { return r.count() == 10 })
}

func TestMembership_Validate(t *testing.T) {
	if err := kafka.DefaultMembership().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	for want, change := range map[string]func(m *kafka.Membership){
		"session_timeout":    func(m *kafka.Membership) { m.SessionTimeout = time.Millisecond },
		"heartbeat_interval": func(m *kafka.Membership) { m.HeartbeatInterval = m.SessionTimeout },
		"rebalance_timeout":  func(m *kafka.Membership) { m.RebalanceTimeout = 0 },
		"stuck_after":        func(m *kafka.Membership) { m.StuckAfter = m.RebalanceTimeout - 1 },
	} {
		m := kafka.DefaultMembership()
		change(&m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
