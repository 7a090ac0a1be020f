package writer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

// append sends the dense-log record that answers raw record r.
func (pw *partition) append(ctx context.Context, r *kgo.Record) {
	at := position{
		Position: denselog.Position{Src: r.Offset, Prev: pw.last, Outcome: pw.out.Outcome},
		clock:    pw.clock,
	}
	if noticed(at.Outcome) {
		var reason event.Reason
		at.id, reason = dedupID(&pw.event)
		at.idKey = idKey(reason)
	}
	pw.send(ctx, at, r.Key, r.Offset+1)
}

// send appends pw.out at that position; once it and all before it are
// acknowledged, raw offsets before next may be committed.
func (pw *partition) send(ctx context.Context, at position, key []byte, next int64) {
	if pw.sheet.full() {
		pw.sheet.release()
		pw.sheet = pw.w.sheets.get()
	}
	a := pw.sheet.line()
	pw.sheet.fill(a, &pw.out, &at)
	a.record.Topic, a.record.Partition, a.record.Key, a.record.Timestamp = topics.Enriched, pw.p.ID(), key, pw.now
	a.pw, a.next, a.events = pw, next, float64(at.Src-at.Prev)
	a.counter = pw.w.metrics.counter(&pw.out)
	if at.Src <= pw.mark {
		a.counter = pw.w.metrics.repeats
	}
	pw.inFlight.Add(1)
	pw.w.deps.Producer.Produce(ctx, &a.record, a.promise)
}

// acknowledged is told what became of an append.
func (pw *partition) acknowledged(a *appended, err error) {
	switch {
	case err != nil:
		pw.fail(fmt.Errorf("append record for raw offset %d: %w", a.next-1, err))
	case !pw.failed.Load():
		// Acknowledgements of a partition arrive in order, so everything
		// before next is in the log, unless something before it failed.
		pw.acked.Store(a.next)
		a.counter.Add(a.events)
	}
	if pw.inFlight.Add(-1) == 0 {
		select {
		case pw.idle <- struct{}{}:
		default:
		}
	}
}

// fail stops the worker; the first failure counts.
func (pw *partition) fail(err error) {
	pw.failed.Store(true)
	select {
	case pw.failure <- err:
	default:
	}
}

// settleBeat is how often a worker that waits for acknowledgements says so. The
// broker may be away for long.
const settleBeat = time.Second

// settle waits until everything appended is acknowledged, or has failed.
func (pw *partition) settle(ctx context.Context) error {
	for pw.inFlight.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pw.idle:
		case <-time.After(settleBeat):
			pw.p.Beat()
		}
	}
	select {
	case err := <-pw.failure:
		return err
	default:
		return nil
	}
}

// drain waits until everything appended is acknowledged and commits it.
func (pw *partition) drain(ctx context.Context) error {
	if err := pw.settle(ctx); err != nil {
		return err
	}
	return errors.Join(pw.advance(), pw.p.Commit(ctx, kafka.Commit{Offset: pw.acked.Load(), Metadata: pw.metadata}))
}

// lost appends the one record that stands for raw offsets [from, to), which the
// broker deleted before they were read. As time of receipt it gets the last time
// that the partition knows.
func (pw *partition) lost(ctx context.Context, from, to int64) error {
	pw.log.Error("raw records expired before they were read", zap.Int64("from", from), zap.Int64("to", to))
	pw.out = event.Enriched{Outcome: event.LostRetention, ReceivedAt: cmp.Or(pw.clock, pw.w.deps.Now().UnixMilli())}
	at := denselog.Position{Src: to - 1, Prev: from - 1, Outcome: event.LostRetention}
	pw.send(ctx, position{Position: at, clock: pw.clock}, nil, to)
	pw.last = to - 1
	return pw.settle(ctx)
}
