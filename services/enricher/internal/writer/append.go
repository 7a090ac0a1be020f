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

// slabBytes is the size of the memory that record values are cut from: one
// allocation for some hundreds of records. A slab lives until the last of its
// records was acknowledged.
const slabBytes = 256 << 10

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
	if cap(pw.slab)-len(pw.slab) < slabBytes/8 {
		pw.slab = make([]byte, 0, slabBytes)
	}
	start := len(pw.slab)
	pw.slab = pw.out.Append(pw.slab)
	value := pw.slab[start:len(pw.slab):len(pw.slab)]
	rec := &kgo.Record{Topic: topics.Enriched, Partition: pw.p.ID(), Key: key, Value: value, Headers: at.headers()}
	counter, events := pw.w.metrics.counter(&pw.out), float64(at.Src-at.Prev)
	if at.Src <= pw.mark {
		counter = pw.w.metrics.repeats
	}
	pw.inFlight.Add(1)
	pw.w.deps.Producer.Produce(ctx, rec, func(_ *kgo.Record, err error) {
		switch {
		case err != nil:
			pw.fail(fmt.Errorf("append record for raw offset %d: %w", at.Src, err))
		case !pw.failed.Load():
			// Acknowledgements of a partition arrive in order, so everything
			// before next is in the log, unless something before it failed.
			pw.acked.Store(next)
			counter.Add(events)
		}
		if pw.inFlight.Add(-1) == 0 {
			select {
			case pw.idle <- struct{}{}:
			default:
			}
		}
	})
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
