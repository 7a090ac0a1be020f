// Package score turns the fragments of a person into its profile: it follows the
// persons topic, keeps the latest snapshot of each fragment, and appends the
// profile of every person that a snapshot said something new about to the scores
// topic, in the partition of the same number.
//
// It guarantees that an offset is committed only when the profiles up to it are
// acknowledged, and that a profile's version, the offset of the record that
// completed it plus one, stands for one content: repeating it after a crash
// changes nothing, and a late one is never newer than its version says.
package score

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/topics"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/scorer/internal/history"
	"touchline.dev/services/scorer/internal/snapshot"
)

// Deps is what scoring needs.
type Deps struct {
	telemetry.Deps
	// Producer appends to the partition that a record names.
	Producer *kgo.Client
	Reader   snapshot.Reader
	// History tells which versions ClickHouse holds.
	History history.Tables
	// Profile is a pure function of the fragments of one person and of a time in
	// milliseconds since 1970; it leaves the version open. It may change the
	// fragments.
	Profile func(fragments []*pb.Fragment, asOf int64) *pb.Profile
}

// Scorer scores persons.
type Scorer struct {
	deps    Deps
	metrics *metrics
}

// New returns a Scorer whose Work runs in a kafka.Group over the persons topic.
func New(deps Deps) *Scorer { return &Scorer{deps: deps, metrics: newMetrics(deps.Metrics)} }

// Work scores one partition for as long as it is owned. It is a kafka.WorkFunc.
func (s *Scorer) Work(ctx context.Context, p *kafka.Partition) error {
	o, err := checkpoint.Open(ctx, p, topics.Persons, topics.Scores)
	if err != nil {
		return err
	}
	if o.Fresh {
		if err := s.begin(ctx, p, o); err != nil {
			return err
		}
	}
	if o.State.Rebuild {
		if err := s.renew(ctx, p, &o); err != nil {
			return err
		}
	}
	w := &worker{s: s, p: p, state: o.State, persons: newPersons(), next: o.Offset}
	defer s.metrics.forget(p.ID())
	if err := w.restore(ctx, o.Offset); err != nil {
		return err
	}
	p.Start(w.next)
	return w.run(ctx)
}

// begin notes that the partition is scored from now on. Profiles without an
// offset would be those of another persons topic: their versions would stay above
// all that this one could give.
func (s *Scorer) begin(ctx context.Context, p *kafka.Partition, o checkpoint.Opening) error {
	_, end, err := kafka.Bounds(ctx, s.deps.Reader.Client, topics.Scores, p.ID())
	if err != nil {
		return err
	}
	if end > 0 {
		return kafka.Fatal(fmt.Errorf("%s partition %d has held profiles: %w", topics.Scores, p.ID(), checkpoint.ErrOffsetLost))
	}
	return p.Commit(ctx, kafka.Commit{Offset: o.Offset, Metadata: o.State.Text()})
}

// renew begins a generation of versions above all that there are, after the topic
// of persons was lost: its offsets begin anew.
func (s *Scorer) renew(ctx context.Context, p *kafka.Partition, o *checkpoint.Opening) error {
	version, err := s.deps.History.Version(ctx)
	if err != nil {
		return err
	}
	o.State.Rebuild, o.State.Epoch = false, max(o.State.Epoch, version>>versionShift)+1
	if err := p.Commit(ctx, kafka.Commit{Offset: o.Offset, Metadata: o.State.Text()}); err != nil {
		return fmt.Errorf("commit generation %d of versions: %w", o.State.Epoch, err)
	}
	return nil
}

// worker scores one partition under one assignment.
type worker struct {
	s       *Scorer
	p       *kafka.Partition
	state   checkpoint.State
	persons *persons
	// next is the offset behind the last record taken in.
	next int64
}

// touch is the record that completed what is known of a person in a batch.
type touch struct {
	person *person
	offset int64
	asOf   int64
}

// batch is the last touch of each person.
type batch map[*person]touch

// restore reads all that the partition holds, and answers what lies behind the
// committed offset as one batch.
func (w *worker) restore(ctx context.Context, committed int64) error {
	began := time.Now()
	touched := batch{}
	end, err := w.s.deps.Reader.ReadAll(ctx, topics.Persons, w.p.ID(), func(r *kgo.Record) error {
		if r.Offset < committed {
			return w.take(r, nil)
		}
		return w.take(r, touched)
	})
	if err != nil {
		return err
	}
	w.s.metrics.restoreSeconds.Observe(time.Since(began).Seconds())
	w.s.deps.Log.Info("persons restored", zap.Int32("partition", w.p.ID()), zap.Int("persons", w.persons.len()),
		zap.Int("unanswered", len(touched)), zap.Int64("end", end), zap.Duration("took", time.Since(began)))
	w.next = end
	return w.answer(ctx, touched)
}

// pollWait only bounds how long an idle worker sleeps.
const pollWait = 5 * time.Second

func (w *worker) run(ctx context.Context) error {
	for {
		recs, err := w.p.Poll(ctx, pollWait)
		if errors.Is(err, kafka.ErrDraining) {
			return w.p.Commit(ctx, w.commit())
		}
		if err != nil {
			return err
		}
		if len(recs) == 0 {
			continue
		}
		touched := batch{}
		for _, r := range recs {
			if err := w.take(r, touched); err != nil {
				return err
			}
		}
		w.next = recs[len(recs)-1].Offset + 1
		if err := w.answer(ctx, touched); err != nil {
			return err
		}
	}
}

// take takes in one record and notes in touched whose person it says something
// new about.
func (w *worker) take(r *kgo.Record, touched batch) error {
	person, err := w.persons.take(r)
	if err != nil {
		return fmt.Errorf("take in %s partition %d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	if person == nil {
		w.s.metrics.stale.Inc()
		return nil
	}
	if touched != nil {
		touched[person] = touch{person, r.Offset, r.Timestamp.UnixMilli()}
	}
	return nil
}

// maxInFlight is how many profiles are appended before their acknowledgements are
// waited for: at about 500 bytes each, half a megabyte.
const maxInFlight = 1000

// answer appends the profiles of the persons touched, in the order of their
// versions, and has the offset behind them committed.
func (w *worker) answer(ctx context.Context, touched batch) error {
	order := make([]touch, 0, len(touched))
	for _, t := range touched {
		order = append(order, t)
	}
	slices.SortFunc(order, func(a, b touch) int { return cmp.Compare(a.offset, b.offset) })
	for some := range slices.Chunk(order, maxInFlight) {
		records := make([]*kgo.Record, 0, len(some))
		for _, t := range some {
			r, err := w.profile(t)
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		if err := snapshot.Append(ctx, w.s.deps.Producer, records); err != nil {
			return err
		}
		w.s.metrics.profiles.Add(float64(len(records)))
	}
	w.s.metrics.holds(w.p.ID(), w.persons)
	w.p.CommitLater(w.commit())
	return nil
}

// versionShift leaves 40 bits of a version to the offset. The bits above count the
// persons topics there have been: what is made from a later one is newer, although
// its offsets began anew.
const versionShift = 40

// profile computes the record of one person.
func (w *worker) profile(t touch) (*kgo.Record, error) {
	fragments, err := t.person.decode()
	if err != nil {
		return nil, err
	}
	profile := w.s.deps.Profile(fragments, t.asOf)
	profile.Version = w.state.Epoch<<versionShift | (uint64(t.offset) + 1)
	value, err := (proto.MarshalOptions{Deterministic: true}).Marshal(profile)
	if err != nil {
		return nil, fmt.Errorf("encode profile: %w", err)
	}
	return &kgo.Record{Topic: topics.Scores, Partition: w.p.ID(), Key: []byte(t.person.key), Value: value}, nil
}

func (w *worker) commit() kafka.Commit {
	return kafka.Commit{Offset: w.next, Metadata: w.state.Text()}
}
