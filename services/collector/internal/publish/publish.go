// Package publish writes events to the raw topic: one record for each event, in
// the order given, acknowledged by every in-sync replica, or synced to the spool,
// before Send returns nil. Batches that come while others are on their way leave
// together.
//
// With a spool, records that are not acknowledged at a deadline go there. The
// client may still write them later, too: the second copy has the same receipt id
// and the enricher drops it. Within a partition the client fails what is behind a
// record that it fails, so what a batch leaves unacknowledged of a partition is
// its end, and order holds.
//
// A Send that fails says nothing about its records: some may be written, some may
// still be under way. The client sends the request again, and the message ids
// tell the enricher what it has seen.
package publish

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/services/collector/internal/budget"
	"touchline.dev/services/collector/internal/spool"
)

// ErrNotAcknowledged says that neither the log nor the spool took all records in
// time.
var ErrNotAcknowledged = errors.New("events not acknowledged")

// Config says where records go and how long they may take.
type Config struct {
	Topic string
	// Linger is how long the producer waits for more records.
	Linger time.Duration
	// AckTimeout is how long Send waits.
	AckTimeout time.Duration
	// SpoolAfter is how long the log may take of that where there is a spool.
	SpoolAfter time.Duration
}

// maxWait is the most that a batch waits for the acknowledgement of those before
// it. A synced write takes 1 ms on an idle disk and 30 on a busy one, which is
// when sharing it pays; a partition without a leader must not cost the others
// more.
const maxWait = 30 * time.Millisecond

// Publisher makes batches and keeps what they are made of for the next ones. It
// may be used concurrently.
type Publisher struct {
	cfg    Config
	client *kgo.Client
	budget *budget.Budget
	acks   prometheus.Observer
	pool   sync.Pool // of *Batch
	group  *group
	spool  *spool.Spool // nil for none

	// Unix nanoseconds of the last Send that succeeded and of the last that
	// failed.
	acked, missed atomic.Int64
	// reason is why the last Send failed.
	reason atomic.Pointer[string]
}

// New returns a publisher on an idempotent producer with acks=all. The bytes of
// batches count against the budget until their last record is acknowledged or
// given up. acks observes the seconds that successful Sends waited. The spool is
// nil where there is none.
func New(cfg Config, client *kgo.Client, budget *budget.Budget, acks prometheus.Observer, spool *spool.Spool) *Publisher {
	p := &Publisher{cfg: cfg, client: client, budget: budget, acks: acks, spool: spool}
	p.group = newGroup(cfg.Linger, maxWait, p.produce)
	return p
}

// produce hands those records to the client that the spool has not taken. With the
// last of them the batch is the client's and may be used again at once: it is not
// touched any more.
func (p *Publisher) produce(b *Batch) {
	now := time.Now()
	for i, left := 0, b.pending.Load(); left > 0; i++ {
		if len(b.taken) > 0 && b.taken[i] {
			continue
		}
		left--
		// The client gives records up by the age of this, so it is the time of
		// producing and not of receipt: a slow sender or another clock would add to
		// it. In the topic the broker's own time replaces it.
		b.records[i].Timestamp = now
		p.client.TryProduce(context.Background(), &b.records[i], b.onAck)
	}
}

// failing is how long after its last failed Send a publisher counts as failing
// though nothing succeeded since. Without an end an instance that gets no traffic
// because it is not ready could never become ready again.
const failing = 10 * time.Second

// Failing says why events are not being acknowledged; nil when they are, or when
// nothing was sent lately. It may be used as a health probe.
func (p *Publisher) Failing() error {
	missed := p.missed.Load()
	if missed == 0 || missed <= p.acked.Load() || time.Since(time.Unix(0, missed)) > failing {
		return nil
	}
	return errors.New(*p.reason.Load())
}

// Batch returns an empty batch for up to events records of together at most bytes
// bytes of keys, values and headers, or nil when the budget does not allow it.
// It must be ended by Send or Discard.
func (p *Publisher) Batch(events, bytes int) *Batch {
	reserved := bytes + events*recordOverhead
	if !p.budget.Reserve(reserved) {
		return nil
	}
	b, _ := p.pool.Get().(*Batch)
	if b == nil {
		b = &Batch{p: p, done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
		b.timer.Stop()
		b.onAck = b.acknowledge
	}
	b.reserved = reserved
	b.grow(events, bytes)
	return b
}

// Send hands the records over and waits until all are durable. It returns
// ErrNotAcknowledged, joined with what went wrong, when one was refused or the
// time-out has passed. The batch must not be used any more.
func (b *Batch) Send() error {
	p := b.p
	if len(b.records) == 0 {
		b.Discard()
		return nil
	}
	start := time.Now()
	var err error
	if p.spool != nil {
		err = b.sendOrSpool(start)
	} else {
		err = b.sendDirect(start)
	}
	now := time.Now()
	if err != nil {
		reason := err.Error()
		p.reason.Store(&reason)
		p.missed.Store(now.UnixNano())
		return errors.Join(ErrNotAcknowledged, err)
	}
	p.acked.Store(now.UnixNano())
	p.acks.Observe(now.Sub(start).Seconds())
	return nil
}

func (b *Batch) sendDirect(start time.Time) error {
	b.hand(len(b.records), start)
	defer b.release()
	if !b.await(b.p.cfg.AckTimeout) {
		return errors.New("no acknowledgement from Kafka within " + b.p.cfg.AckTimeout.String())
	}
	if failure := b.failure.Load(); failure != nil {
		return errors.New(*failure)
	}
	return nil
}

// hand gives so many records to the client, which holds the batch from now on.
func (b *Batch) hand(records int, now time.Time) {
	b.pending.Store(int32(records))
	b.failure.Store(nil)
	b.owners.Store(2)
	b.p.group.send(b, now)
}

// await reports whether the client has said what became of all of them in time.
func (b *Batch) await(limit time.Duration) bool {
	b.timer.Reset(limit)
	defer b.timer.Stop()
	select {
	case <-b.done:
		return true
	case <-b.timer.C:
		return false
	}
}

// Discard ends a batch that is not sent.
func (b *Batch) Discard() {
	b.owners.Store(1)
	b.release()
}

// acknowledge is called by the client once for each record, in any order and
// before or after Send has stopped waiting.
func (b *Batch) acknowledge(r *kgo.Record, err error) {
	learn(r, err)
	if err != nil {
		text := "write to Kafka: " + err.Error()
		b.failure.Store(&text)
	}
	if b.pending.Add(-1) == 0 {
		b.p.group.landed()
		b.done <- struct{}{}
		b.release()
	}
}

// release gives up one of the two holds on the batch, Send's and the client's.
// The memory of records is the client's until it has called back for each of
// them, so a batch is used again only after both.
func (b *Batch) release() {
	if b.owners.Add(-1) > 0 {
		return
	}
	select {
	case <-b.done: // nobody waited for it
	default:
	}
	b.p.budget.Release(b.reserved)
	if b.reset() {
		b.p.pool.Put(b)
	}
}
