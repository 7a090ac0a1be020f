package conformance

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"touchline.dev/services/internal/kafka"
)

func staleSessions(t *testing.T, s *site) {
	topic, group := s.topic(t, "", 2), s.name
	first := s.join(t, group, topic, "")
	s.settle(t, group, 2, first)
	stale := first.session()
	second := s.join(t, group, topic, "")
	s.settle(t, group, 1, first, second)

	want := kafka.Commit{Offset: 10, Metadata: "current"}
	must(t, s.commitOne(t, group, topic, first.session(), 0, want))
	refused := func(what string, as session, reason error) {
		t.Helper()
		if err := s.commitOne(t, group, topic, as, 0, kafka.Commit{Offset: 666, Metadata: what}); !errors.Is(err, reason) {
			t.Errorf("commit of %s is answered with %v, want %v", what, err, reason)
		}
		if got := s.committed(t, group, topic, 0); got != want {
			t.Errorf("commit of %s: broker holds %+v, want %+v", what, got, want)
		}
	}
	refused("an old generation", stale, kerr.IllegalGeneration)
	refused("a stranger", session{member: "stranger", generation: first.session().generation}, kerr.UnknownMemberID)
	gone := second.session()
	second.cl.Close()
	s.settle(t, group, 2, first)
	refused("a member that left", session{member: gone.member, generation: first.session().generation}, kerr.UnknownMemberID)

	// A static member that was replaced, such as a paused process whose pod was
	// started again.
	first.cl.Close()
	replaced := s.join(t, group+"-static", topic, "pod-0")
	s.settle(t, group+"-static", 2, replaced)
	zombie := replaced.session()
	replacement := s.join(t, group+"-static", topic, "pod-0")
	s.eventually(t, "the replacement", func(context.Context) bool { return len(replacement.partitions()) == 2 })
	current := replacement.session()
	current.instance, zombie.instance = new("pod-0"), new("pod-0")
	group += "-static"
	must(t, s.commitOne(t, group, topic, current, 0, want))
	// The answer depends on whether the replacement began a new generation.
	err := s.commitOne(t, group, topic, zombie, 0, kafka.Commit{Offset: 666})
	if !errors.Is(err, kerr.FencedInstanceID) {
		t.Errorf("commit of a replaced static member is answered with %v, want FENCED_INSTANCE_ID", err)
	}
	if got := s.committed(t, group, topic, 0); got != want {
		t.Errorf("broker holds %+v, want %+v", got, want)
	}
}

func lostPartition(t *testing.T, s *site) {
	t.Run("taken by the broker", func(t *testing.T) {
		topic, group := s.topic(t, "-raw", 2), s.name+"-raw"
		first := s.join(t, group, topic, "")
		s.settle(t, group, 2, first)
		second := s.join(t, group, topic, "")
		s.settle(t, group, 1, first, second)
		lost := second.partitions()[0]
		must(t, s.commitOne(t, group, topic, second.session(), lost, kafka.Commit{Offset: 10, Metadata: "owner"}))
		intruder := kafka.Commit{Offset: 5, Metadata: "previous owner"}
		if err := s.commitOne(t, group, topic, first.session(), lost, intruder); err != nil {
			t.Errorf("the broker checks the owner now: %v", err)
		}
		if got := s.committed(t, group, topic, lost); got != intruder {
			t.Errorf("broker holds %+v, want %+v", got, intruder)
		}
	})
	t.Run("stopped by us", func(t *testing.T) {
		topic, group := s.topic(t, "-group", 2), s.name+"-group"
		first := s.work(t, group, topic)
		first.await(t, s, 2)
		second := s.work(t, group, topic)
		second.await(t, s, 1)
		first.await(t, s, 1)
		var owner, loser *kafka.Partition
		for id, p := range second.current() {
			owner, loser = p, first.all()[id]
		}
		want := kafka.Commit{Offset: 10, Metadata: "owner"}
		must(t, owner.Commit(t.Context(), want))
		if err := loser.Commit(t.Context(), kafka.Commit{Offset: 5, Metadata: "previous owner"}); !errors.Is(err, kafka.ErrLost) {
			t.Errorf("commit of the previous owner returned %v, want ErrLost", err)
		}
		if got := s.committed(t, group, topic, owner.ID()); got != want {
			t.Errorf("broker holds %+v, want %+v", got, want)
		}
		if first.lost() {
			t.Error("the previous owner has left the group, so this proves nothing")
		}
	})
}

// workers is a group of ours whose workers only hold their partitions.
type workers struct {
	mu    sync.Mutex
	held  map[int32]*kafka.Partition
	seen  map[int32]*kafka.Partition
	ended bool
}

// work runs a kafka.Group until the test ends.
func (s *site) work(t *testing.T, group, topic string) *workers {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	w, ended := s.workUntil(ctx, t, group, topic)
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("group ended with %v", err)
		}
	})
	return w
}

// workUntil runs a kafka.Group until ctx ends, and then tells how it ended.
func (s *site) workUntil(ctx context.Context, t *testing.T, group, topic string) (w *workers, ended <-chan error) {
	t.Helper()
	w = &workers{held: make(map[int32]*kafka.Partition), seen: make(map[int32]*kafka.Partition)}
	g, err := kafka.NewGroup(s.reach.Kafka, s.reach.Deps, kafka.GroupOptions{
		Group: group, Topic: topic, Membership: kafka.DefaultMembership(), Work: w.hold,
	})
	must(t, err)
	done := make(chan error, 1)
	go func() {
		err := g.Run(ctx)
		w.mu.Lock()
		w.ended = true
		w.mu.Unlock()
		done <- err
	}()
	return w, done
}

// hold is the work of one partition.
func (w *workers) hold(ctx context.Context, p *kafka.Partition) error {
	w.mu.Lock()
	w.held[p.ID()], w.seen[p.ID()] = p, p
	w.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-p.Draining():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.held, p.ID())
	return nil
}

func (w *workers) await(t *testing.T, s *site, partitions int) {
	t.Helper()
	s.eventually(t, "the workers' partitions", func(context.Context) bool { return len(w.current()) == partitions })
}

// commit commits as the partition's worker, or waits a moment when there is none.
func (w *workers) commit(ctx context.Context, partition int32, c kafka.Commit) error {
	if p := w.current()[partition]; p != nil {
		return p.Commit(ctx, c)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Millisecond):
	}
	return kafka.ErrLost
}

func (w *workers) current() map[int32]*kafka.Partition {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.held)
}

// all returns the partitions that were ever held.
func (w *workers) all() map[int32]*kafka.Partition {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.seen)
}

func (w *workers) lost() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}
