package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetcher reads the partitions that workers have started, and hands each record
// batch to its partition.
//
// Nothing is taken from the client while every partition has enough waiting: the
// client then holds one answer of each broker and asks for no more. To pause
// partitions instead would throw away what it holds of them, to be fetched and
// unpacked once more; so only one that is far behind the others is paused.
type fetcher struct {
	client *kgo.Client
	topic  string
	// queueBytes is what may wait for all workers together.
	queueBytes int
	// hungry has an element when a partition may have run low.
	hungry chan struct{}

	// gate keeps the set of partitions still while a poll is under way: a poll
	// holds it for reading from the call until its records are handed over, so
	// records fetched for an earlier start of a partition cannot reach a later
	// one. wantGate asks the poll to return early.
	gate sync.RWMutex

	mu      sync.Mutex // guards the following
	started map[int32]*Partition
	cancel  context.CancelFunc
	waiting int

	shareBytes atomic.Int64
}

// What one fetch brings from one broker, as compressed in the log; events take
// five to six times as much in memory. A batch that is larger comes whole. With a
// piece of 128 KiB, about 800 events, the cost of a fetch is spread thin.
const (
	fetchMaxBytes          = 1 << 20
	fetchMaxPartitionBytes = 128 << 10
)

// minShare is the least of the queue for one partition, about one piece.
const minShare = 512 << 10

// fetchMaxWait is how long a broker holds an empty fetch; new records end it at
// once.
const fetchMaxWait = 500 * time.Millisecond

func newFetcher(c Config, d Deps, o GroupOptions) (*fetcher, error) {
	cl, err := kgo.NewClient(append(c.options(d, o.Group+"-fetch"),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(fetchMaxBytes),
		kgo.FetchMaxPartitionBytes(fetchMaxPartitionBytes),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.FetchMinBytes(1),
	)...)
	if err != nil {
		return nil, fmt.Errorf("make kafka fetcher %s: %w", o.Group, err)
	}
	f := &fetcher{client: cl, topic: o.Topic, queueBytes: o.QueueBytes, hungry: make(chan struct{}, 1), started: make(map[int32]*Partition)}
	f.divide()
	return f, nil
}

// run polls until ctx ends.
func (f *fetcher) run(ctx context.Context) {
	for f.awaitHunger(ctx) {
		f.poll(ctx)
	}
}

// awaitHunger returns true when a partition has less waiting than it should, or
// none is started, and false when ctx has ended.
func (f *fetcher) awaitHunger(ctx context.Context) bool {
	for ctx.Err() == nil {
		if f.isHungry() {
			return true
		}
		select {
		case <-ctx.Done():
		case <-f.hungry:
		}
	}
	return false
}

func (f *fetcher) isHungry() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	low := f.low()
	for _, p := range f.started {
		if p.waiting() < low {
			return true
		}
	}
	return len(f.started) == 0
}

// share is what may wait for one partition, in bytes; low is what should.
func (f *fetcher) share() int { return int(f.shareBytes.Load()) }
func (f *fetcher) low() int   { return f.share() / 4 }

// divide is called when the number of partitions may have changed.
func (f *fetcher) divide() {
	f.shareBytes.Store(int64(max(minShare, f.queueBytes/max(1, len(f.started)))))
	f.wake()
}

// taken says that a worker has taken records, and what still waits for it.
func (f *fetcher) taken(left int) {
	if left < f.low() {
		f.wake()
	}
}

func (f *fetcher) wake() {
	select {
	case f.hungry <- struct{}{}:
	default:
	}
}

func (f *fetcher) poll(ctx context.Context) {
	// A change of partitions that is waiting goes first, or polls that find
	// records at once could keep it out for ever.
	for {
		f.mu.Lock()
		waiting := f.waiting
		f.mu.Unlock()
		if waiting == 0 || ctx.Err() != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	f.gate.RLock()
	defer f.gate.RUnlock()
	pollCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.mu.Lock()
	f.cancel = cancel
	if f.waiting > 0 {
		cancel()
	}
	f.mu.Unlock()

	fetches := f.client.PollFetches(pollCtx)
	fetches.EachPartition(func(tp kgo.FetchTopicPartition) {
		f.mu.Lock()
		p := f.started[tp.Partition]
		f.mu.Unlock()
		if p == nil || tp.Topic != f.topic {
			return
		}
		p.put(tp.Records, tp.HighWatermark)
		if tp.Err != nil && !errors.Is(tp.Err, context.Canceled) {
			p.putError(tp.Err)
		}
	})
}

// change runs fn while no poll is under way.
func (f *fetcher) change(fn func()) {
	f.mu.Lock()
	f.waiting++
	if f.cancel != nil {
		f.cancel()
	}
	f.mu.Unlock()
	f.gate.Lock()
	f.mu.Lock()
	f.waiting--
	fn()
	f.divide()
	f.mu.Unlock()
	f.gate.Unlock()
}

func (f *fetcher) add(p *Partition, offset int64) {
	f.change(func() {
		if p.over() { // the partition may be somebody else's already
			return
		}
		f.started[p.ID()] = p
		f.client.ResumeFetchPartitions(f.partitions(p))
		f.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{f.topic: {p.ID(): kgo.NewOffset().At(offset)}})
	})
}

func (f *fetcher) remove(p *Partition) {
	p.mu.Lock()
	started := p.started
	p.mu.Unlock()
	if !started {
		return
	}
	f.change(func() {
		if f.started[p.ID()] == p {
			delete(f.started, p.ID())
			f.client.RemoveConsumePartitions(f.partitions(p))
		}
	})
}

func (f *fetcher) pause(p *Partition) { f.client.PauseFetchPartitions(f.partitions(p)) }

// resume leaves the partition alone when another assignment is reading it.
func (f *fetcher) resume(p *Partition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.started[p.ID()] == p {
		f.client.ResumeFetchPartitions(f.partitions(p))
	}
}

func (f *fetcher) partitions(p *Partition) map[string][]int32 {
	return map[string][]int32{f.topic: {p.ID()}}
}
