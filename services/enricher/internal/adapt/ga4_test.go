package adapt_test

import (
	"bytes"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

// FuzzGA4 runs any event in any context through both protocols.
func FuzzGA4(f *testing.F) {
	for _, raw := range append(goldenRecords(f, "testdata/ga4_events.txt"), goldenRecords(f, "testdata/ga4_recorded.txt")...) {
		f.Add(raw.Event, raw.Context)
	}
	for _, text := range hostile {
		if len(text) < 4096 {
			f.Add([]byte(text), []byte(`{"client_id":"c"}`))
			f.Add([]byte(`{"name":"e"}`), []byte(text))
			f.Add([]byte("en=e&cid=c&ep.x="+text), []byte(text))
		}
	}
	p := pipeline.New(1, []pipeline.Step{newStep(f)})
	project := newProject(f)
	f.Fuzz(func(t *testing.T, text, context []byte) {
		for _, endpoint := range []string{"mp", "gtag"} {
			e := pipeline.Event{
				Raw:     &event.Raw{Project: "shop", Protocol: "ga4", Endpoint: endpoint, Event: bytes.Clone(text), Context: bytes.Clone(context)},
				Project: project, Receipt: [16]byte{7},
			}
			var out event.Enriched
			p.Run(&e, &out)
			checkResult(t, &out)
			if !bytes.Equal(e.Raw.Event, text) || !bytes.Equal(e.Raw.Context, context) {
				t.Error("the input was changed")
			}
		}
	})
}

func BenchmarkGA4(b *testing.B) {
	b.Run("mp", func(b *testing.B) { benchmarkRecorded(b, "testdata/ga4_recorded.txt", "mp") })
	b.Run("gtag", func(b *testing.B) { benchmarkRecorded(b, "testdata/ga4_recorded.txt", "gtag") })
}
