package publish

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/budget"
)

// BenchmarkEnvelope makes the records of a recorded batch, as many times over as
// fill 50 events, out of its sliced events: ids, keys, headers and values.
func BenchmarkEnvelope(b *testing.B) {
	const size = 50
	text, err := os.ReadFile(filepath.FromSlash("../../../../schemas/testdata/sdk/segment-node/default/001-POST_v1_batch.json"))
	if err != nil {
		b.Fatal(err)
	}
	var recorded struct{ Body string }
	if err := json.Unmarshal(text, &recorded); err != nil {
		b.Fatal(err)
	}
	var body struct{ Batch []json.RawMessage }
	if err := json.Unmarshal([]byte(recorded.Body), &body); err != nil {
		b.Fatal(err)
	}
	p := New(Config{Topic: "t"}, nil, budget.New(1<<30), prometheus.NewHistogram(prometheus.HistogramOpts{Name: "acks"}), nil)
	shared := event.Raw{
		Project: "shop", Protocol: "segment", Endpoint: "batch", ReceivedAt: 1795290315405, SentAt: "2026-11-21T19:45:15.415Z",
		ClientIP: "203.0.113.7", UserAgent: "node-fetch/1.0",
	}
	envelope := shared.Append(nil)
	events, bytes := make([]Event, size), 0
	for i := range events {
		bytes += len(envelope) + len(body.Batch[i%len(body.Batch)]) + ItemBytes + 64
		events[i] = Event{
			Project: "shop", ReceivedAt: shared.ReceivedAt, Envelope: envelope,
			Item:        event.Raw{Index: uint32(i), Event: body.Batch[i%len(body.Batch)]},
			MessageID:   []byte("node-next-1795290315405-d252bf73-e32f-4668-b3aa-" + strconv.Itoa(i)),
			AnonymousID: []byte("anon-" + strconv.Itoa(i)),
		}
	}
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		batch := p.Batch(size, bytes)
		for i := range events {
			batch.Add(&events[i])
		}
		batch.Discard()
	}
	b.ReportMetric((cpu(b)-before)/float64(b.N)/size, "cpu-ns/event")
}

// cpu is the user and system time of the process so far, in nanoseconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}
