package writer

import (
	"context"
	"fmt"

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
	if pw.failed.Load() {
		return
	}
	pos := denselog.Position{Src: r.Offset, Prev: pw.last, Outcome: pw.out.Outcome}
	pw.w.metrics.count(&pw.out)
	pw.send(ctx, pos, r.Key, r.Offset+1)
}

// send appends pw.out at pos; once it and all before it are acknowledged, raw
// offsets before next may be committed.
func (pw *partition) send(ctx context.Context, pos denselog.Position, key []byte, next int64) {
	if cap(pw.slab)-len(pw.slab) < slabBytes/8 {
		pw.slab = make([]byte, 0, slabBytes)
	}
	start := len(pw.slab)
	pw.slab = pw.out.Append(pw.slab)
	value := pw.slab[start:len(pw.slab):len(pw.slab)]
	rec := &kgo.Record{Topic: topics.Enriched, Partition: pw.p.ID(), Key: key, Value: value, Headers: pos.Headers()}
	pw.inFlight.Add(1)
	pw.w.deps.Producer.Produce(ctx, rec, func(_ *kgo.Record, err error) {
		switch {
		case err != nil:
			pw.fail(fmt.Errorf("append record for raw offset %d: %w", pos.Src, err))
		case !pw.failed.Load():
			// Acknowledgements of a partition arrive in order, so everything
			// before next is in the log, unless something before it failed.
			pw.acked.Store(next)
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

// report hands the acknowledged offset to the committer.
func (pw *partition) report() {
	if acked := pw.acked.Load(); acked > pw.reported {
		pw.reported = acked
		pw.p.CommitLater(kafka.Commit{Offset: acked, Metadata: pw.metadata})
	}
}

// settle waits until everything appended is acknowledged, or has failed.
func (pw *partition) settle(ctx context.Context) error {
	for pw.inFlight.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pw.idle:
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
	if pw.acked.Load() == 0 {
		return nil
	}
	return pw.p.Commit(ctx, kafka.Commit{Offset: pw.acked.Load(), Metadata: pw.metadata})
}

// lost appends the one record that stands for raw offsets [from, to), which the
// broker deleted before they were read.
func (pw *partition) lost(ctx context.Context, from, to int64) error {
	pw.log.Error("raw records expired before they were read", zap.Int64("from", from), zap.Int64("to", to))
	pw.w.metrics.lost.Add(float64(to - from))
	pw.out = event.Enriched{Outcome: event.LostRetention, ReceivedAt: pw.w.deps.Now().UnixMilli()}
	pw.send(ctx, denselog.Position{Src: to - 1, Prev: from - 1, Outcome: event.LostRetention}, nil, to)
	return pw.settle(ctx)
}
