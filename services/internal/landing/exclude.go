package landing

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

// refusal is the answer of a server that will never take the rows for a table.
type refusal struct {
	table string
	// first is whether the table is that of the builders' first block.
	first bool
	err   error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// taken is a record of a share that counts.
type taken struct {
	record *kgo.Record
	at     denselog.Position
}

// takeApart finds the records whose rows ClickHouse refuses, commits the intent
// again without them, and builds the chunk anew. Nothing of it was inserted: a
// block that violates a constraint writes nothing.
func (c *chunk) takeApart(ctx context.Context, r *refusal) error {
	if c.l.deps.Twin == "" || !r.first {
		return kafka.Fatal(fmt.Errorf("%w (%w)", ErrRefused, r.err))
	}
	c.log.Warn("block is refused, rows at fault are searched", zap.Error(r.err), zap.String("token", c.token()))
	found, excluded := 0, 0
	for _, s := range c.shares {
		more, err := c.search(ctx, s)
		if err != nil {
			return err
		}
		found += len(more)
		s.Excluded = slices.Sorted(slices.Values(append(slices.Clone(s.Excluded), more...)))
		excluded += len(s.Excluded)
	}
	if found == 0 {
		return kafka.Fatal(fmt.Errorf("%w (%w)", ErrViewThrows, r.err))
	}
	n, err := c.count(ctx, r.table)
	if err != nil {
		return err
	}
	if n > 0 {
		return kafka.Fatal(fmt.Errorf("%w (%d rows of %s are in %s; %w)", ErrRefusedLate, n, c.token(), r.table, r.err))
	}
	if excluded > checkpoint.MaxExcluded {
		return kafka.Fatal(fmt.Errorf("%w: more than %d: %w", clickhouse.ErrManyRefused, checkpoint.MaxExcluded, r.err))
	}
	c.declare()
	if err := c.leader.Commit(ctx, c.commit()); err != nil {
		return fmt.Errorf("commit intent without %d records: %w", found, err)
	}
	c.log.Warn("rows are excluded", zap.Int("rows", found), zap.String("token", c.token()))
	c.l.metrics.excluded.Add(float64(found))
	for _, s := range c.shares {
		s.builder.Begin(c.source, s.Partition)
		if err := c.read(ctx, s, func(r *kgo.Record, at denselog.Position) error { return c.build(ctx, s, r, at) }); err != nil {
			return err
		}
	}
	return nil
}

// search returns those records of the share whose rows the twin refuses, as
// ascending distances from its start.
func (c *chunk) search(ctx context.Context, s *share) ([]int64, error) {
	var recs []taken
	err := c.read(ctx, s, func(r *kgo.Record, at denselog.Position) error {
		if !s.Excludes(r.Offset) {
			recs = append(recs, taken{r, at})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	builder := c.l.builders.get(c.source, s.Partition)
	defer c.l.builders.put(builder)
	found, err := clickhouse.FindRefused(len(recs), checkpoint.MaxExcluded, func(lo, hi int) error {
		builder.Begin(c.source, s.Partition)
		for _, t := range recs[lo:hi] {
			if err := builder.Add(t.record, t.at); err != nil {
				return err
			}
		}
		return c.probe(ctx, builder.Blocks(s.Mark, s.Cut)[0])
	})
	switch {
	case errors.Is(err, clickhouse.ErrManyRefused), errors.Is(err, clickhouse.ErrRefusedTogether):
		return nil, kafka.Fatal(err)
	case err != nil:
		return nil, err
	}
	distances := make([]int64, len(found))
	for i, f := range found {
		distances[i] = recs[f].record.Offset - s.Lo
	}
	return distances, nil
}

// probe asks the twin about a block until it answers.
func (c *chunk) probe(ctx context.Context, b clickhouse.Block) error {
	if b.Rows() == 0 {
		return nil
	}
	return retry.Do(ctx, retry.Insert("probe "+b.Table), c.repeats, func(ctx context.Context) error {
		c.leader.Beat()
		err := c.l.deps.Inserter.Probe(ctx, c.l.deps.Twin, b)
		if clickhouse.Refused(err) {
			return retry.Permanent(err)
		}
		return err
	})
}
