package landing

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

// worker lands one partition under one assignment.
type worker struct {
	l       *Lander
	p       *kafka.Partition
	log     *zap.Logger
	builder Builder
	holding *holding
	// topics are the ids that every commit names.
	topics map[string]string
	// topic and source are topic ids, landed what the tables showed when the
	// partition was taken over.
	topic, source string
	landed        int64

	// parts is the count of ClickHouse's parts when it was counted last.
	parts   int64
	counted time.Time

	// queue is what was polled and is not gathered yet.
	queue []*kgo.Record
	// The chunk being gathered is [lo, next); markLo was the mark at lo.
	lo, next int64
	mark     denselog.Mark
	markLo   int64
	// unmarked is set while the reader has no mark because the log begins in
	// the middle: the first record sets it.
	unmarked bool
	since    time.Time
	// holeAlarm is whether an open hole was reported.
	holeAlarm bool
	// turn is where the records begin to answer another source log; nil behind it.
	// No chunk crosses it.
	turn *checkpoint.Turn
	// pending is the intent committed, or taken over, until it is finished.
	pending *checkpoint.Intent
	// inside is whether the chunk being inserted passed the gate.
	inside bool
	// flushed is whether a chunk was finished, so that there is an offset to
	// commit.
	flushed bool

	// waiting and first are for metrics: whether the worker waits for ClickHouse,
	// and the append time of the chunk's first record in milliseconds, 0 without
	// one.
	waiting atomic.Bool
	first   atomic.Int64
}

const (
	// idleWait is how long a worker without a chunk waits before it looks again.
	idleWait = 5 * time.Second
	// chunkWait is the same with a chunk: others may need the memory it takes.
	chunkWait = 200 * time.Millisecond
)

func (w *worker) close() {
	w.l.gate.cancel(w)
	w.l.budget.quit(w, w.holding)
	w.l.metrics.quit(w)
	w.l.deps.Health.Set(w.holeName(), true, "")
}

func (w *worker) run(ctx context.Context) error {
	for {
		pass, wait := w.due()
		if pass {
			if err := w.flush(ctx); err != nil {
				return err
			}
			continue
		}
		if err := w.fill(ctx, wait); errors.Is(err, kafka.ErrDraining) {
			return w.drain(ctx)
		} else if err != nil {
			return err
		}
	}
}

// due reports whether the chunk is to be inserted now, and else how soon to ask
// again. It may leave the worker in the gate's queue.
func (w *worker) due() (pass bool, wait time.Duration) {
	if w.next == w.lo || w.pending != nil {
		// An intent that was taken over is closed by its last record.
		return false, idleWait
	}
	rows := w.builder.Rows()
	if rows >= w.l.cfg.MaxRows || w.l.budget.turn(w.holding) {
		return true, 0
	}
	if wait := w.l.cfg.FlushAge - time.Since(w.since); wait > 0 {
		return false, min(wait, chunkWait)
	}
	if rows == 0 || rows >= smallRows {
		return true, 0
	}
	w.inside, wait = w.l.gate.enter(w)
	return w.inside, min(wait, chunkWait)
}

// fill gathers records for at most about the time given, and stops when the chunk
// is full or the memory of the process is used up.
func (w *worker) fill(ctx context.Context, wait time.Duration) error {
	change := w.l.budget.change()
	full := w.pending == nil && !w.l.budget.room()
	w.waiting.Store(full)
	if full {
		w.p.Beat()
		timer := time.NewTimer(min(wait, chunkWait))
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.p.Draining():
			return kafka.ErrDraining
		case <-change:
		case <-timer.C:
		}
		return nil
	}
	if len(w.queue) == 0 {
		var err error
		if w.queue, err = w.p.Poll(ctx, wait); err != nil {
			return err
		}
	}
	for len(w.queue) > 0 && (w.pending != nil || w.builder.Rows() < w.l.cfg.MaxRows && w.l.budget.room()) {
		r := w.queue[0]
		w.queue = w.queue[1:]
		if err := w.add(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// drain lands what was gathered, so that stopping leaves little to do later. A
// pending intent whose records have not all come is left to the next owner.
func (w *worker) drain(ctx context.Context) error {
	if w.pending != nil {
		return nil
	}
	if w.next > w.lo {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	if !w.flushed {
		return nil
	}
	return w.p.Commit(ctx, w.done())
}

// add takes one record into the chunk, and inserts the chunk when it was the last
// of the intent taken over.
func (w *worker) add(ctx context.Context, r *kgo.Record) error {
	if w.turn != nil && r.Offset >= w.turn.At {
		return w.turnOver(ctx)
	}
	if w.next == w.lo {
		w.since = time.Now()
		w.first.Store(r.Timestamp.UnixMilli())
	}
	at, take, err := w.judge(r)
	if err != nil {
		return err
	}
	if take {
		if err := w.build(ctx, r, at); err != nil {
			return err
		}
		w.l.budget.grow(w.holding, w.builder.Bytes())
	}
	w.next = r.Offset + 1
	if w.pending != nil && r.Offset == w.pending.Hi {
		return w.flush(ctx)
	}
	return nil
}

// errTurned ends a worker, so that it starts again behind the turn.
var errTurned = errors.New("the dense log goes on with another source log")

// turnOver lands and commits what lies before the turn.
func (w *worker) turnOver(ctx context.Context) error {
	if w.next > w.lo {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	if err := w.p.Commit(ctx, w.done()); err != nil {
		return fmt.Errorf("commit the turn at %d: %w", w.turn.At, err)
	}
	return errTurned
}

// build puts one record into the block, or elsewhere when the intent excludes it.
func (w *worker) build(ctx context.Context, r *kgo.Record, at denselog.Position) error {
	var err error
	if w.pending != nil && w.pending.Excludes(r.Offset) {
		err = w.exclude(ctx, r, at)
	} else {
		err = w.builder.Add(r, at)
	}
	if err != nil {
		return fmt.Errorf("build row of %s offset %d: %w", r.Topic, r.Offset, err)
	}
	return nil
}

// judge decides whether a record's rows are part of the chunk.
func (w *worker) judge(r *kgo.Record) (at denselog.Position, take bool, err error) {
	if w.source == "" {
		return denselog.Position{Src: r.Offset, Prev: r.Offset - 1}, true, nil
	}
	if at, err = denselog.Parse(r); err != nil {
		return at, false, err
	}
	if w.unmarked {
		w.mark, w.unmarked = denselog.NewMark(at.Prev), false
		w.markLo = at.Prev
	}
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

const maxHoleAge = 30 * time.Second

func (w *worker) holeName() string { return fmt.Sprintf("%s-hole-%d", w.l.deps.Name, w.p.ID()) }
