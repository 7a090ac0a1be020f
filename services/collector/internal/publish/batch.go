package publish

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/collector/internal/receipt"
)

// recordOverhead is what a record costs besides its own bytes: the client's
// structures around it, two headers and their values (about 300 bytes together).
const recordOverhead = 320

// keepBytes and keepRecords bound what a batch keeps for its next use.
const (
	keepBytes   = 512 << 10
	keepRecords = 1024
)

// Batch is the records of one request. It belongs to one goroutine.
type Batch struct {
	p        *Publisher
	reserved int

	// slab holds all keys, values and header values; the records alias it.
	slab    []byte
	records []kgo.Record
	headers []kgo.RecordHeader

	// The following are for the spool: what became of each record, and which of
	// them it has taken, nil while it has none.
	fates []fate
	taken []bool

	owners  atomic.Int32
	pending atomic.Int32
	failure atomic.Pointer[string]
	done    chan struct{}
	timer   *time.Timer
	onAck   func(*kgo.Record, error)
}

// Event is one event of a request; its slices are copied.
type Event struct {
	Project string
	// ReceivedAt is in milliseconds since 1970 UTC.
	ReceivedAt int64
	// Envelope is the wire form of an event.Raw with what all events of the
	// request share, Item one with what is this event's own. The wire form of
	// both together is the first followed by the second.
	Envelope []byte
	Item     event.Raw
	// The ids as the SDK wrote them; nil for none.
	MessageID, AnonymousID, UserID []byte
}

// ItemBytes bounds what Add needs for an event besides its project, envelope,
// ids and bytes: two ids in headers (32), the separator of a key and an id in it
// where the event has none (3 + 16), tags and lengths of the item's five fields
// (at most 11 each), a reason (24) and a message (96).
const ItemBytes = 32 + 19 + 55 + 24 + 96

func (b *Batch) grow(events, bytes int) {
	b.slab = slices.Grow(b.slab[:0], bytes)
	b.records = slices.Grow(b.records[:0], events)
	b.headers = slices.Grow(b.headers[:0], 2*events)
	b.taken = b.taken[:0]
}

// Add appends the record of one event. Everything in it that decides where it
// goes and what it is a retry of comes from bytes of the event. It returns the
// message hash, nil where there is no message id; it is the batch's.
func (b *Batch) Add(e *Event) []byte {
	rid := b.put(receipt.New(e.ReceivedAt))
	first := len(b.headers)
	b.headers = append(b.headers, kgo.RecordHeader{Key: topics.RID, Value: rid})
	var mid []byte
	if len(e.MessageID) > 0 {
		mid = b.put(ids.MessageHash(e.Project, e.MessageID))
		b.headers = append(b.headers, kgo.RecordHeader{Key: topics.MID, Value: mid})
	}
	start := len(b.slab)
	b.slab = event.Key(b.slab, e.Project, e.AnonymousID, e.UserID, mid, rid)
	keyed := len(b.slab)
	b.slab = e.Item.Append(append(b.slab, e.Envelope...))
	b.records = append(b.records, kgo.Record{
		Topic:   b.p.cfg.Topic,
		Key:     b.slab[start:keyed:keyed],
		Value:   b.slab[keyed:len(b.slab):len(b.slab)],
		Headers: b.headers[first:len(b.headers):len(b.headers)],
	})
	return mid
}

func (b *Batch) put(id [16]byte) []byte {
	n := len(b.slab)
	b.slab = append(b.slab, id[:]...)
	return b.slab[n:len(b.slab):len(b.slab)]
}

// reset lets go of what the records refer to and reports whether the batch is
// small enough to keep.
func (b *Batch) reset() bool {
	clear(b.records)
	clear(b.headers)
	b.reserved = 0
	return cap(b.slab) <= keepBytes && cap(b.records) <= keepRecords
}
