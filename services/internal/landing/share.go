package landing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

// share is what one partition adds to a chunk: its range of offsets and the rows of
// it.
type share struct {
	checkpoint.Share
	// p is the partition, nil when it is not this lander's to commit.
	p *kafka.Partition
	// state is what commits of the partition say besides the mark and the intent.
	state   checkpoint.State
	builder Builder
	// bytes is what the rows were accounted for.
	bytes int64
	// since is when the first record came, and first its append time in
	// milliseconds.
	since time.Time
	first int64
}

// behind is the commit that goes past the share.
func (s *share) behind() kafka.Commit {
	state := s.state
	state.Mark = s.Cut
	return kafka.Commit{Offset: s.Hi + 1, Metadata: state.Text()}
}

// build puts one record into the block, or elsewhere when the share excludes it.
func (c *chunk) build(ctx context.Context, s *share, r *kgo.Record, at denselog.Position) error {
	var err error
	if s.Excludes(r.Offset) {
		err = c.exclude(ctx, s, r, at)
	} else {
		err = s.builder.Add(r, at)
	}
	if err != nil {
		return fmt.Errorf("build row of %s offset %d: %w", r.Topic, r.Offset, err)
	}
	return nil
}

// read reads the records of the share that count.
func (c *chunk) read(ctx context.Context, s *share, fn func(r *kgo.Record, at denselog.Position) error) error {
	start, end, err := c.l.deps.Bounds(ctx, c.topicName, s.Partition)
	switch {
	case err != nil:
		return err
	case start > s.Lo:
		return kafka.Fatal(fmt.Errorf("offsets %d to %d of partition %d: %w", s.Lo, start-1, s.Partition, checkpoint.ErrExpired))
	case end <= s.Hi:
		return kafka.Fatal(fmt.Errorf("chunk up to %d of partition %d, the log ends at %d: %w", s.Hi, s.Partition, end, checkpoint.ErrTruncated))
	}
	mark := denselog.NewMark(s.Mark)
	err = c.l.deps.Scan(ctx, c.topicName, s.Partition, s.Lo, s.Hi+1, func(r *kgo.Record) error {
		c.leader.Beat()
		if c.source == "" {
			return fn(r, denselog.Position{Src: r.Offset, Prev: r.Offset - 1})
		}
		at, err := denselog.Parse(r)
		if err != nil || mark.Judge(at, c.l.deps.Now()) != denselog.Take {
			return err
		}
		return fn(r, at)
	})
	if err != nil {
		return err
	}
	if mark.Src() != s.Cut {
		return fmt.Errorf("read %d-%d of partition %d again: the mark is %d, it was %d", s.Lo, s.Hi, s.Partition, mark.Src(), s.Cut)
	}
	return nil
}

// exclude gives the builder a record that the share excludes, and the one that it
// answers.
func (c *chunk) exclude(ctx context.Context, s *share, r *kgo.Record, at denselog.Position) error {
	builder, ok := s.builder.(Excluder)
	if !ok {
		return kafka.Fatal(fmt.Errorf("intent excludes offset %d, which this lander does not do: %w", r.Offset, checkpoint.ErrUnreadable))
	}
	if c.state.Turn != nil {
		return builder.Exclude(r, at, nil) // the record that it answers is gone
	}
	var source *kgo.Record
	err := c.l.deps.Scan(ctx, c.l.deps.Source, s.Partition, at.Src, at.Src+1, func(r *kgo.Record) error {
		c.leader.Beat()
		source = r
		return nil
	})
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return kafka.Fatal(fmt.Errorf("offset %d of %s: %w", at.Src, c.l.deps.Source, checkpoint.ErrExpired))
	case err != nil:
		return err
	case source == nil || source.Offset != at.Src:
		return fmt.Errorf("read %s partition %d: no record at offset %d", c.l.deps.Source, s.Partition, at.Src)
	}
	return builder.Exclude(r, at, source)
}
