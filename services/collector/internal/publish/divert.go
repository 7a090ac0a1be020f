package publish

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/services/collector/internal/spool"
)

// fate is what the client said about one record. It is the record's context,
// which the client hands back with it and which never ends.
type fate struct {
	context.Context
	acked atomic.Bool
	// refused: the broker says that it never takes this record.
	refused atomic.Bool
}

// note gives each record its fate.
func (b *Batch) note() {
	if n := len(b.records); cap(b.fates) < n {
		b.fates = make([]fate, cap(b.records))
		for i := range b.fates {
			b.fates[i].Context = context.Background()
		}
	}
	b.fates = b.fates[:len(b.records)]
	for i := range b.fates {
		f := &b.fates[i]
		f.acked.Store(false)
		f.refused.Store(false)
		b.records[i].Context = f //nolint:fatcontext // each has its own, none is nested
	}
}

// learn keeps what the client says about a record.
func learn(r *kgo.Record, err error) {
	f, ok := r.Context.(*fate)
	switch {
	case !ok:
	case err == nil:
		f.acked.Store(true)
	case errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) || errors.Is(err, kerr.InvalidRecord):
		f.refused.Store(true)
	}
}

// sendOrSpool hands the records over and waits until each is acknowledged or
// synced to the spool. What is not acknowledged at the deadline goes there, and so
// does at once what has others of its partition before it there.
func (b *Batch) sendOrSpool(start time.Time) error {
	s := b.p.spool
	direct := len(b.records)
	var behind *spool.Commit
	if s.Busy() {
		b.taken = slices.Grow(b.taken, direct)[:direct]
		commit, n, err := s.Follow(b.records, b.taken)
		if err != nil {
			b.Discard()
			return err
		}
		behind, direct = commit, direct-n
	}
	b.note()
	if direct == 0 {
		b.owners.Store(1)
	} else {
		b.hand(direct, start)
		b.await(b.p.cfg.SpoolAfter)
	}
	defer b.release()
	end := start.Add(b.p.cfg.AckTimeout)
	if behind != nil {
		if err := b.synced(behind, end); err != nil {
			return err
		}
	}
	var rest []bool
	for i := range b.fates {
		if len(b.taken) > 0 && b.taken[i] || b.fates[i].acked.Load() {
			continue
		}
		if b.fates[i].refused.Load() {
			return errors.New(*b.failure.Load())
		}
		if rest == nil {
			rest = make([]bool, len(b.fates))
		}
		rest[i] = true
	}
	if rest == nil {
		return nil
	}
	commit, err := s.Divert(b.records, rest)
	if err != nil {
		return err
	}
	return b.synced(commit, end)
}

// synced waits for a commit of the spool.
func (b *Batch) synced(c *spool.Commit, end time.Time) error {
	b.timer.Reset(time.Until(end))
	defer b.timer.Stop()
	select {
	case <-c.Done():
		return c.Err()
	case <-b.timer.C:
		return errors.New("the spool was not synced within " + b.p.cfg.AckTimeout.String())
	}
}

// Drain writes records of the spool and returns nil when all are acknowledged. It
// is a spool.Produce.
func (p *Publisher) Drain(ctx context.Context, records []kgo.Record) error {
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	wait.Add(len(records))
	now := time.Now()
	for i := range records {
		records[i].Topic, records[i].Timestamp = p.cfg.Topic, now
		p.client.Produce(ctx, &records[i], func(_ *kgo.Record, err error) {
			if err != nil {
				mu.Lock()
				if first == nil {
					first = err
				}
				mu.Unlock()
			}
			wait.Done()
		})
	}
	wait.Wait()
	return first
}
