package fold

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/history"
	"touchline.dev/services/scorer/internal/snapshot"
)

// errRebuilt ends a worker, so that it starts again with what it has published.
var errRebuilt = errors.New("the fragments were made again from the table")

// rebuild makes the fragments of the partition again from the rows of touchpoints
// up to the committed mark, after their topics were lost. It may be repeated: the
// same rows give the same snapshots. The stamps say nothing, because the events
// behind the mark follow in the next generation.
func (w *worker) rebuild(ctx context.Context) error {
	began := time.Now()
	b := &rebuilder{w: w, devices: map[string]*pb.Fragment{}}
	if err := b.run(ctx); err != nil {
		return fmt.Errorf("make fragments from the table: %w", err)
	}
	w.state.Rebuild, w.state.Epoch = false, snapshot.NextGeneration(w.state.Epoch)
	if err := w.p.Commit(ctx, w.commit()); err != nil {
		return fmt.Errorf("commit epoch %d: %w", w.state.Epoch, err)
	}
	w.log.Info("fragments made from the table", zap.Int("events", b.events), zap.Int("fragments", b.fragments), zap.Duration("took", time.Since(began)))
	return errRebuilt
}

// rebuilder folds the events of one person after the other.
type rebuilder struct {
	w *worker

	person  string
	devices map[string]*pb.Fragment
	// snapshots are those that are not published yet.
	snapshots         []keyed
	events, fragments int
}

type keyed struct {
	key  snapshot.Key
	wire []byte
}

func (b *rebuilder) run(ctx context.Context) error {
	events := b.w.f.deps.History
	part := history.Part{
		Partition: b.w.p.ID(), Source: b.w.state.Source(topics.Raw), Mark: b.w.state.Mark, Next: b.w.state.Topics[topics.Raw],
	}
	slices, err := events.Slices(ctx, part)
	if err != nil {
		return err
	}
	for slice := range slices {
		b.w.p.Beat()
		err := events.Each(ctx, part, slice, slices, func(project string, key []byte, t *event.Touchpoint) error {
			return b.add(ctx, project, key, t)
		})
		if err != nil {
			return err
		}
	}
	if err := b.endPerson(ctx); err != nil {
		return err
	}
	return b.publish(ctx)
}

func (b *rebuilder) add(ctx context.Context, project string, key []byte, t *event.Touchpoint) error {
	if person := snapshot.PersonKey(project, t.PersonID); person != b.person {
		if err := b.endPerson(ctx); err != nil {
			return err
		}
		b.person = person
	}
	device := b.device(key)
	into := b.devices[device]
	if into == nil {
		into = fragment.Empty(project, t.PersonID, device)
		b.devices[device] = into
	}
	b.w.f.deps.Folder.Apply(into, t, 0)
	b.events++
	return nil
}

// device names the fragment for events under a key. The table does not have the
// key as the collector took it from the event's bytes; a name that another
// partition might use too would replace that partition's fragment in persons.
func (b *rebuilder) device(key []byte) string {
	device := snapshot.Device(key)
	if b.w.partitioner.Partition(string(key)) == b.w.p.ID() {
		return device
	}
	return fmt.Sprintf("table/%d/%s", b.w.p.ID(), device)
}

// endPerson encodes the fragments of a person, all of whose events have come.
func (b *rebuilder) endPerson(ctx context.Context) error {
	for device, f := range b.devices {
		wire, err := (proto.MarshalOptions{Deterministic: true}).Marshal(f)
		if err != nil {
			return fmt.Errorf("encode fragment: %w", err)
		}
		key := snapshot.Key{Person: b.person, Epoch: b.w.state.Epoch, Device: device}
		b.snapshots = append(b.snapshots, keyed{key, wire})
	}
	b.fragments += len(b.devices)
	clear(b.devices)
	if len(b.snapshots) < b.w.f.cfg.MaxFragments {
		return nil
	}
	return b.publish(ctx)
}

// publish appends the snapshots to fragments and, once acknowledged, to persons.
func (b *rebuilder) publish(ctx context.Context) error {
	b.w.p.Beat()
	fragments, persons := make([]*kgo.Record, len(b.snapshots)), make([]*kgo.Record, len(b.snapshots))
	for i, s := range b.snapshots {
		fragments[i], persons[i] = b.w.fragmentRecord(s.key, s.wire), b.w.personRecord(s.key, s.wire)
	}
	b.snapshots = b.snapshots[:0]
	if err := snapshot.Append(ctx, b.w.f.deps.Producer, fragments); err != nil {
		return err
	}
	return snapshot.Append(ctx, b.w.f.deps.Producer, persons)
}
