package conformance

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"touchline.dev/services/internal/kafka"
)

// Replicated is a cluster of three brokers.
type Replicated interface {
	Cluster
	// Pause stops a broker from running: it keeps its connections and accepts new
	// ones, and never answers. Resume lets it go on.
	Pause(ids ...int32) error
	Resume(ids ...int32) error
}

// Limits of the time in which the cluster goes on without one of its brokers. The
// settings of scripts/kafka take a broker for dead after 3 s. 5 s were measured;
// with the default time-outs of the client a paused broker takes 20 s.
const (
	failoverLimit = 15 * time.Second
	stallLimit    = 15 * time.Second
)

// onTheWay is how long answers may arrive that a broker gave before it was killed
// or paused.
const onTheWay = 200 * time.Millisecond

// ExerciseReplicated proves what only several brokers show. The cluster must be
// fresh; all brokers run when it returns.
func ExerciseReplicated(t *testing.T, c Replicated) {
	run(t, c, Apache, []behaviour{
		{"a kill of any leader loses and doubles no acknowledged record",
			"an event that was answered with 202 survives the loss of a broker",
			leaderKill},
		{"a paused broker stalls its partitions for a few seconds only",
			"a broker that hangs still accepts connections, so only time-outs find it",
			func(t *testing.T, s *site) { pausedBroker(t, s, c) }},
		{"commits survive the kill of the coordinator",
			"the successor of a worker reads the intent from another broker",
			coordinatorKill},
		{"a kill of all brokers at once loses no acknowledged record",
			"a cluster on one host, or in one rack, dies together",
			killWhileProducing},
	})
}

// replicated creates a topic as kafka.Apply does for three brokers.
func (s *site) replicated(t *testing.T, partitions int32) string {
	t.Helper()
	topic := s.topic(t, "", partitions, "min.insync.replicas", "2")
	s.awaitInSync(t, topic)
	return topic
}

// awaitInSync waits until every broker has every record of the topic.
func (s *site) awaitInSync(t *testing.T, topics ...string) {
	t.Helper()
	s.eventually(t, fmt.Sprint("all replicas of ", topics), func(ctx context.Context) bool {
		details, err := s.adm.ListTopics(ctx, topics...)
		if err != nil || details.Error() != nil || len(details) != len(topics) {
			return false
		}
		for _, d := range details {
			for _, p := range d.Partitions {
				if len(p.ISR) != len(s.IDs()) {
					return false
				}
			}
		}
		return true
	})
}

// leader returns the broker that leads a partition.
func (s *site) leader(t *testing.T, topic string, partition int32) int32 {
	t.Helper()
	leader := int32(-1)
	s.eventually(t, "a leader", func(ctx context.Context) bool {
		details, err := s.adm.ListTopics(ctx, topic)
		if err == nil && details.Error() == nil {
			leader = details[topic].Partitions[partition].Leader
		}
		return leader >= 0
	})
	return leader
}

func leaderKill(t *testing.T, s *site) {
	const partitions = 6
	topic := s.replicated(t, partitions)
	st := s.stream(t, topic, partitions, s.reach.Deps)
	for range 3 {
		before := st.answered()
		s.eventually(t, "traffic", func(context.Context) bool { return st.answered() > before+1000 })
		id := s.leader(t, topic, 0)
		must(t, s.Kill(id))
		killed := time.Now().Add(onTheWay)
		s.eventually(t, "traffic after the kill", func(context.Context) bool { return st.answeredSince(killed) })
		took := time.Since(killed)
		t.Logf("broker %d killed: every partition goes on after %s", id, took.Round(10*time.Millisecond))
		if took > failoverLimit {
			t.Errorf("failover took %s, want at most %s", took, failoverLimit)
		}
		must(t, s.Revive(id))
		s.awaitInSync(t, topic)
	}
	if repeats := st.finish(t, s); repeats > 0 {
		t.Errorf("%d records are there twice", repeats)
	}
}

func pausedBroker(t *testing.T, s *site, c Replicated) {
	const partitions = 6
	topic, group := s.replicated(t, partitions), s.name
	st := s.stream(t, topic, partitions, s.reach.Deps)
	r := s.follow(t, group, topic, partitions)
	for range 2 {
		before := st.answered()
		s.eventually(t, "traffic", func(context.Context) bool { return st.answered() > before+1000 })
		s.eventually(t, "readers", func(context.Context) bool { return r.committedSince(time.Now().Add(-time.Second)) })
		id := s.leader(t, topic, 0)
		must(t, c.Pause(id))
		paused := time.Now().Add(onTheWay)
		s.eventually(t, "traffic without the paused broker", func(context.Context) bool { return st.answeredSince(paused) })
		wrote := time.Since(paused)
		s.eventually(t, "readers without the paused broker", func(context.Context) bool { return r.committedSince(paused) })
		read := time.Since(paused)
		t.Logf("broker %d paused: writing stalled for %s, reading and committing for %s", id,
			wrote.Round(10*time.Millisecond), read.Round(10*time.Millisecond))
		if wrote > stallLimit {
			t.Errorf("writing stalled for %s, want at most %s", wrote, stallLimit)
		}
		must(t, c.Resume(id))
		s.awaitInSync(t, topic)
	}
	if repeats := st.finish(t, s); repeats > 0 {
		t.Errorf("%d records are there twice", repeats)
	}
	r.finish(t, s, st)
}

// coordinatorKill kills the broker that keeps the group's commits, twice, so that
// the second one has only what it was sent by the first.
func coordinatorKill(t *testing.T, s *site) {
	const partitions = 4
	topic, group := s.replicated(t, partitions), s.name
	st := s.stream(t, topic, partitions, s.reach.Deps)
	r := s.follow(t, group, topic, partitions)
	s.awaitInSync(t, "__consumer_offsets")
	for range 2 {
		s.eventually(t, "readers", func(context.Context) bool { return r.committedSince(time.Now().Add(-time.Second)) })
		id := s.coordinator(t, group)
		acked := r.acknowledged()
		must(t, s.Kill(id))
		killed := time.Now().Add(onTheWay)
		s.eventually(t, "commits after the kill", func(context.Context) bool { return r.committedSince(killed) })
		t.Logf("coordinator %d killed: every partition commits again after %s", id, time.Since(killed).Round(10*time.Millisecond))
		if next := s.coordinator(t, group); next == id {
			t.Errorf("the killed broker %d is still the coordinator", id)
		}
		for p := range int32(partitions) {
			got := s.committed(t, group, topic, p)
			if got != commitOf(int(got.Offset)) || got.Offset < acked[p] {
				t.Errorf("partition %d: broker holds offset %d with metadata %.20q, %d was acknowledged", p, got.Offset, got.Metadata, acked[p])
			}
		}
		must(t, s.Revive(id))
		s.awaitInSync(t, topic, "__consumer_offsets")
	}
	st.finish(t, s)
	r.finish(t, s, st)
}

func (s *site) coordinator(t *testing.T, group string) (id int32) {
	t.Helper()
	s.eventually(t, "a coordinator", func(ctx context.Context) bool {
		found := s.adm.FindGroupCoordinators(ctx, group)
		id = found[group].NodeID
		return found[group].Err == nil
	})
	return id
}

// readers is a group of ours that reads a stream, checks its order, and commits
// after each batch.
type readers struct {
	mu    sync.Mutex
	next  []int64     // by partition: the number of the next record
	acked []int64     // by partition: the committed offset
	at    []time.Time // by partition: when it was committed
	errs  []error
}

func (s *site) follow(t *testing.T, group, topic string, partitions int) *readers {
	t.Helper()
	r := &readers{next: make([]int64, partitions), acked: make([]int64, partitions), at: make([]time.Time, partitions)}
	g, err := kafka.NewGroup(s.reach.Kafka, s.reach.Deps, kafka.GroupOptions{
		Group: group, Topic: topic, Membership: kafka.DefaultMembership(), Work: r.work,
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("group ended with %v", err)
		}
	})
	return r
}

func (r *readers) work(ctx context.Context, p *kafka.Partition) error {
	c, err := p.Committed(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.next[p.ID()] = max(0, c.Offset)
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
		for _, rec := range recs {
			if string(rec.Value) != strconv.FormatInt(r.next[p.ID()], 10) {
				r.errs = append(r.errs, fmt.Errorf("partition %d offset %d: record %s, want %d", p.ID(), rec.Offset, rec.Value, r.next[p.ID()]))
			}
			r.next[p.ID()]++
		}
		offset := r.next[p.ID()]
		r.mu.Unlock()
		if err := p.Commit(ctx, commitOf(int(offset))); err != nil {
			return err
		}
		r.mu.Lock()
		r.acked[p.ID()], r.at[p.ID()] = offset, time.Now()
		r.mu.Unlock()
	}
}

func (r *readers) acknowledged() []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.acked)
}

// committedSince reports whether every partition has committed since then.
func (r *readers) committedSince(since time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(r.at, func(at time.Time) bool { return !at.After(since) })
}

// finish waits until the readers have committed the end of the stream.
func (r *readers) finish(t *testing.T, s *site, st *stream) {
	t.Helper()
	s.eventually(t, "the end of the stream", func(context.Context) bool {
		for p, offset := range r.acknowledged() {
			if offset != int64(st.sent[p]) {
				return false
			}
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, err := range r.errs[:min(len(r.errs), 5)] {
		t.Error(err)
	}
}
