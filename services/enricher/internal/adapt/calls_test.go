package adapt_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

func FuzzRudderStack(f *testing.F) { fuzzAdapter(f, "rudderstack", "testdata/rudderstack.txt") }

func FuzzJitsu(f *testing.F) { fuzzAdapter(f, "jitsu", "testdata/jitsu.txt") }

func FuzzCloudEvents(f *testing.F) { fuzzAdapter(f, "cloudevents", "testdata/cloudevents.txt") }

func FuzzTouchline(f *testing.F) { fuzzAdapter(f, "touchline", "testdata/touchline.txt") }

func FuzzTouchlinePixel(f *testing.F) { fuzzAdapter(f, "touchline", "testdata/queries.txt") }

func FuzzRudderStackPixel(f *testing.F) { fuzzAdapter(f, "rudderstack", "testdata/queries.txt") }

func FuzzWebhook(f *testing.F) { fuzzAdapter(f, "webhook", "testdata/webhook.txt") }

func FuzzWebhookForm(f *testing.F) { fuzzAdapter(f, "webhook", "testdata/queries.txt") }

func TestCallsLoseNothing(t *testing.T) {
	var all []byte
	for _, name := range []string{"rudderstack", "jitsu", "cloudevents", "touchline", "webhook"} {
		cases, err := os.ReadFile("testdata/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		_, cases, _ = bytes.Cut(cases, []byte("=== "))
		all = append(append(all, "=== "...), append(cases, '\n')...)
	}
	file := filepath.Join(t.TempDir(), "all.txt")
	if err := os.WriteFile(file, all, 0o600); err != nil {
		t.Fatal(err)
	}
	checkNothingLost(t, file, "timestamp", "originalTimestamp", "sentAt", "sent_at", "time", "messageId", "message_id", "id",
		"writeKey", "write_key", "sessionId", "session_id", "sessionid", "type", "consent", "value", "currency")
}

func BenchmarkSegment(b *testing.B)     { benchmarkStored(b, "segment_calls") }
func BenchmarkRudderStack(b *testing.B) { benchmarkStored(b, "rudderstack") }
func BenchmarkJitsu(b *testing.B)       { benchmarkStored(b, "jitsu") }
func BenchmarkCloudEvents(b *testing.B) { benchmarkStored(b, "cloudevents") }
func BenchmarkTouchline(b *testing.B)   { benchmarkStored(b, "touchline") }
func BenchmarkWebhook(b *testing.B)     { benchmarkStored(b, "webhook") }
func BenchmarkQueries(b *testing.B)     { benchmarkStored(b, "queries") }

// benchmarkStored runs the events of a golden file that are stored.
func benchmarkStored(b *testing.B, name string) {
	p := pipeline.New(1, []pipeline.Step{newStep(b)})
	e := pipeline.Event{Project: newProject(b), Receipt: [16]byte{7}}
	var out event.Enriched
	var records []*event.Raw
	size := 0
	for _, raw := range goldenRecords(b, "testdata/"+name+".txt") {
		e.Raw = raw
		if p.Run(&e, &out); out.Outcome == event.Stored {
			records, size = append(records, raw), size+len(raw.Event)
		}
	}
	b.SetBytes(int64(size / len(records)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Raw = records[i%len(records)]
		p.Run(&e, &out)
	}
}
