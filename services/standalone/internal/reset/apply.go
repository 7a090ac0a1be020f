package reset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
)

// ErrRefused says that a plan may not be applied as things stand.
var ErrRefused = errors.New("refused")

// Apply does what the plan says, and returns when it has read back all of it. f
// are the facts that the plan was made from.
func Apply(ctx context.Context, d Deps, f Facts, p Plan) error {
	if len(p.Refused) > 0 {
		return ErrRefused
	}
	for _, m := range members() {
		state, err := d.state(ctx, m.group)
		if err != nil {
			return err
		}
		if inUse(state) {
			return fmt.Errorf("%w: group %s is in use (%s)", ErrRefused, m.group, state)
		}
	}
	ids := make(map[string]string, len(f.Topics))
	for name, t := range f.Topics {
		ids[name] = t.ID
	}
	if len(p.Remake) > 0 {
		if err := d.remake(ctx, f, p.Remake, ids); err != nil {
			return err
		}
	}
	for _, m := range members() {
		if err := d.write(ctx, m, p.writes(), ids); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Note)) {
		if err := d.note(ctx, name, p.Note[name]); err != nil {
			return err
		}
	}
	return nil
}

// remakeTime bounds how long brokers may take to delete topics.
const remakeTime = 2 * time.Minute

// remake deletes topics and makes them again with as many partitions and replicas,
// and updates their ids.
func (d Deps) remake(ctx context.Context, f Facts, names []string, ids map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, remakeTime)
	defer cancel()
	shape := f.Topics[names[0]]
	deleted, err := d.Kafka.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: names})
	if err != nil {
		return fmt.Errorf("delete topics %v: %w", names, err)
	}
	for name, err := range deleted.Errors {
		if err != nil && !errors.Is(err, kafkago.UnknownTopicOrPartition) {
			return fmt.Errorf("delete topic %s: %w", name, err)
		}
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for _, name := range names {
		for ids[name] == f.Topics[name].ID {
			// A topic that is being deleted may still be described, and may still
			// be in the way of its successor.
			if _, err := kafka.Apply(ctx, d.Admin, int32(len(shape.Partitions)), int16(shape.Replicas)); err != nil && ctx.Err() != nil {
				return err
			}
			t, err := d.topic(ctx, name)
			if err == nil && t.ID != f.Topics[name].ID {
				ids[name] = t.ID
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("make topic %s again: %w", name, errors.Join(err, ctx.Err()))
			}
		}
	}
	return nil
}

// write commits what is planned for a group, in one request, and reads it back.
func (d Deps) write(ctx context.Context, m member, writes []Finding, ids map[string]string) error {
	want := map[int32]Write{}
	var commits []kafkago.OffsetCommit
	partitions := 0
	for _, f := range writes {
		if f.Group != m.group {
			continue
		}
		w := *f.Write
		w.State.Version, w.State.Topics = checkpoint.Version, map[string]string{}
		for _, name := range m.depends {
			w.State.Topics[name] = ids[name]
		}
		want[f.Partition] = w
		partitions = max(partitions, int(f.Partition)+1)
		commits = append(commits, kafkago.OffsetCommit{Partition: int(f.Partition), Offset: w.Offset, Metadata: w.State.Text()})
	}
	if len(commits) == 0 {
		return nil
	}
	// No member and no generation: brokers take such a commit only for a group
	// that nobody is in.
	resp, err := d.Kafka.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: m.group, GenerationID: -1, Topics: map[string][]kafkago.OffsetCommit{m.topic: commits},
	})
	if err != nil {
		return fmt.Errorf("commit offsets of %s: %w", m.group, err)
	}
	for _, p := range resp.Topics[m.topic] {
		if p.Error != nil {
			return fmt.Errorf("commit offset of %s partition %d: %w", m.group, p.Partition, p.Error)
		}
	}
	return d.verify(ctx, m, partitions, want)
}

func (d Deps) verify(ctx context.Context, m member, partitions int, want map[int32]Write) error {
	have, err := d.commits(ctx, m, partitions)
	if err != nil {
		return err
	}
	for i, w := range want {
		if c := have[i]; c.Offset != w.Offset || c.Unreadable != "" || c.State.Text() != w.State.Text() {
			return fmt.Errorf("read back %s partition %d: it is %d %s, want %d %s", m.group, i, c.Offset, c.State.Text(), w.Offset, w.State.Text())
		}
	}
	return nil
}

// note tells ClickHouse the id that a topic has now. Of several ids the one noted
// last counts, whatever the clock says.
func (d Deps) note(ctx context.Context, name, id string) error {
	err := d.Conn.Exec(ctx, `
		INSERT INTO touchline.topics (name, topic_id, first_seen)
		SELECT ?, ?, greatest(now64(3), max(first_seen) + INTERVAL 1 SECOND) FROM touchline.topics WHERE name = ?`, name, id, name)
	if err != nil {
		return fmt.Errorf("note id of %s: %w", name, err)
	}
	known, err := d.known(ctx, name)
	if err != nil {
		return err
	}
	if known != id {
		return fmt.Errorf("note id of %s: it is %s, want %s", name, known, id)
	}
	return nil
}
