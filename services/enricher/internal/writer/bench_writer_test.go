package writer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/enrichment"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/useragent"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// BenchmarkWriter turns b.N raw records in 4 partitions into the dense log, by the
// real steps over a real client and index: recorded events of a browser SDK, each
// with an id of its own, except that one of twenty repeats an earlier one. The CPU
// time is that of the process, so it includes the broker, which runs in it and
// keeps everything in memory. Fetching begins with the measurement.
func BenchmarkWriter(b *testing.B) {
	f := newFixture(b)
	f.producing = kafka.Producing{Linger: 2 * time.Millisecond, MaxBufferedBytes: 64 << 20, MaxBufferedRecords: 100_000, Manual: true}
	agents, err := useragent.New(useragent.Default())
	if err != nil {
		b.Fatal(err)
	}
	f.steps = func(dedup pipeline.Step, last ...pipeline.Step) []pipeline.Step {
		return enrichment.Steps(enrichment.Deps{Secret: secret(b), Agents: agents}, dedup, last...)
	}
	templates := recordedBatch(b)
	var recs []*kgo.Record
	for i := range b.N {
		// A repeat comes 400 records later, in the same partition.
		n := i
		if i%20 == 0 && i >= 400 {
			n = i - 399
		}
		p := int32(i % topics.EmbeddedPartitions)
		if n != i {
			p = int32(n % topics.EmbeddedPartitions)
		}
		raw := templates[n%len(templates)]
		id := fmt.Appendf(nil, "ajs-next-%032x", uint64(n)*0x9e3779b97f4a7c15)
		raw.Event = bytes.Replace(raw.Event, []byte("MESSAGE"), id, 1)
		mid := ids.MessageHash("shop", id)
		receipt, err := ids.NewReceipt()
		if err != nil {
			b.Fatal(err)
		}
		recs = append(recs, &kgo.Record{Topic: topics.Raw, Partition: p, Key: fmt.Appendf(nil, "shop/d/%d", n%1000), Value: raw.Append(nil),
			Headers: []kgo.RecordHeader{{Key: topics.RID, Value: receipt[:]}, {Key: topics.MID, Value: mid[:]}}})
		if len(recs) == 10_000 || i == b.N-1 {
			if err := f.client.ProduceSync(b.Context(), recs...).FirstErr(); err != nil {
				b.Fatal(err)
			}
			recs = recs[:0]
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	stop := f.run()
	adm := kadm.NewClient(f.client)
	for tenth := range 10 {
		want := int64(b.N) * int64(tenth+1) / 10
		kafkatest.Eventually(b, fmt.Sprint(want, " events committed"), func() bool {
			offsets, err := adm.FetchOffsets(b.Context(), topics.GroupEnricher)
			if err != nil {
				return false
			}
			var sum int64
			offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
			return sum >= want
		})
	}
	b.StopTimer()
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/event")
	if err := stop(); err != nil {
		b.Fatal(err)
	}
	if got := f.metric("touchline_enricher_events_total"); got != float64(b.N) {
		b.Errorf("%v events for %d records", got, b.N)
	}
}

// recordedBatch returns the events of a recorded request, with MESSAGE for the
// message id.
func recordedBatch(b *testing.B) (raws []event.Raw) {
	b.Helper()
	text, err := os.ReadFile(filepath.FromSlash("../../../../schemas/testdata/sdk/segment-next/batch/003-POST_v1_b.json"))
	if err != nil {
		b.Fatal(err)
	}
	var recorded struct{ Body string }
	if err := json.Unmarshal(text, &recorded); err != nil {
		b.Fatal(err)
	}
	var request struct {
		Batch  []json.RawMessage
		SentAt string
	}
	if err := json.Unmarshal([]byte(recorded.Body), &request); err != nil {
		b.Fatal(err)
	}
	for i, text := range request.Batch {
		var e struct{ MessageID string }
		if err := json.Unmarshal(text, &e); err != nil {
			b.Fatal(err)
		}
		raws = append(raws, event.Raw{
			Project: "shop", Protocol: "segment", Endpoint: "batch", SentAt: request.SentAt, Index: uint32(i), ReceivedAt: time.Now().UnixMilli(),
			ClientIP: "198.51.100.9", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
			Event: bytes.Replace(text, []byte(e.MessageID), []byte("MESSAGE"), 1),
		})
	}
	return raws
}
