package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetcher reads the partitions that workers have started, and hands each record
// batch to its partition.
type fetcher struct {
	client *kgo.Client
	topic  string

	// gate keeps the set of partitions still while a poll is under way: a poll
	// holds it for reading from the call until its records are handed over, so
	// records fetched for an earlier start of a partition cannot reach a later
	// one. wantGate asks the poll to return early.
	gate sync.RWMutex

	mu      sync.Mutex // guards the following
	started map[int32]*Partition
	cancel  context.CancelFunc
	waiting int
}

// fetchMaxWait is how long a broker holds an empty fetch; new records end it at
// once.
const fetchMaxWait = 500 * time.Millisecond

func newFetcher(c Config, d Deps, o GroupOptions) (*fetcher, error) {
	cl, err := kgo.NewClient(append(c.options(d, o.Group+"-fetch"),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(int32(4*o.QueueBytes)),
		kgo.FetchMaxPartitionBytes(int32(o.QueueBytes/4)),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.FetchMinBytes(1),
	)...)
	if err != nil {
		return nil, fmt.Errorf("make kafka fetcher %s: %w", o.Group, err)
	}
	return &fetcher{client: cl, topic: o.Topic, started: make(map[int32]*Partition)}, nil
}

// run polls until ctx ends.
func (f *fetcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		f.poll(ctx)
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
