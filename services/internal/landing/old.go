package landing

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
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

// countParts brings the count of parts up to date from time to time. When that
// fails, the old count makes intents seem older than they are, which is safe.
func (w *worker) countParts(ctx context.Context) {
	if w.source == "" || time.Since(w.counted) < partsAge {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	if parts, err := w.l.deps.Landed.Parts(ctx); err == nil {
		w.parts, w.counted = parts, time.Now()
	}
}

// old reports whether the token of the pending intent may have left the
// deduplication window, and then whether its chunk has landed whole. Only while a
// token is remembered is it right to send the blocks again, and then it is the only
// right thing: of an interrupted insert the table may have its rows and a view not.
func (w *worker) old(ctx context.Context) (old, whole bool, err error) {
	if w.source == "" || !suspicious(w.pending, w.l.deps.Now()) {
		return false, false, nil
	}
	parts, err := w.l.deps.Landed.Parts(ctx)
	if err != nil {
		return false, false, err
	}
	if since := parts - w.pending.Parts; w.pending.Parts > 0 && since >= 0 && since < maxIntentParts {
		return false, false, nil
	}
	mark, err := w.l.deps.Landed.Mark(ctx, w.source, w.p.ID())
	if err != nil {
		return true, false, err
	}
	return true, mark >= w.mark.Src(), nil
}

// suspicious reports whether the clock says that much may have been inserted since
// the intent. One that went back says nothing, so that counts as old.
func suspicious(i *checkpoint.Intent, now time.Time) bool {
	age := now.Sub(time.UnixMilli(i.At))
	return age < 0 || age > maxIntentAge
}

// landedBefore looks for the rows of an old chunk in a table: all there means
// that the block was inserted, none that it was not. Some of each cannot be told
// apart from a block that would be doubled, so it stops.
func (w *worker) landedBefore(ctx context.Context, b clickhouse.Block) (bool, error) {
	n, err := w.l.deps.Landed.Count(ctx, b.Table, w.source, w.p.ID(), w.markLo, w.mark.Src())
	switch {
	case err != nil:
		return false, err
	case n == 0:
		return false, nil
	case n == b.Rows():
		w.log.Warn("block of an old chunk is in its table already", zap.String("table", b.Table), zap.Int("rows", n))
		return true, nil
	}
	return false, retry.Permanent(kafka.Fatal(fmt.Errorf("%s has %d of %d rows of %s: %w", b.Table, n, b.Rows(), w.token(), checkpoint.ErrIntentTooOld)))
}
