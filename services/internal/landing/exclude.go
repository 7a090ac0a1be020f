package landing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/retry"
)

// Named errors that stop a lander until somebody has mended the schema. The
// intent stays pending, and is finished after a restart.
var (
	// ErrViewThrows: ClickHouse names a view, or refuses a block although its table
	// takes every row.
	ErrViewThrows = errors.New("a materialized view throws on rows that its table takes; mend the view and start again")
	// ErrRefused: a block is refused whose rows have no other place.
	ErrRefused = errors.New("ClickHouse refuses the block; mend the table and start again")
	// ErrRefusedLate: a row of the chunk is refused now, but part of the chunk was
	// taken earlier, maybe with that row.
	ErrRefusedLate = errors.New("ClickHouse refuses rows of a block of which it has taken a part before; undo the change of the table and start again")
)

// taken is a record of a chunk that counts.
type taken struct {
	record *kgo.Record
	at     denselog.Position
}

// takeApart finds the records whose rows ClickHouse refuses, commits the intent
// again without them, and builds the chunk anew. Nothing of it was inserted: a
// block that violates a constraint writes nothing.
func (w *worker) takeApart(ctx context.Context, r *refusal) error {
	if w.l.deps.Twin == "" || !r.first {
		return kafka.Fatal(fmt.Errorf("%w (%w)", ErrRefused, r.err))
	}
	w.log.Warn("block is refused, rows at fault are searched", zap.Error(r.err), zap.String("token", w.token()))
	recs, err := w.reread(ctx)
	if err != nil {
		return err
	}
	found, err := w.search(ctx, recs)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return kafka.Fatal(fmt.Errorf("%w (%w)", ErrViewThrows, r.err))
	}
	n, err := w.l.deps.Landed.Count(ctx, r.table, w.source, w.p.ID(), w.markLo, w.mark.Src())
	if err != nil {
		return err
	}
	if n > 0 {
		return kafka.Fatal(fmt.Errorf("%w (%d rows of %s are in %s; %w)", ErrRefusedLate, n, w.token(), r.table, r.err))
	}
	intent := *w.pending
	intent.Excluded = slices.Sorted(slices.Values(append(slices.Clone(intent.Excluded), found...)))
	if len(intent.Excluded) > checkpoint.MaxExcluded {
		return kafka.Fatal(fmt.Errorf("%w: more than %d: %w", clickhouse.ErrManyRefused, checkpoint.MaxExcluded, r.err))
	}
	if err := w.intend(ctx, &intent); err != nil {
		return err
	}
	w.log.Warn("rows are excluded", zap.Int("rows", len(found)), zap.String("token", w.token()))
	w.l.metrics.excluded.Add(float64(len(found)))
	w.builder.Reset()
	for _, t := range recs {
		if err := w.build(ctx, t.record, t.at); err != nil {
			return err
		}
	}
	return nil
}

// reread reads the records of the pending intent that count.
func (w *worker) reread(ctx context.Context) (recs []taken, err error) {
	mark := denselog.NewMark(w.markLo)
	err = w.l.deps.Scan(ctx, w.p.Topic(), w.p.ID(), w.pending.Lo, w.pending.Hi+1, func(r *kgo.Record) error {
		w.p.Beat()
		at, err := denselog.Parse(r)
		if err != nil {
			return err
		}
		if mark.Judge(at, w.l.deps.Now()) == denselog.Take {
			recs = append(recs, taken{r, at})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if mark.Src() != w.mark.Src() {
		return nil, fmt.Errorf("read %s again: the mark is %d, it was %d", w.token(), mark.Src(), w.mark.Src())
	}
	return recs, nil
}

// exclude gives the builder a record that the intent excludes, and the one that it
// answers.
func (w *worker) exclude(ctx context.Context, r *kgo.Record, at denselog.Position) error {
	builder, ok := w.builder.(Excluder)
	if !ok || w.l.deps.Scan == nil {
		return kafka.Fatal(fmt.Errorf("intent excludes offset %d, which this lander does not do: %w", r.Offset, checkpoint.ErrUnreadable))
	}
	if w.turn != nil {
		return builder.Exclude(r, at, nil)
	}
	var source *kgo.Record
	err := w.l.deps.Scan(ctx, w.l.deps.Source, w.p.ID(), at.Src, at.Src+1, func(r *kgo.Record) error {
		w.p.Beat()
		source = r
		return nil
	})
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return kafka.Fatal(fmt.Errorf("offset %d of %s: %w", at.Src, w.l.deps.Source, checkpoint.ErrExpired))
	case err != nil:
		return err
	case source == nil || source.Offset != at.Src:
		return fmt.Errorf("read %s partition %d: no record at offset %d", w.l.deps.Source, w.p.ID(), at.Src)
	}
	return builder.Exclude(r, at, source)
}

// search returns those of the records whose rows the twin refuses, as ascending
// distances from the start of the intent.
func (w *worker) search(ctx context.Context, recs []taken) ([]int64, error) {
	builder := w.l.deps.NewBuilder(w.source, w.p.ID())
	found, err := clickhouse.FindRefused(len(recs), checkpoint.MaxExcluded, func(lo, hi int) error {
		builder.Reset()
		for _, t := range recs[lo:hi] {
			if w.pending.Excludes(t.record.Offset) {
				continue
			}
			if err := builder.Add(t.record, t.at); err != nil {
				return err
			}
		}
		return w.probe(ctx, builder.Blocks(w.markLo, w.mark.Src())[0])
	})
	switch {
	case errors.Is(err, clickhouse.ErrManyRefused), errors.Is(err, clickhouse.ErrRefusedTogether):
		return nil, kafka.Fatal(err)
	case err != nil:
		return nil, err
	}
	distances := make([]int64, len(found))
	for i, f := range found {
		distances[i] = recs[f].record.Offset - w.pending.Lo
	}
	return distances, nil
}

// probe asks the twin about a block until it answers.
func (w *worker) probe(ctx context.Context, b clickhouse.Block) error {
	if b.Rows() == 0 {
		return nil
	}
	buf := w.l.buffers.Get().(*proto.Buffer)
	defer w.l.buffers.Put(buf)
	return retry.Do(ctx, retry.Insert("probe "+b.Table), w.failed, func(ctx context.Context) error {
		w.p.Beat()
		err := w.l.deps.Inserter.Probe(ctx, b, w.l.deps.Twin, buf)
		if clickhouse.Refused(err) {
			return retry.Permanent(err)
		}
		return err
	})
}
