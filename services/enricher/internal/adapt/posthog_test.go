package adapt_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

func FuzzPosthog(f *testing.F) { fuzzAdapter(f, "posthog", "testdata/posthog_person.txt") }

func FuzzPosthogFields(f *testing.F) { fuzzAdapter(f, "posthog", "testdata/posthog_fields.txt") }

func FuzzPosthogRecorded(f *testing.F) { fuzzAdapter(f, "posthog", "testdata/posthog_recorded.txt") }

func TestPosthogLosesNothing(t *testing.T) {
	elsewhere := []string{
		"api_key", "token", "$token", "timestamp", "sent_at", "$time", "offset", "$insert_id", "messageId", "uuid", // keys, times, ids of rows
		"$session_id", "session_id", // hashed
		"event", "distinct_id", "distinct_id2", "properties", "$ip", "$os", "$device_type", "revenue", "currency", // said in another way
	}
	var all []byte
	for i, name := range []string{"recorded", "fields", "person"} {
		data, err := os.ReadFile("testdata/posthog_" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 { // behind the first file's cases
			_, data, _ = bytes.Cut(data, []byte("\n\n"))
		}
		all = append(append(all, data...), '\n')
	}
	file := filepath.Join(t.TempDir(), "all.txt")
	if err := os.WriteFile(file, all, 0o600); err != nil {
		t.Fatal(err)
	}
	checkNothingLost(t, file, elsewhere...)
}

func BenchmarkPosthog(b *testing.B) { benchmarkAdapter(b, "testdata/posthog_recorded.txt") }

// The adapter finds the same device or user as the collector, whose dialect reads
// the same file.
func TestPosthogKeys(t *testing.T) {
	data, err := os.ReadFile("../../../../schemas/testdata/posthog_keys.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline.New(1, []pipeline.Step{newStep(t)})
	var out event.Enriched
	n := 0
	for line := range bytes.Lines(data) {
		var c struct {
			Key   string
			Event json.RawMessage
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		e := pipeline.Event{Raw: &event.Raw{Project: "shop", Protocol: "posthog", Endpoint: "capture", Event: c.Event}, Project: newProject(t), Receipt: [16]byte{7}}
		p.Run(&e, &out)
		got := "u/" + out.Touchpoint.UserID
		if out.Touchpoint.AnonymousID != "" {
			got = "d/" + out.Touchpoint.AnonymousID
		}
		if out.Outcome != event.Stored || got != c.Key {
			t.Errorf("%s: %s %s, want %s", c.Event, out.Outcome, got, c.Key)
		}
		n++
	}
	if n < 40 {
		t.Errorf("only %d events", n)
	}
}
