package kafka_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// holder is a network that keeps requests to commit offsets back while it is told to,
// on their way to the broker.
type holder struct {
	mu     sync.Mutex
	hold   bool
	held   []func()
	waited chan struct{}
}

func (h *holder) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	return &heldConn{conn, h}, err
}

type heldConn struct {
	net.Conn
	holder *holder
}

const offsetCommitKey = 8

func (c *heldConn) Write(b []byte) (int, error) {
	h := c.holder
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.hold || len(b) < 6 || binary.BigEndian.Uint16(b[4:]) != offsetCommitKey {
		return c.Conn.Write(b)
	}
	h.held = append(h.held, func() { _, _ = c.Conn.Write(append([]byte(nil), b...)) })
	if len(h.held) == 1 {
		close(h.waited)
	}
	return len(b), nil
}

// assignments collects the assignments of a group until want are there.
type assignments struct {
	mu  sync.Mutex
	all map[int32]*kafka.Partition
	end map[int32]chan struct{}
}

func (a *assignments) work(ctx context.Context, p *kafka.Partition) error {
	end := make(chan struct{})
	a.mu.Lock()
	if a.all == nil {
		a.all, a.end = map[int32]*kafka.Partition{}, map[int32]chan struct{}{}
	}
	a.all[p.ID()], a.end[p.ID()] = p, end
	a.mu.Unlock()
	select {
	case <-end:
		return errors.New("told to end")
	case <-p.Draining():
		return kafka.ErrDraining
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *assignments) of(t *testing.T, id int32) (p *kafka.Partition, end func()) {
	t.Helper()
	kafkatest.Eventually(t, "the partition", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.all[id] == nil {
			return false
		}
		ch := a.end[id]
		p, end = a.all[id], func() { close(ch) }
		return true
	})
	return p, end
}

// A commit on the strength of several partitions is sent only while all are owned.
func TestPartition_commitForOthers(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	var a assignments
	runGroup(t, c, options(a.work))
	p, _ := a.of(t, 0)
	other, end := a.of(t, 1)
	if err := p.CommitFor(kafka.Commit{Offset: 5, Metadata: "both"}, []*kafka.Partition{other}); err != nil {
		t.Fatal(err)
	}
	commits, err := p.Commits(t.Context())
	if err != nil || len(commits) != 1 || commits[0] != (kafka.Commit{Offset: 5, Metadata: "both"}) {
		t.Fatalf("committed %+v, %v", commits, err)
	}
	end()
	kafkatest.Eventually(t, "the other worker to start again", func() bool {
		next, _ := a.of(t, 1)
		return next != other
	})
	if err := p.CommitFor(kafka.Commit{Offset: 6, Metadata: "one"}, []*kafka.Partition{other}); !errors.Is(err, kafka.ErrLost) {
		t.Errorf("a commit for a worker that has ended: %v, want ErrLost", err)
	}
	if got := committed(t, c, 0); got.Offset != 5 {
		t.Errorf("committed %+v", got)
	}
}

// A commit whose request is on its way when the partition is lost ends only when the
// broker can no longer take it: what is committed then is final.
func TestPartition_commitForHasADecidedFate(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	h := &holder{waited: make(chan struct{})}
	var first, second assignments
	deps := c.Deps
	deps.Dial = h.dial
	g, err := kafka.NewGroup(c.Kafka, deps, options(first.work))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	var others []*kafka.Partition
	for id := range int32(4) {
		p, _ := first.of(t, id)
		others = append(others, p)
	}
	h.mu.Lock()
	h.hold = true
	h.mu.Unlock()
	fate := make(chan error, 1)
	go func() { fate <- others[0].CommitFor(kafka.Commit{Offset: 7, Metadata: "late"}, others[1:]) }()
	<-h.waited
	runGroup(t, c, options(second.work))
	// The client lets partitions go only when its request has timed out, after 30 s.
	for deadline := time.Now().Add(2 * time.Minute); len(groupMembers(t, c)) != 2; {
		if time.Now().After(deadline) {
			t.Fatal("no partition moves")
		}
		time.Sleep(20 * time.Millisecond)
	}
	select {
	case err := <-fate:
		if !errors.Is(err, kafka.ErrLost) {
			t.Errorf("the commit ended with %v, want ErrLost", err)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("the commit does not end")
	}
	h.mu.Lock()
	h.hold = false
	for _, send := range h.held {
		send()
	}
	h.mu.Unlock()
	// A later commit of the same member shows that the broker has seen the late one.
	for id := range int32(4) {
		first.mu.Lock()
		p := first.all[id]
		first.mu.Unlock()
		if p.Commit(t.Context(), kafka.Commit{Offset: 1, Metadata: "next"}) == nil {
			break
		}
	}
	if got := committed(t, c, 0); got.Metadata == "late" {
		t.Errorf("the broker took a commit that was said to be lost: %+v", got)
	}
}
