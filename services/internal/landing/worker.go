package landing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

// worker gathers the records of one partition under one assignment.
type worker struct {
	l   *Lander
	p   *kafka.Partition
	ctx context.Context // ends with the assignment
	log *zap.Logger
	// topics are the ids that every commit names, topic and source those of the
	// partition's topic and of the one that it answers.
	topics        map[string]string
	topic, source string
	// turn is where the records begin to answer another source log; nil behind it.
	// No chunk crosses it.
	turn *checkpoint.Turn

	// queue is what was polled and is not gathered yet.
	queue []*kgo.Record
	// holeAlarm is whether an open hole was reported.
	holeAlarm bool

	mu sync.Mutex // guards the following
	// open is the share that is being gathered, nil before its first record. The next
	// one begins at lo.
	open *share
	lo   int64
	mark denselog.Mark
	// unmarked is set while the reader has no mark because the log begins in
	// the middle: the first record sets it.
	unmarked bool
	// flying is the chunk under way that this worker has handed a share to.
	flying *chunk
	// full is set when there was no room for a further record, urgent when the
	// worker waits for what it has gathered to land.
	full, urgent bool
	// moved is whether there is an offset to commit.
	moved bool

	// shipped is the append time of the first record of the share under way.
	shipped int64

	// waiting is for metrics: whether the worker waits for room.
	waiting atomic.Bool
}

func (w *worker) close() {
	w.l.leave(w)
	w.l.deps.Health.Set(w.holeName(), true, "")
}

func (w *worker) run() error {
	for {
		if err := w.outcome(); err != nil {
			return err
		}
		full, err := w.gather()
		if errors.Is(err, errTurned) {
			return w.turnOver()
		}
		if err != nil {
			return err
		}
		w.pass()
		wait := w.l.dispatch()
		w.waiting.Store(full)
		switch {
		case full:
			err = w.rest(wait)
		case len(w.queue) == 0:
			w.queue, err = w.p.Poll(w.ctx, w.patience(wait))
		}
		if errors.Is(err, kafka.ErrDraining) {
			return w.drain()
		}
		if err != nil {
			return err
		}
	}
}

// patience is how long the worker may wait for records.
func (w *worker) patience(wait time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.flying != nil || w.open != nil {
		return min(wait, busyWait)
	}
	return min(wait, idleWait)
}

// rest waits until there may be room, or something to do.
func (w *worker) rest(wait time.Duration) error {
	change := w.l.change()
	w.p.Beat()
	timer := time.NewTimer(min(wait, busyWait))
	defer timer.Stop()
	select {
	case <-w.ctx.Done():
		return w.ctx.Err()
	case <-w.p.Draining():
		return kafka.ErrDraining
	case <-change:
	case <-timer.C:
	}
	return nil
}

// outcome looks after the chunk under way and returns why it failed: the worker then
// starts again from what is committed.
func (w *worker) outcome() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.look()
}

// look is outcome with mu held.
func (w *worker) look() error {
	if w.flying == nil {
		return nil
	}
	ended, err := w.flying.end(w.p)
	if ended && err == nil {
		w.flying = nil
	}
	return err
}

// end reports whether the chunk has come to an end for a partition that has a share
// of it, and why it failed.
func (c *chunk) end(p *kafka.Partition) (ended bool, err error) {
	if p == c.leader {
		select {
		case <-c.over:
			return true, c.err
		default:
			return false, nil
		}
	}
	select {
	case <-c.settled:
		return true, c.failed
	default:
		return false, nil
	}
}

// gatherStep is how many records are gathered under one lock: few milliseconds.
const gatherStep = 500

// gather takes records from the queue, and reports whether there was no room for
// the next one.
func (w *worker) gather() (full bool, err error) {
	for len(w.queue) > 0 && !full {
		if full, err = w.gatherSome(); err != nil {
			return false, err
		}
	}
	return full, nil
}

func (w *worker) gatherSome() (full bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range min(gatherStep, len(w.queue)) {
		if !w.l.memory.room(w.open) {
			w.full = true
			return true, nil
		}
		r := w.queue[0]
		if w.turn != nil && r.Offset >= w.turn.At {
			return false, errTurned
		}
		if err := w.add(r); err != nil {
			return false, err
		}
		w.queue = w.queue[1:]
	}
	return false, nil
}

// add takes one record into the open share; mu is held.
func (w *worker) add(r *kgo.Record) error {
	at, take, err := w.judge(r)
	if err != nil {
		return err
	}
	w.open.Hi, w.open.Cut = r.Offset, w.mark.Src()
	if !take {
		return nil
	}
	rows := w.open.builder.Rows()
	if err := w.open.builder.Add(r, at); err != nil {
		return fmt.Errorf("build row of %s offset %d: %w", r.Topic, r.Offset, err)
	}
	w.l.memory.grow(w.open, w.open.builder.Rows()-rows)
	return nil
}

// judge decides whether a record's rows are part of the chunk, and opens a share for
// it.
func (w *worker) judge(r *kgo.Record) (at denselog.Position, take bool, err error) {
	if w.source == "" {
		w.begin(r)
		return denselog.Position{Src: r.Offset, Prev: r.Offset - 1}, true, nil
	}
	if at, err = denselog.Parse(r); err != nil {
		return at, false, err
	}
	if w.unmarked {
		w.mark, w.unmarked = denselog.NewMark(at.Prev), false
	}
	w.begin(r)
	now := w.l.deps.Now()
	verdict := w.mark.Judge(at, now)
	w.watchHole(now)
	switch verdict {
	case denselog.Repeat:
		w.l.metrics.repeats.Inc()
	case denselog.Hole:
		w.l.metrics.holes.Inc()
	}
	return at, verdict == denselog.Take, nil
}

// begin opens a share that begins with the record, unless one is open.
func (w *worker) begin(r *kgo.Record) {
	if w.open != nil {
		return
	}
	w.open = &share{
		Share: checkpoint.Share{Partition: w.p.ID(), Lo: w.lo, Mark: w.mark.Src()},
		p:     w.p, state: w.state(), builder: w.l.builders.get(w.source, w.p.ID()), since: time.Now(), first: r.Timestamp.UnixMilli(),
	}
}

// state is what all commits of the partition say.
func (w *worker) state() checkpoint.State {
	return checkpoint.State{Version: checkpoint.Version, Topics: w.topics, Turn: w.turn}
}

// ready reports whether there is something to ship; mu is held.
func (w *worker) ready() bool {
	return w.ctx.Err() == nil && w.open != nil && w.open.builder.Rows() > 0 && w.look() == nil && w.flying == nil
}

// hand gives the open share to the chunk, nil when there is nothing to give. The worker
// has either an open share or a chunk under way as long as something has not landed.
func (w *worker) hand(c *chunk) *share {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ready() {
		return nil
	}
	s := w.take()
	w.l.memory.fly(s)
	w.flying, w.shipped = c, s.first
	return s
}

// take closes the open share; mu is held.
func (w *worker) take() *share {
	s := w.open
	w.open, w.lo = nil, s.Hi+1
	w.full, w.urgent, w.moved = false, false, true
	return s
}

// pass goes on past records that bring no rows.
func (w *worker) pass() {
	if s := w.empty(w.l.cfg.FlushAge); s != nil {
		w.p.CommitLater(s.behind())
	}
}

// empty takes the open share if it is of that age and without rows, and everything
// before it has landed.
func (w *worker) empty(age time.Duration) *share {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil || w.open.builder.Rows() > 0 || w.flying != nil || time.Since(w.open.since) < age {
		return nil
	}
	s := w.take()
	w.l.drop(s)
	return s
}

// settle waits until all that was gathered has landed.
func (w *worker) settle() error {
	for {
		change := w.l.change()
		if err := w.outcome(); err != nil {
			return err
		}
		w.empty(0)
		w.mu.Lock()
		over := w.open == nil && w.flying == nil
		w.urgent = w.open != nil
		w.mu.Unlock()
		if over {
			return nil
		}
		w.l.dispatch()
		w.p.Beat()
		timer := time.NewTimer(busyWait)
		select {
		case <-w.ctx.Done():
		case <-change:
		case <-timer.C:
		}
		timer.Stop()
		if err := w.ctx.Err(); err != nil {
			return err
		}
	}
}

// drain lands what was gathered, so that stopping leaves little to do later.
func (w *worker) drain() error {
	if err := w.settle(); err != nil || !w.moved {
		return err
	}
	return w.p.Commit(w.ctx, w.done())
}

// errTurned ends a worker, so that it starts again behind the turn.
var errTurned = errors.New("the dense log goes on with another source log")

// turnOver lands and commits what lies before the turn.
func (w *worker) turnOver() error {
	if err := w.settle(); err != nil {
		return err
	}
	if err := w.p.Commit(w.ctx, w.done()); err != nil {
		return fmt.Errorf("commit the turn at %d: %w", w.turn.At, err)
	}
	return errTurned
}

// done is the commit of a worker that has nothing open or under way.
func (w *worker) done() kafka.Commit {
	state := w.state()
	state.Mark, state.Unmarked = w.mark.Src(), w.unmarked
	return kafka.Commit{Offset: w.lo, Metadata: state.Text()}
}

// oldest is the append time of the oldest record that has not landed, in
// milliseconds, 0 without one.
func (w *worker) oldest() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.look() == nil && w.flying != nil:
		return w.shipped
	case w.open != nil:
		return w.open.first
	}
	return 0
}

// maxHoleAge is how long a writer may take to fill a hole.
const maxHoleAge = 30 * time.Second

// watchHole raises the alarm when a hole stays open: the writer of the dense log
// starts again within seconds of an error, unless something keeps it from it.
func (w *worker) watchHole(now time.Time) {
	age := w.mark.HoleAge(now)
	if w.holeAlarm == (age > maxHoleAge) {
		return
	}
	w.holeAlarm = !w.holeAlarm
	w.l.deps.Health.Set(w.holeName(), !w.holeAlarm, fmt.Sprintf("nothing behind source offset %d was written for %s", w.mark.Src(), age.Round(time.Second)))
}

func (w *worker) holeName() string { return fmt.Sprintf("%s-hole-%d", w.l.deps.Name, w.p.ID()) }
