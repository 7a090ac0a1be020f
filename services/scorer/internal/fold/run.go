package fold

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/scorer/internal/snapshot"
)

// idleWait is how long a worker with nothing to publish waits before it looks
// again.
const idleWait = 5 * time.Second

func (w *worker) run(ctx context.Context) error {
	for {
		wait := idleWait
		if w.pending() {
			wait = max(0, w.f.cfg.PublishAge-time.Since(w.since))
		}
		recs, err := w.p.Poll(ctx, wait)
		if errors.Is(err, kafka.ErrDraining) {
			return w.drain(ctx)
		}
		if err != nil {
			return err
		}
		for _, r := range recs {
			if t := w.state.Turn; t != nil && r.Offset >= t.At {
				return w.turn(ctx)
			}
			if !w.pending() {
				w.since = time.Now()
			}
			if err := w.take(r); err != nil {
				return fmt.Errorf("fold %s offset %d: %w", r.Topic, r.Offset, err)
			}
			if len(w.store.dirty) >= w.f.cfg.MaxFragments {
				if err := w.publish(ctx); err != nil {
					return err
				}
			}
		}
		if w.pending() && time.Since(w.since) >= w.f.cfg.PublishAge {
			if err := w.publish(ctx); err != nil {
				return err
			}
		}
	}
}

// errTurned ends a worker, so that it starts again behind the turn.
var errTurned = errors.New("the dense log goes on with another raw log")

// turn publishes and commits what lies before the turn. Whoever starts there
// begins a new generation.
func (w *worker) turn(ctx context.Context) error {
	if err := w.drain(ctx); err != nil {
		return err
	}
	return errTurned
}

// pending reports whether there is anything to publish, remove or commit.
func (w *worker) pending() bool {
	return w.next > w.reported || len(w.retiring) > 0 || len(w.retired) > 0
}

// drain publishes what was folded and commits it, so that stopping leaves little
// to do later.
func (w *worker) drain(ctx context.Context) error {
	if w.next > w.reported {
		if err := w.publish(ctx); err != nil {
			return err
		}
	}
	return w.p.Commit(ctx, w.commit())
}

// take folds one record of the dense log.
func (w *worker) take(r *kgo.Record) error {
	w.next = r.Offset + 1
	pos, err := denselog.Parse(r)
	if err != nil {
		return err
	}
	if w.state.Unmarked {
		w.mark, w.state.Unmarked = denselog.NewMark(pos.Prev), false
	}
	now := w.f.deps.Now()
	verdict := w.mark.Judge(pos, now)
	w.watchHole(now)
	switch verdict {
	case denselog.Repeat:
		w.f.metrics.repeats.Inc()
		return nil
	case denselog.Hole:
		w.f.metrics.holes.Inc()
		return nil
	}
	if pos.Outcome != event.Stored {
		return nil
	}
	e := &w.enriched
	if err := e.Decode(r.Value); err != nil {
		return fmt.Errorf("decode enriched record: %w", err)
	}
	if e.Outcome != event.Stored {
		return fmt.Errorf("decode enriched record: header says %s, the record %q", pos.Outcome, e.Outcome)
	}
	if e.Touchpoint.IsBot {
		w.f.metrics.bots.Inc()
		return nil
	}
	applied, err := w.store.apply(e.Project, r.Key, &e.Touchpoint, pos.Src)
	switch {
	case err != nil:
		return err
	case applied:
		w.f.metrics.folded.Inc()
	default:
		w.f.metrics.known.Inc()
	}
	return nil
}

// maxHoleAge is how long a hole may stay open before it is reported: the writer
// of the dense log starts again within seconds of an error.
const maxHoleAge = 30 * time.Second

func (w *worker) watchHole(now time.Time) {
	age := w.mark.HoleAge(now)
	if w.holeAlarm == (age > maxHoleAge) {
		return
	}
	w.holeAlarm = !w.holeAlarm
	w.f.deps.Health.Set(w.holeName(), !w.holeAlarm,
		fmt.Sprintf("nothing behind source offset %d was written for %s", w.mark.Src(), age.Round(time.Second)))
}

func (w *worker) holeName() string { return fmt.Sprintf("fold-hole-%d", w.p.ID()) }

// publish appends a snapshot of every fragment that was touched, first to
// fragments and, once acknowledged, to persons; then the offset behind the last
// record read may be committed. Keys of older writers go the other way, a step
// with each call after the one that replaced them: from persons, then from
// fragments, where a successor would find them.
func (w *worker) publish(ctx context.Context) error {
	began := time.Now()
	dirty := w.store.dirty
	fragments := make([]*kgo.Record, 0, len(dirty)+len(w.retired))
	persons := make([]*kgo.Record, 0, len(dirty)+len(w.retiring))
	var replaced []snapshot.Key
	for _, e := range dirty {
		wire, err := w.store.snapshot(e)
		if err != nil {
			return err
		}
		key := e.key
		key.Epoch = w.state.Epoch
		fragments = append(fragments, w.fragmentRecord(key, wire))
		persons = append(persons, w.personRecord(key, wire))
		for _, older := range e.older {
			key.Epoch = older
			replaced = append(replaced, key)
		}
	}
	for _, key := range w.retired {
		fragments = append(fragments, w.fragmentRecord(key, nil))
	}
	if err := snapshot.Append(ctx, w.f.deps.Producer, fragments); err != nil {
		return err
	}
	for _, key := range w.retiring {
		persons = append(persons, w.personRecord(key, nil))
	}
	if err := snapshot.Append(ctx, w.f.deps.Producer, persons); err != nil {
		return err
	}
	for _, e := range dirty {
		e.dirty, e.older = false, nil
	}
	w.store.dirty = w.store.dirty[:0]
	w.retired, w.retiring = w.retiring, replaced
	w.reported, w.since = w.next, time.Now()
	w.p.CommitLater(w.commit())
	w.f.metrics.published(w.p.ID(), w.store, len(dirty), time.Since(began))
	return nil
}

func (w *worker) commit() kafka.Commit {
	s := w.state
	s.Mark = w.mark.Src()
	return kafka.Commit{Offset: w.reported, Metadata: s.Text()}
}

// fragmentRecord is a snapshot in fragments; without a value it removes the key.
func (w *worker) fragmentRecord(k snapshot.Key, wire []byte) *kgo.Record {
	return &kgo.Record{Topic: topics.Fragments, Partition: w.p.ID(), Key: k.Text(), Value: wire}
}

// personRecord is the same in persons.
func (w *worker) personRecord(k snapshot.Key, wire []byte) *kgo.Record {
	return &kgo.Record{Topic: topics.Persons, Partition: w.partitioner.Partition(k.Person), Key: k.Text(), Value: wire}
}
