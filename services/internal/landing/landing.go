package landing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/telemetry"
)

// Builder turns records of one partition into its rows of a chunk. They must be a
// pure function of the records added since Begin and of the marks.
type Builder interface {
	// Begin empties the builder; what is added then is of that partition. source is
	// the id of the topic that source offsets belong to.
	Begin(source string, partition int32)
	// Add appends the rows that a record stands for. In a log that is not dense
	// its position is its own offset after the one before.
	Add(r *kgo.Record, at denselog.Position) error
	// Rows and Bytes say how large the chunk has become. A chunk without rows is
	// not inserted.
	Rows() int
	Bytes() int
	// Blocks returns one block per table, in the order in which they are to be
	// inserted; empty ones are left out by the caller. The last one is never empty
	// and goes into one part, so a row of it shows that the chunk is complete. The
	// marks are those before and after the records.
	Blocks(before, after int64) []clickhouse.Block
	// Reset empties the builder, which may be kept for long then.
	Reset()
}

// Excluder is a Builder that finds another place for a record whose row in the
// first block is refused by ClickHouse.
type Excluder interface {
	Builder
	// Exclude is called instead of Add; source is the record that r answers, nil
	// when its log is gone.
	Exclude(r *kgo.Record, at denselog.Position, source *kgo.Record) error
}

// Landed answers what the tables already hold.
type Landed interface {
	// Topic returns the id under which rows of the topic landed last, after noting
	// id as that one if there was none.
	Topic(ctx context.Context, name, id string) (known string, err error)
	// Mark returns the mark after the last chunk that landed whole, or
	// denselog.None. It reads the table of the last block.
	Mark(ctx context.Context, source string, partition int32) (int64, error)
	// Count returns how many rows the table of another block has of source offsets
	// (after, upTo].
	Count(ctx context.Context, table, source string, partition int32, after, upTo int64) (int, error)
	// Parts returns a count that grows with each part that any block of a chunk
	// makes in the tables, and never falls behind that of the last block's table.
	Parts(ctx context.Context) (int64, error)
}

// Deps is what a lander needs besides its configuration.
type Deps struct {
	telemetry.Deps
	Inserter *clickhouse.Inserter
	Landed   Landed
	// NewBuilder makes builders, which are used again for any partition.
	NewBuilder func() Builder
	// Source names the topic that a dense log answers: its repeats and holes are
	// passed over. Empty for a log that is not dense.
	Source string
	// Name names the lander in metrics and health.
	Name string
	// Bounds returns the first offset of a log and the one after its last; see
	// kafka.Bounds.
	Bounds func(ctx context.Context, topic string, partition int32) (start, end int64, err error)
	// Twin is a table that refuses the rows that the table of the first block
	// refuses, and keeps none. Empty: a refusal stops the lander. With a twin the
	// builders are Excluders.
	Twin string
	// Scan reads back a part of a topic; see kafka.Scan.
	Scan func(ctx context.Context, topic string, partition int32, from, to int64, fn func(*kgo.Record) error) error
}

// Lander lands one topic.
type Lander struct {
	cfg      Config
	deps     Deps
	metrics  *metrics
	status   *status
	memory   *memory
	builders *builders
	// finishing is held by whoever finishes a chunk that was left.
	finishing chan struct{}

	mu      sync.Mutex // guards the following; taken before that of a worker
	workers map[*worker]struct{}
	// flying is the chunk under way, nil without one.
	flying *chunk
	// opens is when the pause after the last chunk is over.
	opens time.Time
	// changed is closed and made anew when there may be room or a chunk has ended.
	changed chan struct{}
	// parts is the count of ClickHouse's parts when it was counted last.
	parts   int64
	counted time.Time
}

// New returns a lander whose Work runs in a kafka.Group.
func New(cfg Config, deps Deps) *Lander {
	l := &Lander{
		cfg: cfg, deps: deps, status: newStatus(deps.Health, deps.Name),
		memory:    &memory{limit: int64(cfg.MaxBytes), maxRows: int64(cfg.MaxRows)},
		builders:  &builders{make: deps.NewBuilder},
		finishing: make(chan struct{}, 1),
		workers:   make(map[*worker]struct{}), changed: make(chan struct{}),
	}
	l.metrics = newMetrics(deps.Metrics, deps.Name, l)
	return l
}

// Work lands one partition for as long as it is owned. It is a kafka.WorkFunc.
func (l *Lander) Work(ctx context.Context, p *kafka.Partition) error {
	err := l.work(ctx, p)
	if err == nil || ctx.Err() != nil || errors.Is(err, kafka.ErrDraining) {
		l.status.set(p.ID(), "")
	} else {
		l.status.set(p.ID(), reason(err))
	}
	return err
}

func (l *Lander) work(ctx context.Context, p *kafka.Partition) error {
	if err := l.await(ctx, p); err != nil {
		return err
	}
	o, err := l.open(ctx, p)
	if err != nil {
		return err
	}
	if o.State.Pending != nil {
		if err := l.finish(ctx, p, &o); err != nil {
			return err
		}
	}
	l.status.set(p.ID(), "")
	w := l.newWorker(ctx, p, o)
	l.join(w)
	defer w.close()
	p.Start(o.Offset)
	return w.run()
}

// opening is where a worker goes on.
type opening struct {
	checkpoint.Opening
	// topic and source are topic ids; source is empty in a log that is not dense.
	topic, source string
	// landed is the mark that the tables show, or denselog.None.
	landed int64
}

// open asks broker and tables what there is.
func (l *Lander) open(ctx context.Context, p *kafka.Partition) (o opening, err error) {
	names := []string{p.Topic()}
	if l.deps.Source != "" {
		names = append(names, l.deps.Source)
	}
	if o.Opening, err = checkpoint.Open(ctx, p, names...); err != nil {
		return o, err
	}
	if err := l.follow(ctx, p, names, &o); err != nil {
		return o, err
	}
	if err := o.Complete(); err != nil {
		return o, err
	}
	o.topic, o.source = o.State.Topics[p.Topic()], o.State.Source(l.deps.Source)
	known, err := l.deps.Landed.Topic(ctx, p.Topic(), o.topic)
	if err != nil {
		return o, err
	}
	if known != "" && known != o.topic {
		return o, kafka.Fatal(fmt.Errorf("%s had id %s when its rows landed and has %s: %w", p.Topic(), known, o.topic, checkpoint.ErrTopicRecreated))
	}
	o.landed = denselog.None
	if o.source == "" {
		return o, nil
	}
	if err := l.countParts(ctx); err != nil {
		return o, err
	}
	if o.landed, err = l.deps.Landed.Mark(ctx, o.source, p.ID()); err != nil {
		return o, err
	}
	if o.Fresh && o.landed != denselog.None {
		return o, kafka.Fatal(fmt.Errorf("rows up to source offset %d: %w", o.landed, checkpoint.ErrOffsetLost))
	}
	if err := l.sourceHolds(ctx, p, max(o.landed, o.State.Mark), o.State); err != nil {
		return o, err
	}
	if o.State.Pending == nil && o.landed > o.State.Mark {
		// A late copy of an old commit could have turned the mark back. That of a
		// pending intent stays as it was written, until it is finished.
		o.State.Mark, o.State.Unmarked = o.landed, false
	}
	return o, nil
}

// sourceHolds checks that the source log reaches beyond the mark. One that has lost
// its end gives offsets out a second time, and what comes under them would be passed
// over as repeats without a word.
func (l *Lander) sourceHolds(ctx context.Context, p *kafka.Partition, mark int64, s checkpoint.State) error {
	if s.Turn != nil {
		return nil // the records before the turn answer another log
	}
	_, end, err := l.deps.Bounds(ctx, l.deps.Source, p.ID())
	if err != nil {
		return err
	}
	if end <= mark {
		return kafka.Fatal(fmt.Errorf("%s partition %d ends at %d, offset %d has landed: %w", l.deps.Source, p.ID(), end, mark, checkpoint.ErrTruncated))
	}
	return nil
}

// newWorker returns a worker that goes on where the opening says.
func (l *Lander) newWorker(ctx context.Context, p *kafka.Partition, o opening) *worker {
	return &worker{
		l: l, p: p, ctx: ctx, topics: o.State.Topics, topic: o.topic, source: o.source,
		lo: o.Offset, mark: denselog.NewMark(o.State.Mark), turn: o.State.Turn, unmarked: o.State.Unmarked && o.source != "",
		log: l.deps.Log.With(zap.String("topic", p.Topic()), zap.Int32("partition", p.ID())),
	}
}

// join makes the worker one whose records are shipped.
func (l *Lander) join(w *worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workers[w] = struct{}{}
}

// leave drops what the worker has gathered: whoever reads the partition next begins
// with it.
func (l *Lander) leave(w *worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.workers, w)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open != nil {
		l.drop(w.take())
	}
	l.wake()
}

// drop gives up a share that was gathered.
func (l *Lander) drop(s *share) {
	l.memory.drop(s)
	l.builders.put(s.builder)
}
