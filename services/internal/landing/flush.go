package landing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/retry"
)

// flush inserts the chunk: intent, blocks, then the offset behind it. The second
// commit is not waited for: it usually travels with the next intent, and losing
// it only means that the same blocks are sent once more.
func (w *worker) flush(ctx context.Context) error {
	if !w.inside {
		// It may have stood in the queue before it became full.
		w.l.gate.cancel(w)
	}
	if rows := w.builder.Rows(); rows > 0 {
		began := time.Now()
		err := w.land(ctx)
		if w.inside {
			// The chunk failed before its first attempt.
			w.leaveGate(0)
		}
		if err != nil {
			return err
		}
		w.l.metrics.chunk(rows, time.Since(began))
	}
	if w.pending != nil {
		// The mark was left as the intent was written; only now may it rise.
		w.mark.Raise(w.landed)
		w.pending = nil
	}
	w.clear()
	w.lo, w.markLo, w.flushed = w.next, w.mark.Src(), true
	w.p.CommitLater(w.done())
	return nil
}

// keepBytes is the size of a chunk whose memory is kept for the next one. What a
// burst took beyond it is given back: every partition has its burst one day.
const keepBytes = 8 << 20

// clear empties the chunk.
func (w *worker) clear() {
	if w.builder.Bytes() > keepBytes {
		w.builder = w.l.deps.NewBuilder(w.source, w.p.ID())
	} else {
		w.builder.Reset()
	}
	w.l.budget.settle(w.holding)
	w.first.Store(0)
}

// land commits the intent and inserts the blocks.
func (w *worker) land(ctx context.Context) error {
	if w.pending == nil {
		w.countParts(ctx)
		intent := &checkpoint.Intent{Lo: w.lo, Hi: w.next - 1, At: w.l.deps.Now().UnixMilli(), Parts: w.parts}
		if err := w.intend(ctx, intent); err != nil {
			return err
		}
	}
	w.l.budget.insert(w.holding)
	defer w.waiting.Store(false)
	for {
		err := retry.Do(ctx, retry.Insert(w.l.deps.Name), w.failed, w.attempt)
		if err == nil {
			w.l.status.set(w.p.ID(), "")
			return nil
		}
		r, ok := errors.AsType[*refusal](err)
		if !ok {
			return err
		}
		if err := w.takeApart(ctx, r); err != nil {
			return err
		}
	}
}

// intend commits the intent and makes it the pending one.
func (w *worker) intend(ctx context.Context, intent *checkpoint.Intent) error {
	if err := w.p.Commit(ctx, kafka.Commit{Offset: w.lo, Metadata: w.metadata(w.markLo, intent)}); err != nil {
		return fmt.Errorf("commit intent %d-%d: %w", intent.Lo, intent.Hi, err)
	}
	w.pending = intent
	return nil
}

func (w *worker) metadata(mark int64, pending *checkpoint.Intent) string {
	return checkpoint.State{
		Version: checkpoint.Version, Topics: w.topics, Mark: mark, Unmarked: w.unmarked, Pending: pending, Turn: w.turn,
	}.Text()
}

func (w *worker) done() kafka.Commit {
	return kafka.Commit{Offset: w.lo, Metadata: w.metadata(w.markLo, nil)}
}

// token names the chunk's blocks in ClickHouse's deduplication windows. The mark
// is part of it: a log that lost its tail has other records at the same offsets.
func (w *worker) token() string {
	return fmt.Sprintf("%s:%d:%d-%d:%d", w.topic, w.p.ID(), w.pending.Lo, w.pending.Hi, w.markLo)
}

// failed is told about each failure that is followed by another attempt.
func (w *worker) failed(err error, wait time.Duration) {
	w.waiting.Store(true)
	class := clickhouse.ClassOf(err)
	w.l.metrics.retries.WithLabelValues(string(class)).Inc()
	w.l.status.set(w.p.ID(), clickhouse.Explain(err))
	w.log.Warn("insert failed, is repeated", zap.String("class", string(class)), zap.Error(err), zap.Duration("wait", wait), zap.String("token", w.token()))
}

// refusal is the answer of a server that will never take a block.
type refusal struct {
	// table is that of the block, first whether it is the builder's first block.
	table string
	first bool
	err   error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// attempt sends every block once, under the token that all attempts have.
func (w *worker) attempt(ctx context.Context) error {
	began := time.Now()
	if w.inside {
		defer func() { w.leaveGate(time.Since(began)) }()
	}
	buf := w.l.buffers.Get().(*proto.Buffer)
	defer w.l.buffers.Put(buf)
	old, whole, err := w.old(ctx)
	if err != nil || whole {
		return err
	}
	blocks := w.blocks()
	for i, b := range blocks {
		if b.Rows() == 0 {
			continue
		}
		if old && i < len(blocks)-1 {
			there, err := w.landedBefore(ctx, b)
			if err != nil {
				return err
			}
			if there {
				continue
			}
		}
		w.p.Beat()
		if err := w.l.deps.Inserter.Insert(ctx, b, w.token(), buf); err != nil {
			switch clickhouse.ClassOf(err) {
			case clickhouse.ClassRows:
				return retry.Permanent(&refusal{table: b.Table, first: i == 0, err: err})
			case clickhouse.ClassView:
				return retry.Permanent(kafka.Fatal(fmt.Errorf("%w (%w)", ErrViewThrows, err)))
			}
			return err
		}
	}
	return nil
}

func (w *worker) blocks() []clickhouse.Block { return w.builder.Blocks(w.markLo, w.mark.Src()) }

// leaveGate lets the next chunk pass; what is repeated waits for its own back-off
// instead.
func (w *worker) leaveGate(took time.Duration) {
	w.inside = false
	w.l.gate.leave(took)
}
