package landing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/retry"
	"touchline.dev/services/internal/telemetry"
)

// Config says when a chunk is closed.
type Config struct {
	FlushAge time.Duration `yaml:"flush_age" doc:"A chunk is inserted when its first record has waited for so long."`
	MaxRows  int           `yaml:"max_rows" doc:"A chunk is inserted when it has so many rows."`
	MaxBytes config.Bytes  `yaml:"max_bytes" doc:"A chunk is inserted when its rows take so much memory."`
}

// Default keeps events queryable within half a second; under load chunks fill up
// to 100,000 rows, where ClickHouse spends least per row (4 CPU-seconds per
// million against 21 at 1,000).
func Default() Config {
	return Config{FlushAge: 300 * time.Millisecond, MaxRows: 100_000, MaxBytes: 64 * config.MiB}
}

// Validate reports every problem of the configuration.
func (c Config) Validate() error {
	var p config.Problems
	if c.FlushAge < 10*time.Millisecond || c.FlushAge > time.Minute {
		p.Addf("flush_age", "is %s, want 10ms to 1m", c.FlushAge)
	}
	if c.MaxRows < 1 || c.MaxRows > 1_000_000 {
		p.Addf("max_rows", "is %d, want 1 to 1000000: an insert is one block only up to there", c.MaxRows)
	}
	if c.MaxBytes < config.MiB {
		p.Addf("max_bytes", "is %s, want at least 1MiB", c.MaxBytes)
	}
	return p.Err()
}

// Builder turns records into the rows of one chunk. Its rows must be a pure
// function of the records added since Reset.
type Builder interface {
	// Add appends the rows that a record stands for, possibly none. src is its
	// offset in the source log; in a log that is not dense, its own offset.
	Add(r *kgo.Record, src int64) error
	// Rows and Bytes say how large the chunk has become.
	Rows() int
	Bytes() int
	// Blocks returns one block per table, in a fixed order; empty ones are left
	// out by the caller.
	Blocks() []clickhouse.Block
	Reset()
}

// Landed answers what the tables already hold.
type Landed interface {
	// Topic returns the id under which rows of the topic landed first, after
	// noting id as that one if there was none.
	Topic(ctx context.Context, name, id string) (known string, err error)
	// Mark returns the highest source offset that landed, or denselog.None.
	Mark(ctx context.Context, source string, partition int32) (int64, error)
	// Count returns how many rows landed with source offsets in (after, upTo].
	Count(ctx context.Context, source string, partition int32, after, upTo int64) (int, error)
}

// Deps is what a lander needs besides its configuration.
type Deps struct {
	telemetry.Deps
	Inserter *clickhouse.Inserter
	Landed   Landed
	// NewBuilder makes one builder per partition; source is the id of the topic
	// that source offsets belong to.
	NewBuilder func(source string, partition int32) Builder
	// Source names the topic that a dense log answers: its repeats and holes are
	// passed over. Empty for a log that is not dense.
	Source string
	// Name names the lander in metrics and health.
	Name string
}

// Lander lands one topic.
type Lander struct {
	cfg     Config
	deps    Deps
	metrics *metrics
}

// New returns a lander whose Work runs in a kafka.Group.
func New(cfg Config, deps Deps) *Lander {
	return &Lander{cfg: cfg, deps: deps, metrics: newMetrics(deps.Metrics, deps.Name)}
}

// Work lands one partition for as long as it is owned. It is a kafka.WorkFunc.
func (l *Lander) Work(ctx context.Context, p *kafka.Partition) error {
	o, err := l.open(ctx, p)
	if err != nil {
		return err
	}
	offset, s, err := o.resume()
	if err != nil {
		l.deps.Health.Set(l.deps.Name, false, err.Error())
		return err
	}
	w := &worker{
		l: l, p: p, topic: o.topic, source: o.source, landed: o.landed,
		builder: l.deps.NewBuilder(o.source, p.ID()),
		lo:      offset, next: offset, mark: denselog.NewMark(s.Mark), markLo: s.Mark, pending: s.Pending,
		log: l.deps.Log.With(zap.String("topic", p.Topic()), zap.Int32("partition", p.ID())),
	}
	w.unmarked = o.commit.Offset == kafka.NoOffset && o.start > 0
	p.Start(offset)
	return w.run(ctx)
}

// open asks broker and tables what there is.
func (l *Lander) open(ctx context.Context, p *kafka.Partition) (o opening, err error) {
	if o.topic, err = p.TopicID(ctx, p.Topic()); err != nil {
		return o, err
	}
	if o.known, err = l.deps.Landed.Topic(ctx, p.Topic(), o.topic); err != nil {
		return o, err
	}
	o.landed = denselog.None
	if l.deps.Source != "" {
		if o.source, err = p.TopicID(ctx, l.deps.Source); err != nil {
			return o, err
		}
		if o.landed, err = l.deps.Landed.Mark(ctx, o.source, p.ID()); err != nil {
			return o, err
		}
	}
	if o.commit, err = p.Committed(ctx); err != nil {
		return o, err
	}
	o.start, o.end, err = p.Bounds(ctx)
	return o, err
}

// worker lands one partition under one assignment.
type worker struct {
	l       *Lander
	p       *kafka.Partition
	log     *zap.Logger
	builder Builder
	// topic and source are topic ids as text, landed what the tables showed when
	// the partition was taken over.
	topic, source string
	landed        int64
	buf           proto.Buffer

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
	// pending is the intent taken over, until it is finished.
	pending *Intent
	// flushed is whether a chunk was finished, so that there is an offset to
	// commit.
	flushed bool
}

// idleWait is how long a worker without a chunk waits before it looks again.
const idleWait = 5 * time.Second

func (w *worker) run(ctx context.Context) error {
	for {
		wait := idleWait
		if w.next > w.lo && w.pending == nil {
			wait = max(0, w.l.cfg.FlushAge-time.Since(w.since))
		}
		recs, err := w.p.Poll(ctx, wait)
		if errors.Is(err, kafka.ErrDraining) {
			return w.drain(ctx)
		}
		if err != nil {
			return err
		}
		for _, r := range recs {
			if err := w.add(ctx, r); err != nil {
				return err
			}
		}
		if w.pending == nil && w.next > w.lo && time.Since(w.since) >= w.l.cfg.FlushAge {
			if err := w.flush(ctx); err != nil {
				return err
			}
		}
	}
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

// add takes one record into the chunk and closes the chunk when it is full, or
// when it is the last of the intent taken over.
func (w *worker) add(ctx context.Context, r *kgo.Record) error {
	if w.next == w.lo {
		w.since = time.Now()
	}
	if src, take, err := w.judge(r); err != nil {
		return err
	} else if take {
		if err := w.builder.Add(r, src); err != nil {
			return fmt.Errorf("build row of %s offset %d: %w", r.Topic, r.Offset, err)
		}
	}
	w.next = r.Offset + 1
	if w.pending != nil {
		if r.Offset < w.pending.Hi {
			return nil
		}
		return w.flush(ctx)
	}
	if w.builder.Rows() >= w.l.cfg.MaxRows || w.builder.Bytes() >= int(w.l.cfg.MaxBytes) {
		return w.flush(ctx)
	}
	return nil
}

// judge decides whether a record's rows are part of the block.
func (w *worker) judge(r *kgo.Record) (src int64, take bool, err error) {
	take = w.pending == nil || !slices.Contains(w.pending.Excluded, r.Offset)
	if w.l.deps.Source == "" {
		return r.Offset, take, nil
	}
	pos, err := denselog.Parse(r)
	if err != nil {
		return 0, false, err
	}
	if w.unmarked {
		w.mark, w.unmarked = denselog.NewMark(pos.Prev), false
		w.markLo = pos.Prev
	}
	now := w.l.deps.Now()
	switch w.mark.Judge(pos, now) {
	case denselog.Repeat:
		w.l.metrics.repeats.Inc()
		take = false
	case denselog.Hole:
		w.l.metrics.holes.Inc()
		take = false
		w.watchHole(now)
	default:
		w.watchHole(now)
	}
	return pos.Src, take, nil
}

// watchHole raises the alarm when a hole stays open: the writer of the dense log
// starts again within seconds of an error, unless something keeps it from it.
func (w *worker) watchHole(now time.Time) {
	age := w.mark.HoleAge(now)
	if w.holeAlarm == (age > maxHoleAge) {
		return
	}
	w.holeAlarm = !w.holeAlarm
	name := fmt.Sprintf("%s-hole-%d", w.l.deps.Name, w.p.ID())
	w.l.deps.Health.Set(name, !w.holeAlarm, fmt.Sprintf("nothing behind source offset %d was written for %s", w.mark.Src(), age.Round(time.Second)))
}

const maxHoleAge = 30 * time.Second

// flush inserts the chunk: intent, blocks, then the offset behind it. The second
// commit is not waited for: it usually travels with the next intent, and losing
// it only means that the same blocks are sent once more.
func (w *worker) flush(ctx context.Context) error {
	if w.builder.Rows() > 0 {
		began := time.Now()
		intent := w.pending
		if intent == nil {
			intent = &Intent{Lo: w.lo, Hi: w.next - 1, At: w.l.deps.Now().UnixMilli()}
			c := kafka.Commit{Offset: w.lo, Metadata: w.state(w.markLo, intent).text()}
			if err := w.p.Commit(ctx, c); err != nil {
				return fmt.Errorf("commit intent %d-%d: %w", intent.Lo, intent.Hi, err)
			}
		}
		if err := w.insert(ctx, *intent); err != nil {
			return err
		}
		w.l.metrics.chunk(w.builder.Rows(), time.Since(began))
	}
	if w.pending != nil {
		// The mark was left as the intent was written; only now may it rise.
		w.mark.Raise(w.landed)
		w.pending = nil
	}
	w.builder.Reset()
	w.lo, w.markLo, w.flushed = w.next, w.mark.Src(), true
	w.p.CommitLater(w.done())
	return nil
}

func (w *worker) state(mark int64, pending *Intent) state {
	return state{Version: stateVersion, Topic: w.topic, Source: w.source, Mark: mark, Pending: pending}
}

func (w *worker) done() kafka.Commit {
	return kafka.Commit{Offset: w.lo, Metadata: w.state(w.markLo, nil).text()}
}

// token names the chunk's block in ClickHouse's deduplication windows.
func (w *worker) token(i Intent) string {
	return fmt.Sprintf("%s:%d:%d-%d", w.topic, w.p.ID(), i.Lo, i.Hi)
}

// insert repeats the blocks under the same token until the server has them, for
// as long as the partition is owned.
func (w *worker) insert(ctx context.Context, intent Intent) error {
	onRetry := func(err error, wait time.Duration) {
		w.l.metrics.retries.Inc()
		w.l.deps.Health.Set(w.l.deps.Name, false, err.Error())
		w.log.Warn("insert failed, is repeated", zap.Error(err), zap.Duration("wait", wait), zap.String("token", w.token(intent)))
	}
	err := retry.Do(ctx, retry.Insert(w.l.deps.Name), onRetry, func(ctx context.Context) error {
		if w.source != "" && intent.tooOld(w.l.deps.Now()) {
			skip, err := w.alreadyLanded(ctx)
			if err != nil {
				return err
			}
			if skip {
				return nil
			}
		}
		for _, b := range w.builder.Blocks() {
			if b.Rows() == 0 {
				continue
			}
			if err := w.l.deps.Inserter.Insert(ctx, b, w.token(intent), &w.buf); err != nil {
				if clickhouse.Refused(err) {
					return retry.Permanent(kafka.Fatal(err))
				}
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.l.deps.Health.Set(w.l.deps.Name, false, err.Error())
		return err
	}
	w.l.deps.Health.Set(w.l.deps.Name, true, "")
	return nil
}

// alreadyLanded looks for the rows of an old chunk in the table: all there means
// it was inserted, none means it was not. Some of each cannot be told apart from
// a block that will be doubled, so it stops.
func (w *worker) alreadyLanded(ctx context.Context) (bool, error) {
	n, err := w.l.deps.Landed.Count(ctx, w.source, w.p.ID(), w.markLo, w.mark.Src())
	if err != nil {
		return false, err
	}
	want := 0
	if blocks := w.builder.Blocks(); len(blocks) > 0 {
		want = blocks[0].Rows()
	}
	switch n {
	case 0:
		return false, nil
	case want:
		w.log.Warn("old chunk is in the table already", zap.Int("rows", n))
		return true, nil
	}
	return false, retry.Permanent(kafka.Fatal(fmt.Errorf("%w: %d of %d rows", ErrIntentTooOld, n, want)))
}
