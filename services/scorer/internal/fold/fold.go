// Package fold turns the dense log into fragments of persons: it folds stored
// events of people into the fragment of (project, person, partition key) and
// publishes snapshots of the fragments that changed, to the fragments topic, from
// which it starts again, and to the persons topic, where scoring reads them.
//
// It guarantees that an offset is committed only when every fragment touched by
// an event before it is acknowledged in both topics, that an event is applied to
// a fragment once, and that a writer that was replaced does no harm; the package
// scorer has the argument.
package fold

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/history"
	"touchline.dev/services/scorer/internal/snapshot"
)

// Config says when snapshots are published.
type Config struct {
	PublishAge   time.Duration `yaml:"publish_age" doc:"Snapshots are published when the first event they hold has waited for so long."`
	MaxFragments int           `yaml:"max_fragments" doc:"Snapshots are published when so many fragments have changed."`
}

// Default publishes within a second: a visitor of a shop makes an event every few
// seconds, so a shorter age costs more snapshots and a longer one saves few. Ten
// thousand snapshots of 600 bytes are 6 MB in flight.
func Default() Config { return Config{PublishAge: time.Second, MaxFragments: 10_000} }

// Validate reports every problem of the configuration.
func (c Config) Validate() error {
	var p config.Problems
	if c.PublishAge < 10*time.Millisecond || c.PublishAge > 5*time.Minute {
		p.Addf("publish_age", "is %s, want 10ms to 5m", c.PublishAge)
	}
	if c.MaxFragments < 1 || c.MaxFragments > 100_000 {
		p.Addf("max_fragments", "is %d, want 1 to 100000", c.MaxFragments)
	}
	return p.Err()
}

// Deps is what folding needs besides its configuration.
type Deps struct {
	telemetry.Deps
	// Producer appends to the partition that a record names.
	Producer *kgo.Client
	Reader   snapshot.Reader
	Folder   *fragment.Folder
	// Landed says which dense log has landed, History what of it.
	Landed  landing.Tables
	History history.Tables
	// Partitions is the number of partitions of the persons topic.
	Partitions int32
}

// Fold folds the dense log.
type Fold struct {
	cfg     Config
	deps    Deps
	metrics *metrics
}

// New returns a Fold whose Work runs in a kafka.Group over the enriched topic.
func New(cfg Config, deps Deps) *Fold {
	return &Fold{cfg: cfg, deps: deps, metrics: newMetrics(deps.Metrics)}
}

// Work folds one partition for as long as it is owned. It is a kafka.WorkFunc.
func (f *Fold) Work(ctx context.Context, p *kafka.Partition) error {
	o, err := checkpoint.Open(ctx, p, topics.Raw, topics.Enriched, topics.Fragments, topics.Persons)
	if err != nil {
		return err
	}
	if err := o.Complete(); err != nil {
		return err
	}
	if err := f.claim(ctx, p, &o); err != nil {
		return err
	}
	w := newWorker(f, p, o)
	defer w.close()
	if o.State.Rebuild {
		return w.rebuild(ctx)
	}
	if err := w.restore(ctx); err != nil {
		return err
	}
	p.Start(o.Offset)
	return w.run(ctx)
}

// claim raises the epoch. The commit is the fence: the last commit of every lower
// epoch was accepted before it, so what those relied on is in the log by now.
func (f *Fold) claim(ctx context.Context, p *kafka.Partition, o *checkpoint.Opening) error {
	if o.Fresh {
		if err := f.isFirst(ctx, p, o.State.Topics[topics.Enriched]); err != nil {
			return err
		}
	}
	if o.Turned {
		o.State.Epoch = snapshot.NextGeneration(o.State.Epoch)
	}
	o.State.Epoch++
	if err := p.Commit(ctx, kafka.Commit{Offset: o.Offset, Metadata: o.State.Text()}); err != nil {
		return fmt.Errorf("commit epoch %d: %w", o.State.Epoch, err)
	}
	return nil
}

// isFirst checks that a partition without an offset was never folded, nor another
// dense log of that name.
func (f *Fold) isFirst(ctx context.Context, p *kafka.Partition, enriched string) error {
	_, end, err := kafka.Bounds(ctx, f.deps.Reader.Client, topics.Fragments, p.ID())
	if err != nil {
		return err
	}
	if end > 0 {
		return kafka.Fatal(fmt.Errorf("%s partition %d has held snapshots: %w", topics.Fragments, p.ID(), checkpoint.ErrOffsetLost))
	}
	known, err := f.deps.Landed.Topic(ctx, topics.Enriched, enriched)
	if err != nil {
		return err
	}
	if known != enriched {
		return kafka.Fatal(fmt.Errorf("rows of %s have landed from id %s, it has %s: %w", topics.Enriched, known, enriched, checkpoint.ErrTopicRecreated))
	}
	return nil
}

// worker folds one partition under one assignment.
type worker struct {
	f   *Fold
	p   *kafka.Partition
	log *zap.Logger
	// state is the metadata of the next commit, save for the mark itself.
	state checkpoint.State
	store *store
	mark  denselog.Mark
	// enriched is the record being folded, decoded into the same memory again.
	enriched event.Enriched

	// next is the offset behind the last record read, reported the one handed to
	// the committer; since is when the first record between them was read.
	next, reported int64
	since          time.Time
	// holeAlarm is whether an open hole was reported.
	holeAlarm bool

	partitioner *snapshot.Partitioner
	// Keys of older epochs on their way out: retiring from persons, then
	// retired from fragments too.
	retiring, retired []snapshot.Key
}

func newWorker(f *Fold, p *kafka.Partition, o checkpoint.Opening) *worker {
	store := newStore(f.deps.Folder, snapshot.Generation(o.State.Epoch))
	return &worker{
		f: f, p: p, state: o.State, store: store,
		log:  f.deps.Log.With(zap.String("topic", p.Topic()), zap.Int32("partition", p.ID())),
		mark: denselog.NewMark(o.State.Mark),
		next: o.Offset, reported: o.Offset,
		partitioner: snapshot.NewPartitioner(f.deps.Partitions),
	}
}

func (w *worker) close() {
	w.f.metrics.forget(w.p.ID())
	w.f.deps.Health.Set(w.holeName(), true, "")
}

// restore reads the snapshots of all writers back; of each fragment the highest
// stamp counts.
func (w *worker) restore(ctx context.Context) error {
	began := time.Now()
	end, err := w.f.deps.Reader.ReadAll(ctx, topics.Fragments, w.p.ID(), func(r *kgo.Record) error {
		if err := w.store.restore(r); err != nil {
			return fmt.Errorf("restore %s partition %d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.store.restored(w.state.Epoch)
	w.f.metrics.restoreSeconds.Observe(time.Since(began).Seconds())
	w.f.metrics.holds(w.p.ID(), w.store)
	w.log.Info("fragments restored", zap.Int("fragments", w.store.len()), zap.Int64("end", end),
		zap.Uint64("epoch", w.state.Epoch), zap.Duration("took", time.Since(began)))
	return nil
}
