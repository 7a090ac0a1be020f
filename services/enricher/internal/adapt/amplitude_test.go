package adapt_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

// goldenRecords returns the records of a golden file.
func goldenRecords(t testing.TB, file string) []*event.Raw {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "=== ")
	var all []*event.Raw
	for block := range strings.SplitSeq(rest, "\n=== ") {
		_, body, _ := strings.Cut(block, "\n")
		input, _, _ := strings.Cut(body, "\n----\n")
		all = append(all, envelope(t, strings.TrimRight(input, "\n")))
	}
	return all
}

// fuzzAdapter runs what the fuzzer makes of a protocol's golden events and holds
// every result against checkResult.
func fuzzAdapter(f *testing.F, protocol, file string) {
	for _, raw := range goldenRecords(f, file) {
		f.Add(raw.Event, raw.Endpoint, raw.SentAt)
	}
	for _, text := range hostile {
		if len(text) < 4096 {
			f.Add([]byte(text), "", "\xff")
		}
	}
	p := pipeline.New(1, []pipeline.Step{newStep(f)})
	project := newProject(f)
	f.Fuzz(func(t *testing.T, text []byte, endpoint, other string) {
		var out event.Enriched
		e := pipeline.Event{
			Raw: &event.Raw{
				Project: "shop", Protocol: protocol, Endpoint: endpoint, Event: bytes.Clone(text), SentAt: other, UserAgent: other, ClientIP: other,
			},
			Project: project, Receipt: [16]byte{7},
		}
		p.Run(&e, &out)
		checkResult(t, &out)
		if !bytes.Equal(e.Raw.Event, text) {
			t.Error("the input was changed")
		}
	})
}

func FuzzAmplitude(f *testing.F) { fuzzAdapter(f, "amplitude", "testdata/amplitude_events.txt") }

// checkNothingLost runs the golden events and wants every text and number of an
// event that is stored to be in the touchpoint, except for the members called
// elsewhere, which are times and ids that are hashed, and keys, which nobody keeps.
func checkNothingLost(t *testing.T, file string, elsewhere ...string) {
	p := pipeline.New(1, []pipeline.Step{newStep(t)})
	stored, leaves := 0, 0
	for _, raw := range goldenRecords(t, file) {
		e := pipeline.Event{Raw: raw, Project: newProject(t), Receipt: [16]byte{7}}
		var out event.Enriched
		p.Run(&e, &out)
		if out.Outcome != event.Stored || bytes.Contains(raw.Event, []byte(`"a":1},"event_properties"`)) || bytes.Contains(raw.Event, []byte(`"a":1},"properties"`)) {
			continue
		}
		stored++
		kept := everything(&out.Touchpoint)
		d := json.NewDecoder(bytes.NewReader(raw.Event))
		d.UseNumber()
		var value map[string]any
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		walk("", value, func(name, text string) {
			leaves++
			if slices.Contains(elsewhere, name) || strings.Contains(kept, strings.TrimPrefix(text, "$device:")) {
				return
			}
			t.Errorf("%s: %q of member %s is lost", raw.Event, text, name)
		})
	}
	if stored < 20 || leaves < 5*stored {
		t.Errorf("looked at %d events with %d leaves", stored, leaves)
	}
}

// everything returns all texts of a touchpoint, those of its objects unescaped.
func everything(p *event.Touchpoint) string {
	var b strings.Builder
	for _, field := range reflect.ValueOf(p).Elem().Fields() {
		switch x := field.Interface().(type) {
		case string:
			b.WriteString(x + "\n")
		case []byte:
			var value any
			d := json.NewDecoder(bytes.NewReader(x))
			d.UseNumber()
			if d.Decode(&value) == nil {
				walk("", value, func(_, text string) { b.WriteString(text + "\n") })
			}
		}
	}
	return b.String()
}

// walk calls leaf with each text and number and the name of the member that it is
// in, and with the names of members.
func walk(name string, value any, leaf func(name, text string)) {
	switch x := value.(type) {
	case string:
		leaf(name, x)
	case json.Number:
		leaf(name, x.String())
	case []any:
		for _, element := range x {
			walk(name, element, leaf)
		}
	case map[string]any:
		for inner, member := range x {
			walk(inner, member, leaf)
		}
	}
}

func TestAmplitudeLosesNothing(t *testing.T) {
	checkNothingLost(t, "testdata/amplitude_events.txt",
		"api_key", "time", "timestamp", "session_id", "insert_id", "uuid", "ip", "revenue", "currency", "library", "event_type", "device_id", "user_id")
}

func BenchmarkAmplitude(b *testing.B) { benchmarkAdapter(b, "testdata/amplitude_events.txt") }

// benchmarkAdapter runs the recorded events of a golden file, which are those
// that say when they were sent.
func benchmarkAdapter(b *testing.B, file string) {
	p := pipeline.New(1, []pipeline.Step{newStep(b)})
	project := newProject(b)
	records := slices.DeleteFunc(goldenRecords(b, file), func(raw *event.Raw) bool { return raw.SentAt == "" })
	size := 0
	for _, raw := range records {
		size += len(raw.Event)
	}
	var e pipeline.Event
	var out event.Enriched
	e.Project, e.Receipt = project, [16]byte{7}
	b.SetBytes(int64(size / len(records)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Raw = records[i%len(records)]
		p.Run(&e, &out)
	}
}
