package checkpoint

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"touchline.dev/services/internal/kafka"
)

// Opening is where a worker goes on.
type Opening struct {
	// State is what was committed, or a new one; its topics are the current ones.
	State State
	// Offset is the next one to read.
	Offset int64
	// Start and End are the bounds of the log when it was asked.
	Start, End int64
	// Fresh is set when nothing was ever committed; Offset is then Start.
	Fresh bool
	// Turned is set when the offset is that of a turn: State is the one behind it.
	Turned bool
	// Joined is the chunk of another partition that this one takes part in and has
	// not gone past; nil when there is none. Until it has landed, nothing may be done
	// with the records from its share on.
	Joined *Joined
}

// Joined is a pending chunk, as a partition sees it that does not lead it.
type Joined struct {
	Leader int32
	Intent *Intent
	Share  Share
}

// Open reads the committed offset of a partition and checks that it belongs to
// the topics as they are now, and lies in the log. The topics are all that the
// offset depends on, the partition's own included. Errors of its own are fatal.
func Open(ctx context.Context, p *kafka.Partition, topics ...string) (Opening, error) {
	current := make(map[string]string, len(topics))
	for _, name := range topics {
		id, err := p.TopicID(ctx, name)
		if err != nil {
			return Opening{}, err
		}
		current[name] = id
	}
	commits, err := p.Commits(ctx)
	if err != nil {
		return Opening{}, err
	}
	start, end, err := p.Bounds(ctx)
	if err != nil {
		return Opening{}, err
	}
	c, ok := commits[p.ID()]
	if !ok {
		c.Offset = kafka.NoOffset
	}
	o, err := resume(p.ID(), c, current, start, end)
	if err != nil {
		return Opening{}, kafka.Fatal(err)
	}
	if o.Joined, err = join(p.ID(), c.Offset, commits, current); err != nil {
		return Opening{}, kafka.Fatal(err)
	}
	return o, nil
}

// join looks for the chunk that a partition takes part in among what is committed of
// the others. Commits that belong to other topics are left to those who read them.
func join(partition int32, offset int64, commits map[int32]kafka.Commit, current map[string]string) (*Joined, error) {
	for _, id := range slices.Sorted(maps.Keys(commits)) {
		if id == partition || commits[id].Metadata == "" {
			continue
		}
		s, err := Parse(commits[id].Metadata)
		if err != nil {
			return nil, fmt.Errorf("partition %d: %w", id, err)
		}
		if s.Pending == nil || !maps.Equal(s.Topics, current) {
			continue
		}
		if share := s.Pending.Of(partition); share != nil && share.Hi >= offset {
			return &Joined{Leader: id, Intent: s.Pending, Share: *share}, nil
		}
	}
	return nil, nil
}

// resume decides where to go on, or why that is not possible.
func resume(partition int32, c kafka.Commit, current map[string]string, start, end int64) (Opening, error) {
	o := Opening{
		State:  State{Version: Version, Topics: current, Mark: -1},
		Offset: c.Offset, Start: start, End: end,
	}
	if c.Offset == kafka.NoOffset {
		o.Offset, o.Fresh, o.State.Unmarked = start, true, start > 0
		return o, nil
	}
	was, err := Parse(c.Metadata)
	if err != nil {
		return o, err
	}
	for _, name := range slices.Sorted(maps.Keys(current)) {
		if then, now := was.Topics[name], current[name]; then != now {
			return o, fmt.Errorf("%s had id %q and has %q: %w", name, then, now, ErrTopicRecreated)
		}
	}
	if c.Offset > end {
		return o, fmt.Errorf("committed %d, the log ends at %d: %w", c.Offset, end, ErrTruncated)
	}
	if was.Pending != nil {
		switch own := was.Pending.Shares[0]; {
		case own.Lo != c.Offset || own.Partition != partition:
			return o, fmt.Errorf("intent begins at %d of partition %d, the offset is %d: %w", own.Lo, own.Partition, c.Offset, ErrUnreadable)
		case own.Hi >= end:
			return o, fmt.Errorf("intent %d-%d, the log ends at %d: %w", own.Lo, own.Hi, end, ErrTruncated)
		}
	}
	was.Topics = current
	if t := was.Turn; t != nil && c.Offset >= t.At && was.Pending == nil {
		was.Mark, was.Turn, was.Unmarked, o.Turned = t.Mark, nil, false, true
	}
	o.State = was
	return o, nil
}

// Complete checks that no record behind the offset has expired. It is asked only
// of a log that is not compacted: in the other what is gone has been replaced.
func (o *Opening) Complete() error {
	if o.Offset < o.Start {
		return kafka.Fatal(fmt.Errorf("offsets %d to %d: %w", o.Offset, o.Start-1, ErrExpired))
	}
	return nil
}
