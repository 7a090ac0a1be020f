// Package writer turns the raw log into the dense log: for each record of
// partition p of the raw topic it appends exactly one record to partition p of
// the enriched topic, in order, with what became of the event.
//
// It starts at the committed raw offset and appends everything again from there;
// readers of the dense log pass over what they have. An offset is committed only
// when every record before it is acknowledged. An append that fails stops the
// worker, which starts again from the committed offset: what lay behind the
// failed record may be in the log already, as a hole that readers skip.
//
// The deduplication index is a cache of the dense log: an entry is kept only when
// its record was acknowledged, and what the index lacks is read back from there
// before the first record is decided. Each record carries what that takes: the
// partition's time, and the id of an event that makes later ones duplicates. The
// sessions and links of the partition's devices are made from the same source: what
// the records of the last session.Keep say (see packages session and link).
package writer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/enricher/internal/link"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/session"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/telemetry"
)

// Deps is what the writer needs.
type Deps struct {
	telemetry.Deps
	// Kafka is where the dense log is read back from.
	Kafka kafka.Config
	// Producer appends to the partition that a record names.
	Producer *kgo.Client
	Store    *dedup.Store
	Projects func() *projects.Set
	// Secret keys the ids of persons and sessions.
	Secret ids.Secret
	// Pipeline makes the steps of one partition around those that keep state of it; the
	// last ones are session and link.
	Pipeline func(dedup pipeline.Step, last ...pipeline.Step) *pipeline.Pipeline
}

// Writer writes the dense log.
type Writer struct {
	deps    Deps
	metrics *metrics
	sheets  sheets
}

// New returns a writer whose Work runs in a kafka.Group over the raw topic.
func New(deps Deps) *Writer { return &Writer{deps: deps, metrics: newMetrics(deps.Metrics)} }

// Work writes one partition for as long as it is owned. It is a kafka.WorkFunc.
func (w *Writer) Work(ctx context.Context, p *kafka.Partition) (err error) {
	if err := w.deps.Store.Check(); err != nil {
		return fatalIfDamaged(err)
	}
	o, err := checkpoint.Open(ctx, p, topics.Raw, topics.Enriched)
	if err != nil {
		return err
	}
	dense, err := openDense(ctx, w.deps, p.ID())
	if err != nil {
		return err
	}
	if o.Fresh {
		if dense.end > 0 {
			// The records there may answer another raw log.
			return kafka.Fatal(fmt.Errorf("the dense log has %d records: %w", dense.end, checkpoint.ErrOffsetLost))
		}
		o.Offset = 0
	}
	index, err := w.openIndex(o, p.ID())
	if err != nil {
		return fatalIfDamaged(err)
	}
	defer func() { err = errors.Join(err, fatalIfDamaged(index.Close())) }()
	pw := newPartition(w, p, o, index)
	defer pw.w.metrics.left(p.ID())
	if o.Fresh {
		// Whoever takes over before the first commit must see that nothing was lost.
		if err := p.Commit(ctx, kafka.Commit{Offset: 0, Metadata: pw.metadata}); err != nil {
			return err
		}
	}
	if err := pw.catchUp(ctx, dense, o); err != nil {
		return fatalIfDamaged(err)
	}
	if o.Offset < o.Start {
		// The broker deleted records that were never read.
		if err := pw.lost(ctx, o.Offset, o.Start); err != nil {
			return err
		}
	}
	p.Start(max(o.Offset, o.Start))
	return fatalIfDamaged(pw.run(ctx))
}

// openIndex returns the index of a partition. One of another log is dropped only
// on the strength of a commit that names the present one.
func (w *Writer) openIndex(o checkpoint.Opening, partition int32) (*dedup.Index, error) {
	id, err := kafka.ParseTopicID(o.State.Topics[topics.Raw])
	if err != nil {
		return nil, err
	}
	log := dedup.Log{Topic: id, Epoch: o.State.Epoch}
	index, err := w.deps.Store.Partition(log, partition)
	if !errors.Is(err, dedup.ErrOtherLog) {
		return index, err
	}
	if o.Fresh {
		return nil, kafka.Fatal(err)
	}
	w.deps.Log.Warn("deduplication index is of another log, is dropped as the committed offset says", zap.Int32("partition", partition))
	if err := w.deps.Store.Drop(partition); err != nil {
		return nil, err
	}
	return w.deps.Store.Partition(log, partition)
}

// fatalIfDamaged ends the process over a damaged store: it was set aside, and the
// next start begins a new one.
func fatalIfDamaged(err error) error {
	if errors.Is(err, dedup.ErrDamaged) {
		return kafka.Fatal(err)
	}
	return err
}

// partition writes one partition under one assignment.
type partition struct {
	w        *Writer
	p        *kafka.Partition
	log      *zap.Logger
	index    *dedup.Index
	sessions *session.Sessions
	links    *link.Links
	pipeline *pipeline.Pipeline
	metadata string

	// clock is the partition's time after the last record; see dedup.Tick.
	clock int64
	// mark is the highest raw offset whose record readers have or will take as it
	// is. What is decided again up to there is only appended: the index has it.
	mark int64
	// last is the raw offset of the last record processed.
	last int64

	raw   event.Raw
	event pipeline.Event
	out   event.Enriched
	// sheet is where the next record is written, now the time it is stamped with.
	sheet *sheet
	now   time.Time

	// acked is the raw offset up to which every append was acknowledged;
	// reported is what was handed to the committer, reached what the index lacks.
	acked    atomic.Int64
	reported int64
	reached  []reach
	failure  chan error
	failed   atomic.Bool
	inFlight atomic.Int64
	idle     chan struct{}
}

// reach is the partition's time before a raw offset.
type reach struct{ next, clock int64 }

func newPartition(w *Writer, p *kafka.Partition, o checkpoint.Opening, index *dedup.Index) *partition {
	pw := &partition{
		w: w, p: p, index: index, sessions: session.New(w.deps.Secret), links: link.New(w.deps.Secret), metadata: o.State.Text(),
		last: o.Offset - 1, reported: o.Offset,
		log:     w.deps.Log.With(zap.Int32("partition", p.ID())),
		failure: make(chan error, 1), idle: make(chan struct{}, 1),
	}
	pw.acked.Store(o.Offset)
	pw.pipeline = w.deps.Pipeline(pipeline.Step{Name: "dedup", Run: pw.dedup}, pw.sessions.Step(), pw.links.Step())
	return pw
}

const (
	// pollWait is how often a worker without records looks whether
	// acknowledgements have moved the offset it may commit.
	pollWait = 100 * time.Millisecond
	// maxInFlight bounds what one partition has appended and not acknowledged, so
	// that a broker which takes nothing makes it wait here, where waiting is
	// progress, and not in the producer.
	maxInFlight = 8192
	// part is how many records are decided until acknowledgements, a stop or a
	// failure are looked at.
	part = 1024
)

func (pw *partition) run(ctx context.Context) error {
	for {
		select {
		case err := <-pw.failure:
			return err
		default:
		}
		recs, err := pw.p.Poll(ctx, pollWait)
		if errors.Is(err, kafka.ErrDraining) {
			return pw.drain(ctx)
		}
		if err != nil {
			return err
		}
		for recs := range slices.Chunk(recs, part) {
			if err := pw.process(ctx, recs); err != nil {
				return err
			}
			if err := pw.advance(); err != nil {
				return err
			}
		}
		if err := pw.advance(); err != nil {
			return err
		}
	}
}

// process runs the pipeline over records and appends the results.
func (pw *partition) process(ctx context.Context, recs []*kgo.Record) error {
	if pw.inFlight.Load() > maxInFlight {
		if err := pw.settle(ctx); err != nil {
			return err
		}
	}
	// What the index could not note must not be decided either.
	if err := pw.w.deps.Store.Check(); err != nil {
		return err
	}
	pw.now = time.Now()
	set := pw.w.deps.Projects()
	for _, r := range recs {
		pw.decide(r, set)
		if pw.failed.Load() {
			return <-pw.failure
		}
		pw.append(ctx, r)
		pw.last = r.Offset
	}
	pw.reached = append(pw.reached, reach{pw.last + 1, pw.clock})
	pw.w.metrics.remembered(pw.p.ID(), pw.sessions, pw.links)
	return nil
}

// advance lets the index and the committed offset follow the acknowledgements.
func (pw *partition) advance() error {
	acked, n := pw.acked.Load(), 0
	if acked > pw.reported {
		pw.reported = acked
		pw.p.CommitLater(kafka.Commit{Offset: acked, Metadata: pw.metadata})
	}
	for n < len(pw.reached) && pw.reached[n].next <= acked {
		n++
	}
	if n == 0 {
		return nil
	}
	to := pw.reached[n-1]
	pw.reached = append(pw.reached[:0], pw.reached[n:]...)
	return pw.index.Apply(to.next, to.clock)
}

// decide runs the pipeline over one record and notes its id when it was not a
// duplicate and not rejected: only such an event makes a later one a duplicate.
func (pw *partition) decide(r *kgo.Record, set *projects.Set) {
	e := &pw.event
	e.Raw, e.Key, e.Offset = &pw.raw, r.Key, r.Offset
	e.MessageHash, e.Receipt, e.Replay = nil, [16]byte{}, false
	for i := range r.Headers {
		h := &r.Headers[i]
		switch h.Key {
		case topics.RID:
			copy(e.Receipt[:], h.Value)
		case topics.MID:
			e.MessageHash = h.Value
		case topics.Replay:
			e.Replay = true
		}
	}
	appended := r.Timestamp.UnixMilli()
	if err := pw.raw.Decode(r.Value); err != nil {
		pw.raw = event.Raw{Event: r.Value, ReceivedAt: appended}
		e.Project = projects.Unlisted("")
		v := pipeline.Reject(event.UnreadableRecord, "", err.Error())
		pw.pipeline.Reject(e, pipeline.StageCollect, v, &pw.out)
		return
	}
	pw.clock = dedup.Tick(pw.clock, appended, pw.raw.ReceivedAt)
	e.Clock = pw.clock
	var ok bool
	if e.Project, ok = set.Project(pw.raw.Project); !ok {
		e.Project = projects.Unlisted(pw.raw.Project)
	}
	pw.pipeline.Run(e, &pw.out)
	if noticed(pw.out.Outcome) && r.Offset > pw.mark {
		id, _ := dedupID(e)
		pw.index.Add(id, r.Offset, pw.clock)
	}
}

// noticed reports whether an event with this outcome makes later ones duplicates.
func noticed(o event.Outcome) bool { return o == event.Stored || o == event.Dropped }

// dedupID is what an event is recognised by: the hash of its message id, else
// its receipt, which only a producer's own repetition shares.
func dedupID(e *pipeline.Event) (id [dedup.IDBytes]byte, reason event.Reason) {
	if len(e.MessageHash) == dedup.IDBytes {
		return [dedup.IDBytes]byte(e.MessageHash), event.SameMessage
	}
	return e.Receipt, event.SameReceipt
}

// dedup is the pipeline's deduplication step.
func (pw *partition) dedup(e *pipeline.Event) pipeline.Verdict {
	id, reason := dedupID(e)
	_, found, err := pw.index.First(id, e.Offset, pw.clock)
	if err != nil {
		// Deciding without the index would store a retry twice.
		pw.fail(fmt.Errorf("decide on offset %d: %w", e.Offset, err))
		return pipeline.Verdict{}
	}
	if !found {
		return pipeline.Verdict{}
	}
	return pipeline.Verdict{Outcome: event.Duplicate, Reason: reason}
}
