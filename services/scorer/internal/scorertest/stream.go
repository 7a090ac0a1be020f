// Package scorertest makes dense logs for the tests of the scorer: the events of
// people with several devices, among duplicates, rejections and bots, written as
// an enricher writes them that is killed again and again. It is imported by tests
// only.
package scorertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/snapshot"
)

// Stream is the source of one partition of a dense log: what became of each raw
// record.
type Stream struct {
	Partition int32
	entries   []entry
	written   int
}

type entry struct {
	src int64
	key string
	out event.Enriched
}

// Start is the time of the first event, in milliseconds since 1970.
const Start = 1_770_000_000_000

// names are those of events; the first ones matter to the default rules.
var names = []string{"Demo Requested", "Signed Up", "Order Completed", "Product Viewed", "Product Reviewed", "Checkout Started", "Article Read", "Búcsú", "خرید"}

// Streams draws n events of so many persons in two projects. Each person has two
// devices and a server, which have keys, and so partitions, of their own.
func Streams(r *rand.Rand, partitions int32, n, persons int) []*Stream {
	streams := make([]*Stream, partitions)
	for i := range streams {
		streams[i] = &Stream{Partition: int32(i)}
	}
	byKey := snapshot.NewPartitioner(partitions)
	for i := range n {
		who := r.IntN(persons)
		project := []string{"shop", "blog"}[who%2]
		user := fmt.Sprintf("user-%d", who)
		key := fmt.Sprintf("%s/d/device-%d-%d", project, who, r.IntN(2))
		if r.IntN(4) == 0 {
			key = project + "/u/" + user
		}
		s := streams[byKey.Partition(key)]
		src := int64(r.IntN(3))
		if len(s.entries) > 0 {
			src = s.entries[len(s.entries)-1].src + 1 + int64(r.IntN(3)/2)
		}
		s.entries = append(s.entries, entry{src, key, enriched(r, i, project, who, user)})
	}
	return streams
}

func enriched(r *rand.Rand, i int, project string, who int, user string) event.Enriched {
	e := event.Enriched{Project: project, ReceivedAt: Start + int64(i)*1000, EnrichmentVersion: 1, Outcome: event.Stored}
	switch r.IntN(20) {
	case 0:
		e.Outcome, e.Reason = event.Duplicate, event.SameMessage
		return e
	case 1:
		e.Outcome, e.Reason = event.Rejected, event.MalformedJSON
		return e
	}
	at := Start + int64(i)*60_000 - r.Int64N(1e7)
	e.Touchpoint = event.Touchpoint{
		Type: "track", Event: names[r.IntN(len(names))], Channel: "web", PersonID: uint64(1000 + who), UserID: user,
		EventTime: at, Day: int32(at / 86_400_000), IsBot: r.IntN(15) == 0, UTMCampaign: fmt.Sprint("c", r.IntN(3)),
	}
	t := &e.Touchpoint
	switch {
	case t.Event == "Order Completed":
		t.RevenueE4, t.Currency = r.Int64N(1e7), "EUR"
	case r.IntN(6) == 0:
		t.Type, t.Event, t.URL = "page", "page_view", "https://shop.example/pricing"
	case r.IntN(8) == 0:
		t.Type, t.Event = "identify", "identify"
		t.Traits = fmt.Appendf(nil, `{"email":"p%d@firm%d.example","role":"CTO","name":"Õnne %d"}`, who, r.IntN(3), r.IntN(3))
	}
	return e
}

// Len returns the number of raw records.
func (s *Stream) Len() int { return len(s.entries) }

// Records returns the records of the dense log for entries [from, to). try counts
// the tries from 0: a later one comes to another result, which must not
// count where an earlier one was taken.
func (s *Stream) Records(from, to, try int) []*kgo.Record {
	var recs []*kgo.Record
	for i := from; i < to; i++ {
		e := s.entries[i]
		if try > 0 && e.out.Outcome == event.Stored {
			e.out.Touchpoint.Event = fmt.Sprintf("%s again %d", e.out.Touchpoint.Event, try)
		}
		pos := denselog.Position{Src: e.src, Prev: -1, Outcome: e.out.Outcome}
		if i > 0 {
			pos.Prev = s.entries[i-1].src
		}
		recs = append(recs, &kgo.Record{
			Topic: topics.Enriched, Partition: s.Partition, Key: []byte(e.key), Value: e.out.Append(nil), Headers: pos.Headers(),
		})
	}
	return recs
}

// Write goes on writing up to entry upTo, in pieces: some leave out their first
// records, and all begin again before what the last one wrote.
func (s *Stream) Write(ctx context.Context, r *rand.Rand, cl *kgo.Client, upTo int) error {
	for s.written < upTo {
		to := min(upTo, s.written+1+r.IntN(60))
		if hole := s.written + 1 + r.IntN(20); hole < to && r.IntN(3) == 0 {
			if err := cl.ProduceSync(ctx, s.Records(hole, to, 1)...).FirstErr(); err != nil {
				return err
			}
		}
		from := max(0, s.written-r.IntN(30))
		recs := append(s.Records(from, s.written, 2), s.Records(s.written, to, 0)...)
		if err := cl.ProduceSync(ctx, recs...).FirstErr(); err != nil {
			return err
		}
		s.written = to
	}
	return nil
}

// Visitor returns the snapshot of a typical web visitor: 30 events over a month.
func Visitor(t testing.TB, r *rand.Rand, person uint64, device string) *kgo.Record {
	t.Helper()
	folder, f := fragment.New(fragment.Watch{}), fragment.Empty("shop", person, device)
	at := int64(Start)
	for range 30 {
		at += r.Int64N(2 * 86_400_000)
		folder.Apply(f, &event.Touchpoint{
			Type: "track", UserID: "97980cfea0067", PersonID: person, EventTime: at, Day: int32(at / 86_400_000),
			Event:              []string{"page_view", "Product Viewed", "Product Added", "Checkout Started", "Order Completed", "Article Read", "Search", "identify"}[r.IntN(8)],
			AcquisitionChannel: "paid search", UTMCampaign: "spring sale 2026",
			Traits: []byte(`{"email":"peter.smith@firm.example","name":"Peter Smith","company":"Initech","role":"Head of Marketing"}`),
		}, at)
	}
	value, err := proto.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	key := snapshot.Key{Person: snapshot.PersonKey("shop", person), Epoch: 1, Device: device}
	return &kgo.Record{Key: key.Text(), Value: value}
}

// Heap returns what is in use on the heap after a collection.
func Heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Taken is an event that a reader of the dense log takes.
type Taken struct {
	Key string
	Src int64
	event.Enriched
}

// Log reads a partition of the dense log as every reader has to.
func Log(t testing.TB, c *kafkatest.Cluster, partition int32) []Taken {
	t.Helper()
	mark := denselog.NewMark(denselog.None)
	var taken []Taken
	for _, r := range c.ReadAll(t, topics.Enriched, partition) {
		pos, err := denselog.Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		if mark.Judge(pos, r.Timestamp) != denselog.Take {
			continue
		}
		var e event.Enriched
		if err := e.Decode(r.Value); err != nil {
			t.Fatal(err)
		}
		taken = append(taken, Taken{string(r.Key), pos.Src, e})
	}
	return taken
}
