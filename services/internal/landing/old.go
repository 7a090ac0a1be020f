package landing

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/retry"
)

const (
	// maxIntentAge is how old an intent may be by the clock without further
	// questions. The deduplication window keeps 100,000 parts per table; at 12
	// partitions, 4 chunks a second each and 2 months a chunk that is 17 minutes of
	// full speed.
	maxIntentAge = 10 * time.Minute
	// maxIntentParts is how many parts may have come since: a quarter of the window,
	// because the count leaves out some tables.
	maxIntentParts = 25_000
	// partsAge is how old the count of parts in an intent may be, and countTimeout
	// how long counting may take.
	partsAge     = time.Minute
	countTimeout = 2 * time.Second
)

// countParts brings the count of parts up to date, from time to time.
func (l *Lander) countParts(ctx context.Context) error {
	l.mu.Lock()
	fresh := l.deps.Source == "" || time.Since(l.counted) < partsAge
	l.mu.Unlock()
	if fresh {
		return nil
	}
	parts, err := l.deps.Landed.Parts(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.parts, l.counted = parts, time.Now()
	l.mu.Unlock()
	return nil
}

// counted is the count of parts for a new intent. When none can be had in time, the
// old one makes the intent seem older than it is, which is safe.
func (c *chunk) countParts(ctx context.Context) int64 {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	if err := c.l.countParts(ctx); err != nil {
		c.log.Warn("count parts", zap.Error(err))
	}
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	return c.l.parts
}

// old reports whether the token of the chunk may have left the deduplication window,
// and then whether it has landed whole. Only while a token is remembered is it right
// to send the blocks again, and then it is the only right thing: of an interrupted
// insert the table may have its rows and a view not.
func (c *chunk) old(ctx context.Context) (old, whole bool, err error) {
	if c.source == "" || !suspicious(c.intent.At, c.l.deps.Now()) {
		return false, false, nil
	}
	parts, err := c.l.deps.Landed.Parts(ctx)
	if err != nil {
		return false, false, err
	}
	if since := parts - c.intent.Parts; c.intent.Parts > 0 && since >= 0 && since < maxIntentParts {
		return false, false, nil
	}
	for _, s := range c.shares {
		mark, err := c.l.deps.Landed.Mark(ctx, c.source, s.Partition)
		if err != nil || mark < s.Cut {
			return true, false, err
		}
	}
	return true, true, nil
}

// suspicious reports whether the clock says that much may have been inserted since
// the intent. One that went back says nothing, so that counts as old.
func suspicious(at int64, now time.Time) bool {
	age := now.Sub(time.UnixMilli(at))
	return age < 0 || age > maxIntentAge
}

// landedBefore looks for the rows of an old chunk in a table: all there means
// that they were inserted, none that they were not. Some of each cannot be told
// apart from a block that would be doubled, so it stops.
func (c *chunk) landedBefore(ctx context.Context, table string, rows int) (bool, error) {
	n, err := c.count(ctx, table)
	switch {
	case err != nil:
		return false, err
	case n == 0:
		return false, nil
	case n == rows:
		c.log.Warn("rows of an old chunk are in their table already", zap.String("table", table), zap.Int("rows", n))
		return true, nil
	}
	return false, retry.Permanent(kafka.Fatal(fmt.Errorf("%s has %d of %d rows of %s: %w", table, n, rows, c.token(), checkpoint.ErrIntentTooOld)))
}

// count returns how many rows of the chunk's offsets a table has.
func (c *chunk) count(ctx context.Context, table string) (total int, err error) {
	for _, s := range c.shares {
		n, err := c.l.deps.Landed.Count(ctx, table, c.source, s.Partition, s.Mark, s.Cut)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}
