// Package writer turns the raw log into the dense log: for each record of
// partition p of the raw topic it appends exactly one record to partition p of
// the enriched topic, in order, with what became of the event.
//
// It starts at the committed raw offset and appends everything again from there;
// readers of the dense log pass over what they have. An offset is committed only
// when every record before it is acknowledged. An append that fails stops the
// worker, which starts again from the committed offset: what lay behind the
// failed record may be in the log already, as a hole that readers skip.
package writer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/telemetry"
)

// Deps is what the writer needs.
type Deps struct {
	telemetry.Deps
	// Producer appends to the partition that a record names.
	Producer *kgo.Client
	Store    *dedup.Store
	Projects func() *projects.Set
	// Pipeline makes the steps of one partition around its deduplication step.
	Pipeline func(dedup pipeline.Step) *pipeline.Pipeline
}

// Writer writes the dense log.
type Writer struct {
	deps    Deps
	metrics *metrics
}

// New returns a writer whose Work runs in a kafka.Group over the raw topic.
func New(deps Deps) *Writer { return &Writer{deps: deps, metrics: newMetrics(deps.Metrics)} }

// ErrTopicRecreated says that the offsets at hand belong to another topic of the
// same name.
var ErrTopicRecreated = errors.New("a topic was deleted and made again, or the broker's data was lost: its offsets no longer mean what was committed")

// state is the metadata of the committed raw offset.
type state struct {
	Version  int    `json:"v"`
	Raw      string `json:"raw"`
	Enriched string `json:"enriched"`
}

const stateVersion = 1

// Work writes one partition for as long as it is owned. It is a kafka.WorkFunc.
func (w *Writer) Work(ctx context.Context, p *kafka.Partition) error {
	s, committed, err := w.open(ctx, p)
	if err != nil {
		return err
	}
	start, _, err := p.Bounds(ctx)
	if err != nil {
		return err
	}
	rawID, err := kafka.ParseTopicID(s.Raw)
	if err != nil {
		return err
	}
	index, err := w.deps.Store.Partition(rawID, p.ID())
	if err != nil {
		if errors.Is(err, dedup.ErrOtherLog) {
			return kafka.Fatal(err)
		}
		return err
	}
	pw := newPartition(w, p, s, index)
	if committed < start {
		// The broker deleted records that were never read.
		if err := pw.lost(ctx, committed, start); err != nil {
			return err
		}
		committed = start
	}
	pw.begin(committed)
	from, err := pw.catchUpFrom(ctx, committed, start)
	if err != nil {
		return err
	}
	p.Start(from)
	return pw.run(ctx)
}

// open reads the committed offset and checks that it belongs to the topics as
// they are now. Without one it begins at 0: appending from too early does no
// harm, because readers pass over what they have.
func (w *Writer) open(ctx context.Context, p *kafka.Partition) (s state, committed int64, err error) {
	s.Version = stateVersion
	if s.Raw, err = p.TopicID(ctx, topics.Raw); err != nil {
		return s, 0, err
	}
	if s.Enriched, err = p.TopicID(ctx, topics.Enriched); err != nil {
		return s, 0, err
	}
	c, err := p.Committed(ctx)
	if err != nil {
		return s, 0, err
	}
	if c.Offset == kafka.NoOffset {
		return s, 0, nil
	}
	var was state
	if err := json.Unmarshal([]byte(c.Metadata), &was); err != nil {
		return s, 0, kafka.Fatal(fmt.Errorf("read commit metadata %q: %w", c.Metadata, err))
	}
	if was.Version != stateVersion {
		return s, 0, kafka.Fatal(fmt.Errorf("read commit metadata: version %d, this release knows %d", was.Version, stateVersion))
	}
	if was != s {
		return s, 0, kafka.Fatal(fmt.Errorf("%w (raw %s, now %s; enriched %s, now %s)", ErrTopicRecreated, was.Raw, s.Raw, was.Enriched, s.Enriched))
	}
	return s, c.Offset, nil
}

// partition writes one partition under one assignment.
type partition struct {
	w        *Writer
	p        *kafka.Partition
	log      *zap.Logger
	index    *dedup.Index
	pipeline *pipeline.Pipeline
	metadata string

	// committed is where appending begins; records before it are only indexed.
	committed int64
	// last is the raw offset of the last record processed.
	last int64

	raw   event.Raw
	event pipeline.Event
	out   event.Enriched
	slab  []byte

	// acked is the raw offset up to which every append was acknowledged;
	// reported is what was handed to the committer.
	acked    atomic.Int64
	reported int64
	failure  chan error
	failed   atomic.Bool
	inFlight atomic.Int64
	idle     chan struct{}
}

func newPartition(w *Writer, p *kafka.Partition, s state, index *dedup.Index) *partition {
	metadata, err := json.Marshal(s)
	if err != nil {
		panic(err) // a struct of numbers and plain strings has a JSON form
	}
	pw := &partition{
		w: w, p: p, index: index, metadata: string(metadata),
		log:     w.deps.Log.With(zap.Int32("partition", p.ID())),
		failure: make(chan error, 1), idle: make(chan struct{}, 1),
	}
	pw.pipeline = w.deps.Pipeline(pipeline.Step{Name: "dedup", Run: pw.dedup})
	return pw
}

func (pw *partition) begin(committed int64) {
	pw.committed, pw.last, pw.reported = committed, committed-1, committed
	pw.acked.Store(committed)
}

// catchUpFrom returns the offset to read from so that the index knows every
// message that a record behind committed could repeat. An index that was kept
// lacks only what a crash took; a lost one is rebuilt from the window before the
// committed offset, at the speed of the enricher itself.
func (pw *partition) catchUpFrom(ctx context.Context, committed, start int64) (int64, error) {
	next := pw.index.Next()
	if next >= committed {
		return committed, nil
	}
	window, err := pw.p.OffsetAt(ctx, pw.w.deps.Now().Add(-topics.DedupWindow-topics.DedupMargin))
	if err != nil {
		return 0, err
	}
	from := min(committed, max(next, start, window))
	if from < committed {
		pw.log.Info("deduplication index catches up", zap.Int64("from", from), zap.Int64("to", committed))
	}
	return from, nil
}

// pollWait is how often a worker without records looks whether acknowledgements
// have moved the offset it may commit.
const pollWait = 100 * time.Millisecond

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
		if len(recs) > 0 {
			if err := pw.process(ctx, recs); err != nil {
				return err
			}
		}
		pw.report()
	}
}

// process runs the pipeline over records and appends the results.
func (pw *partition) process(ctx context.Context, recs []*kgo.Record) error {
	for _, r := range recs {
		pw.decide(r)
		if r.Offset >= pw.committed {
			pw.append(ctx, r)
			pw.last = r.Offset
		}
		if pw.failed.Load() {
			return nil // run returns the failure
		}
	}
	last := recs[len(recs)-1]
	return pw.index.Apply(last.Offset+1, last.Timestamp.UnixMilli())
}

// decide runs the pipeline over one record and notes its id when it was not a
// duplicate and not rejected: only such an event makes a later one a duplicate.
func (pw *partition) decide(r *kgo.Record) {
	e := &pw.event
	e.Raw, e.Key, e.Offset, e.AppendTime = &pw.raw, r.Key, r.Offset, r.Timestamp.UnixMilli()
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
	if err := pw.raw.Decode(r.Value); err != nil {
		pw.raw = event.Raw{Event: r.Value, ReceivedAt: e.AppendTime}
		e.Project = projects.Unlisted("")
		v := pipeline.Reject(event.UnreadableRecord, "", err.Error())
		pw.pipeline.Reject(e, pipeline.StageCollect, v, &pw.out)
		return
	}
	var ok bool
	if e.Project, ok = pw.w.deps.Projects().Project(pw.raw.Project); !ok {
		e.Project = projects.Unlisted(pw.raw.Project)
	}
	pw.pipeline.Run(e, &pw.out)
	if o := pw.out.Outcome; o == event.Stored || o == event.Dropped {
		id, _ := dedupID(e)
		pw.index.Add(id, r.Offset, e.AppendTime)
	}
}

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
	first, found, err := pw.index.First(id, e.Offset, e.AppendTime)
	if err != nil {
		// Deciding without the index would store a retry twice.
		pw.fail(fmt.Errorf("decide on offset %d: %w", e.Offset, err))
		return pipeline.Verdict{}
	}
	if !found {
		return pipeline.Verdict{}
	}
	return pipeline.Verdict{Outcome: event.Duplicate, Reason: reason, Message: fmt.Sprintf("first at offset %d", first)}
}
