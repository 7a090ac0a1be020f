package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// NoOffset is the offset of a partition for which nothing was ever committed.
const NoOffset = -1

// Commit is what a consumer group keeps for a partition: where to read next, and
// a text of the reader's own.
type Commit struct {
	Offset   int64
	Metadata string
}

// Partition is one assignment of a partition to this process, as its worker sees
// it. Its methods are for that worker alone, unless they say otherwise. Once the worker was
// cancelled or has returned, Poll returns ErrLost, nothing is fetched, and
// commits are refused.
type Partition struct {
	group *Group
	owner *owner
	// ended is closed when the worker was cancelled or has returned.
	ended <-chan struct{}

	mu sync.Mutex // guards the following
	// next is the offset the next record must have.
	next int64
	// end is the end of the log as of the last fetch.
	end     int64
	started bool
	queue   queue
	paused  bool
	err     error
	wake    chan struct{}
}

// Topic returns the name of the topic.
func (p *Partition) Topic() string { return p.group.opts.Topic }

// ID returns the number of the partition.
func (p *Partition) ID() int32 { return p.owner.id }

// Beat says that the worker makes progress though it neither polls nor commits:
// it is called in each round of what may take long, such as a repeated insert or
// a state that is read back. It costs a few nanoseconds and may be called from
// any goroutine, but never by one that goes on while the worker hangs.
func (p *Partition) Beat() { p.owner.steps.Add(1) }

// over reports whether the worker was cancelled or has returned.
func (p *Partition) over() bool { return closed(p.ended) }

// Draining is closed when the process is to stop.
func (p *Partition) Draining() <-chan struct{} { return p.owner.drain }

// TopicID asks the broker for the id of a topic as it exists now, as text.
// Offsets mean something only together with it.
func (p *Partition) TopicID(ctx context.Context, topic string) (string, error) {
	p.Beat()
	id, err := FetchTopicID(ctx, p.group.member, topic)
	if err != nil {
		return "", err
	}
	return uuid.UUID(id).String(), nil
}

// Commits asks the broker for what is committed of all partitions of the topic;
// those without a commit are left out. After a partition was assigned, nothing that
// its earlier owners have sent can change the answer any more.
func (p *Partition) Commits(ctx context.Context) (map[int32]Commit, error) {
	p.Beat()
	offsets, err := kadm.NewClient(p.group.member).FetchOffsets(ctx, p.group.opts.Group)
	if err != nil {
		return nil, fmt.Errorf("fetch committed offsets: %w", err)
	}
	all := make(map[int32]Commit)
	for id, o := range offsets[p.Topic()] {
		switch {
		case o.Err != nil:
			return nil, fmt.Errorf("fetch committed offset of partition %d: %w", id, o.Err)
		case o.At >= 0:
			all[id] = Commit{Offset: o.At, Metadata: o.Metadata}
		}
	}
	return all, nil
}

// Committed is the committed offset of this partition and its metadata; Offset is
// NoOffset when nothing was committed.
func (p *Partition) Committed(ctx context.Context) (Commit, error) {
	all, err := p.Commits(ctx)
	if err != nil {
		return Commit{}, err
	}
	if c, ok := all[p.ID()]; ok {
		return c, nil
	}
	return Commit{Offset: NoOffset}, nil
}

// Bounds asks the broker for the first offset that the log still holds and the
// one after its last.
func (p *Partition) Bounds(ctx context.Context) (start, end int64, err error) {
	p.Beat()
	return Bounds(ctx, p.group.member, p.Topic(), p.ID())
}

// OffsetAt returns the first offset appended at or after t, or the end.
func (p *Partition) OffsetAt(ctx context.Context, t time.Time) (int64, error) {
	p.Beat()
	offsets, err := kadm.NewClient(p.group.member).ListOffsetsAfterMilli(ctx, t.UnixMilli(), p.Topic())
	if err != nil {
		return 0, fmt.Errorf("list offsets by time: %w", err)
	}
	o, ok := offsets.Lookup(p.Topic(), p.ID())
	if !ok {
		return 0, fmt.Errorf("list offsets by time: no answer for partition %d", p.ID())
	}
	if o.Err != nil {
		return 0, fmt.Errorf("list offsets by time: %w", o.Err)
	}
	return o.Offset, nil
}

// Start begins fetching at offset. It is called once, before the first Poll.
func (p *Partition) Start(offset int64) {
	p.mu.Lock()
	p.next, p.started, p.wake = offset, true, make(chan struct{}, 1)
	p.mu.Unlock()
	p.group.fetch.add(p, offset)
}

// Poll returns the next records in order, without a gap, or nil when none came
// within wait. It returns ErrDraining once the process is to stop, the context's
// error or ErrLost when the partition was lost, and the broker's error otherwise.
func (p *Partition) Poll(ctx context.Context, wait time.Duration) ([]*kgo.Record, error) {
	defer p.owner.wait()()
	var timer *time.Timer
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.ended:
			return nil, ErrLost
		case <-p.owner.drain:
			return nil, ErrDraining
		default:
		}
		if recs, err := p.take(); recs != nil || err != nil {
			return recs, err
		}
		if timer == nil {
			timer = time.NewTimer(wait)
			defer timer.Stop()
		}
		select {
		case <-ctx.Done():
		case <-p.ended:
		case <-p.owner.drain:
		case <-p.wake:
		case <-timer.C:
			return nil, nil
		}
	}
}

// take removes what one fetch brought.
func (p *Partition) take() ([]*kgo.Record, error) {
	p.mu.Lock()
	recs, err, bytes := p.queue.pop(), p.err, p.queue.bytes
	resume := p.paused && bytes < p.group.fetch.share()/2
	if resume {
		p.paused = false
	}
	p.mu.Unlock()
	if recs == nil {
		return nil, err
	}
	if resume {
		p.group.fetch.resume(p)
	}
	p.group.fetch.taken(bytes)
	return recs, nil
}

// waiting returns the bytes of the records that wait for the worker, and whether the
// log went on behind them when it was last asked.
func (p *Partition) waiting() (bytes int, behind bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.bytes, p.next < p.end
}

// put hands fetched records to the worker. The log of a partition has no gaps
// unless it is compacted, so a jump of offsets is an error, never something to
// skip over.
func (p *Partition) put(recs []*kgo.Record, highWatermark int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil || len(recs) == 0 {
		return
	}
	if first := recs[0].Offset; first < p.next || first > p.next && !p.group.opts.Compacted {
		p.fail(fmt.Errorf("read %s partition %d: want offset %d, the log goes on at %d", p.Topic(), p.ID(), p.next, recs[0].Offset))
		return
	}
	last := recs[len(recs)-1]
	p.next, p.end = last.Offset+1, highWatermark
	p.queue.push(recs)
	if p.queue.bytes > p.group.fetch.share() {
		// Also when it is paused: a resume under way may come after it.
		p.paused = true
		p.group.fetch.pause(p)
	}
	p.group.metrics.fetched(p.ID(), p.next, highWatermark, last.Timestamp)
	p.notify()
}

// putError ends the assignment's reading: the worker sees err after the records
// that came before it.
func (p *Partition) putError(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail(fmt.Errorf("fetch %s partition %d: %w", p.Topic(), p.ID(), err))
}

func (p *Partition) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.notify()
}

func (p *Partition) notify() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Commit commits c and returns when the broker has it. The same commit is
// repeated until it is acknowledged, for as long as the partition is owned;
// ErrLost means that it is not, and that nothing may be done on its strength.
func (p *Partition) Commit(ctx context.Context, c Commit) error {
	defer p.owner.wait()()
	select {
	case err := <-p.CommitAsync(c):
		return err
	case <-ctx.Done():
		return errors.Join(ErrLost, ctx.Err())
	}
}

// CommitAsync is Commit without the waiting: the channel gets the one answer. It may
// be called from any goroutine.
func (p *Partition) CommitAsync(c Commit) <-chan error {
	done := make(chan error, 1)
	p.group.commit.submit(&pendingCommit{owner: p, commit: c}, done)
	return done
}

// CommitFor commits c on the strength of further partitions of the same group: it is
// sent only while all of them are owned. It returns when its fate is decided: nil
// means that the broker has it; after an error it has it or not, but what Commits
// returns from then on is final, unless the group has ended. It may be called from
// any goroutine.
func (p *Partition) CommitFor(c Commit, others []*Partition) error {
	defer p.owner.wait()()
	done := make(chan error, 1)
	p.group.commit.submit(&pendingCommit{owner: p, commit: c, others: others, certain: true}, done)
	return <-done
}

// CommitLater has c committed soon, unless a later commit overtakes it. Failing
// to commit is not an error of the worker: it only means that more is repeated.
func (p *Partition) CommitLater(c Commit) {
	p.Beat()
	p.group.commit.submit(&pendingCommit{owner: p, commit: c}, nil)
}
