package landing

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

// finish inserts the pending chunk that the partition leads, exactly as its intent
// was written, and goes past it.
func (l *Lander) finish(ctx context.Context, p *kafka.Partition, o *opening) error {
	// One at a time: a process that takes over from several has memory for one.
	select {
	case l.finishing <- struct{}{}:
		defer func() { <-l.finishing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c := l.newChunk()
	c.lead(p, o.State, o.topic, o.source)
	c.intent, c.state.Pending = *o.State.Pending, nil
	defer c.release()
	for i, s := range c.intent.Shares {
		taken := &share{Share: s, state: c.state, builder: l.builders.get(o.source, s.Partition)}
		if i == 0 {
			taken.p = p
		}
		c.shares = append(c.shares, taken)
	}
	if !c.intent.Landed {
		for _, s := range c.shares {
			err := c.read(ctx, s, func(r *kgo.Record, at denselog.Position) error { return c.build(ctx, s, r, at) })
			if err != nil {
				return fmt.Errorf("read the chunk that was left: %w", err)
			}
		}
		if err := c.insert(ctx); err != nil {
			return err
		}
	}
	if err := c.goPast(ctx); err != nil {
		return err
	}
	c.log.Info("finished a chunk that was left", zap.String("token", c.token()))
	own := c.shares[0]
	o.Offset, o.State.Pending = own.Hi+1, nil
	// A late copy of an old commit could have turned the mark back.
	o.State.Mark = max(own.Cut, o.landed)
	return nil
}

// follow waits until the chunk that the partition takes part in has landed, and goes
// past it. Whoever owns the leading partition sees to that.
func (l *Lander) follow(ctx context.Context, p *kafka.Partition, names []string, o *opening) error {
	for first := true; o.Joined != nil && !o.Joined.Intent.Landed; first = false {
		if !first {
			l.status.set(p.ID(), fmt.Sprintf("waits for partition %d to land the chunk that both have a share of", o.Joined.Leader))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.Draining():
			return kafka.ErrDraining
		case <-time.After(othersWait):
		}
		var err error
		if o.Opening, err = checkpoint.Open(ctx, p, names...); err != nil {
			return err
		}
	}
	if o.Joined == nil {
		return nil
	}
	s := share{Share: o.Joined.Share, state: o.State}
	s.state.Unmarked = false
	if err := p.Commit(ctx, s.behind()); err != nil {
		return fmt.Errorf("commit the offset behind the chunk of partition %d: %w", o.Joined.Leader, err)
	}
	o.Offset, o.Fresh, o.Joined = s.Hi+1, false, nil
	o.State.Mark, o.State.Unmarked = s.Cut, false
	return nil
}
