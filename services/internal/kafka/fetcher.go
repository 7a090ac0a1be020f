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
// once. A partition that was paused is read again when the fetch without it has ended.
const fetchMaxWait = 200 * time.Millisecond

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

// hunger says how much the next poll is needed.
type hunger int

const (
	// sated: every partition has enough waiting.
	sated hunger = iota
	// curious: some partitions have enough, the others are at the end of their logs.
	curious
	// hungry: a partition has little waiting, and its log goes on, or all have little.
	hungry
)

// curiousEvery is how often partitions at the end of their logs are looked after while
// others have enough: what comes to them then waits so long at most.
const curiousEvery = 100 * time.Millisecond

// awaitHunger returns true when it is time to poll, and false when ctx has ended.
func (f *fetcher) awaitHunger(ctx context.Context) bool {
	var later <-chan time.Time
	for ctx.Err() == nil {
		switch f.hunger() {
		case hungry:
			return true
		case curious:
			if later == nil {
				timer := time.NewTimer(curiousEvery)
				defer timer.Stop()
				later = timer.C
			}
		}
		select {
		case <-ctx.Done():
		case <-f.hungry:
		case <-later:
			return true
		}
	}
	return false
}

// hunger looks at what waits. A partition that has enough would only be paused if the
// client were asked for the sake of those that have nothing to read, and reading it
// again would begin with the end of a fetch without it.
func (f *fetcher) hunger() hunger {
	f.mu.Lock()
	defer f.mu.Unlock()
	low, enough, little := f.low(), false, false
	for _, p := range f.started {
		waiting, behind := p.waiting()
		switch {
		case waiting >= low:
			enough = true
		case behind:
			return hungry
		default:
			little = true
		}
	}
	switch {
	case !enough:
		return hungry
	case little:
		return curious
	}
	return sated
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
