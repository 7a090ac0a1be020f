package landing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/retry"
)

// deliver commits the intent, inserts the chunk, and commits the offsets behind it.
// ctx ends when the leader's partition is lost: whoever takes that over finishes the
// chunk.
func (c *chunk) deliver(ctx context.Context) error {
	c.intent.At, c.intent.Parts = c.l.deps.Now().UnixMilli(), c.countParts(ctx)
	c.declare()
	var others []*kafka.Partition
	for _, s := range c.shares[1:] {
		others = append(others, s.p)
	}
	if err := c.leader.CommitFor(c.commit(), others); err != nil {
		return fmt.Errorf("commit intent of %s: %w", c.token(), err)
	}
	began := time.Now()
	err := c.insert(ctx)
	c.took = time.Since(began)
	if err != nil {
		return err
	}
	c.l.metrics.chunk(c.rows(), c.took)
	return c.goPast(ctx)
}

// insert inserts the blocks, until ClickHouse has them or never will.
func (c *chunk) insert(ctx context.Context) error {
	for {
		err := retry.Do(ctx, retry.Insert(c.l.deps.Name), c.repeats, c.attempt)
		if err == nil {
			c.report("")
			return nil
		}
		r, ok := errors.AsType[*refusal](err)
		if !ok {
			return err
		}
		if err := c.takeApart(ctx, r); err != nil {
			return err
		}
	}
}

// attempt sends every block once, under the token that all attempts have.
func (c *chunk) attempt(ctx context.Context) error {
	old, whole, err := c.old(ctx)
	if err != nil || whole {
		return err
	}
	tables := c.blocks()
	for i, blocks := range tables {
		rows := rowsOf(blocks)
		if rows == 0 {
			continue
		}
		table := blocks[0].Table
		if old && i < len(tables)-1 {
			there, err := c.landedBefore(ctx, table, rows)
			if err != nil {
				return err
			}
			if there {
				continue
			}
		}
		c.leader.Beat()
		if err := c.l.deps.Inserter.Insert(ctx, c.token(), blocks...); err != nil {
			switch clickhouse.ClassOf(err) {
			case clickhouse.ClassRows:
				return retry.Permanent(&refusal{table: table, first: i == 0, err: err})
			case clickhouse.ClassView:
				return retry.Permanent(kafka.Fatal(fmt.Errorf("%w (%w)", ErrViewThrows, err)))
			}
			return err
		}
	}
	return nil
}

// goPast commits the offsets behind a chunk that has landed: first those of the
// followers, which would otherwise be left with ranges that no intent names any more.
// Those that are not ours to commit are waited for.
func (c *chunk) goPast(ctx context.Context) error {
	lost := map[int32]int64{}
	answers := make([]<-chan error, len(c.shares))
	for i, s := range c.shares[1:] {
		if s.p == nil {
			lost[s.Partition] = s.Hi
			continue
		}
		answers[i+1] = s.p.CommitAsync(s.behind())
	}
	for i, answer := range answers {
		if answer == nil {
			continue
		}
		if err := <-answer; err != nil {
			lost[c.shares[i].Partition] = c.shares[i].Hi
		}
	}
	if len(lost) > 0 {
		c.intent.Landed = true
		if err := c.leader.Commit(ctx, c.commit()); err != nil {
			return fmt.Errorf("commit that %s has landed: %w", c.token(), err)
		}
	}
	close(c.settled)
	if err := c.awaitOthers(ctx, lost); err != nil {
		return err
	}
	if err := c.leader.Commit(ctx, c.shares[0].behind()); err != nil {
		return fmt.Errorf("commit the offset behind %s: %w", c.token(), err)
	}
	return nil
}

// othersWait separates the questions how far other members have come.
const othersWait = 100 * time.Millisecond

// awaitOthers waits until partitions that others own, given with the last offset of
// their shares, have gone past the chunk.
func (c *chunk) awaitOthers(ctx context.Context, lost map[int32]int64) error {
	for began, told := time.Now(), false; len(lost) > 0; {
		commits, err := c.leader.Commits(ctx)
		if err == nil {
			for p, hi := range lost {
				if at, ok := commits[p]; ok && at.Offset > hi {
					delete(lost, p)
				}
			}
		}
		if len(lost) == 0 {
			return nil
		}
		if !told && time.Since(began) > maxHoleAge {
			told = true
			c.log.Warn("a chunk has landed, and partitions of other members do not go past it", zap.Int("partitions", len(lost)), zap.String("token", c.token()), zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(othersWait):
		}
	}
	return nil
}
