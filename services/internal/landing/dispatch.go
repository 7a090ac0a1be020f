package landing

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
)

const (
	// smallRows is what a small insert has less of: up to there its cost is that of
	// the insert, not of its rows.
	smallRows = 10_000
	// mostRows is what ClickHouse takes as one block.
	mostRows = 1_000_000
	// maxPause keeps a slow insert from holding chunks back for longer than they
	// should wait: from 0.4 s on (at a share of 0.3), slowness itself spaces inserts.
	maxPause = time.Second
	// idleWait is how long a worker waits before it looks around again.
	idleWait = 5 * time.Second
	// busyWait is the same while something of it is under way.
	busyWait = 200 * time.Millisecond
)

// dispatch ships what all partitions have gathered as one chunk, when it is time, and
// returns how soon to ask again. One chunk is under way at a time: its end asks, too.
func (l *Lander) dispatch() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flying != nil {
		return busyWait
	}
	var ready []*worker
	rows, full, urgent := 0, false, false
	since := make(map[*worker]time.Time, len(l.workers))
	for w := range l.workers {
		w.mu.Lock()
		if w.ready() {
			ready = append(ready, w)
			since[w] = w.open.since
			rows += w.open.builder.Rows()
			full, urgent = full || w.full, urgent || w.urgent
		}
		w.mu.Unlock()
	}
	if len(ready) == 0 {
		return idleWait
	}
	// The one that has waited longest goes first, and leads.
	slices.SortFunc(ready, func(a, b *worker) int {
		return cmp.Or(since[a].Compare(since[b]), cmp.Compare(a.p.ID(), b.p.ID()))
	})
	if !full && !urgent && rows < l.cfg.MaxRows {
		wait := l.cfg.FlushAge - time.Since(since[ready[0]])
		if rows < smallRows {
			wait = max(wait, time.Until(l.opens))
		}
		if wait > 0 {
			return wait
		}
	}
	l.ship(ready)
	return busyWait
}

// ship makes a chunk of what the workers have gathered and sends it off; mu is held.
func (l *Lander) ship(ready []*worker) {
	c := l.newChunk()
	var lead *worker
	rows := 0
	for _, w := range ready {
		if lead != nil && (lead.turn != nil || w.turn != nil) {
			continue // before a turn a log answers another source than the others
		}
		if lead == nil {
			c.lead(w.p, w.state(), w.topic, w.source)
		}
		s := w.hand(c)
		if s == nil {
			continue
		}
		if lead == nil {
			lead, c.state.Mark = w, s.Mark
		}
		c.shares = append(c.shares, s)
		if rows += s.builder.Rows(); rows > mostRows-l.cfg.MaxRows || len(c.shares) == checkpoint.MaxShares {
			break
		}
	}
	if lead == nil {
		return
	}
	slices.SortFunc(c.shares[1:], func(a, b *share) int { return cmp.Compare(a.Partition, b.Partition) })
	l.flying = c
	l.wake()
	go l.fly(lead.ctx, c)
}

// fly delivers the chunk and makes way for the next one.
func (l *Lander) fly(ctx context.Context, c *chunk) {
	err := c.deliver(ctx)
	c.report(errorReason(ctx, err))
	select {
	case <-c.settled:
	default:
		c.failed = err
		close(c.settled)
	}
	c.release()
	l.mu.Lock()
	l.flying = nil
	l.opens = time.Now().Add(min(maxPause, time.Duration(float64(c.took)*(1/l.cfg.InsertShare-1))))
	c.err = err
	close(c.over)
	l.wake()
	l.mu.Unlock()
	l.dispatch()
}

// errorReason is what health says about a chunk that came to an end.
func errorReason(ctx context.Context, err error) string {
	if err == nil || ctx.Err() != nil {
		return ""
	}
	return reason(err)
}

// newChunk returns a chunk without shares.
func (l *Lander) newChunk() *chunk {
	return &chunk{l: l, settled: make(chan struct{}), over: make(chan struct{})}
}

// lead makes a partition the leader of the chunk.
func (c *chunk) lead(p *kafka.Partition, state checkpoint.State, topic, source string) {
	c.leader, c.state, c.topicName, c.topic, c.source = p, state, p.Topic(), topic, source
	c.log = c.l.deps.Log.With(zap.String("topic", p.Topic()), zap.Int32("partition", p.ID()))
}

// release gives back the memory of the chunk.
func (c *chunk) release() {
	for _, s := range c.shares {
		c.l.memory.flown(s)
		c.l.builders.put(s.builder)
		s.builder = nil
	}
}

// wake lets everybody look again who waits for room or for a chunk; mu is held.
func (l *Lander) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// change returns a channel that is closed at the next change.
func (l *Lander) change() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// await waits for a chunk that an earlier worker of the partition has a share of, so
// that what is committed of it is decided.
func (l *Lander) await(ctx context.Context, p *kafka.Partition) error {
	l.mu.Lock()
	c := l.flying
	l.mu.Unlock()
	if c == nil || !slices.ContainsFunc(c.shares, func(s *share) bool { return s.Partition == p.ID() }) {
		return nil
	}
	select {
	case <-c.settled:
		return nil
	case <-p.Draining():
		return kafka.ErrDraining
	case <-ctx.Done():
		return ctx.Err()
	}
}
