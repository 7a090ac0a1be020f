package adapt_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

func FuzzSnowplow(f *testing.F) { fuzzAdapter(f, "snowplow", "testdata/snowplow_events.txt") }

func FuzzSnowplowRecorded(f *testing.F) { fuzzAdapter(f, "snowplow", "testdata/snowplow_recorded.txt") }

// FuzzSnowplowDocument puts any text in the places of an event that hold JSON of
// their own.
func FuzzSnowplowDocument(f *testing.F) {
	for _, text := range hostile {
		if len(text) < 4096 {
			f.Add(text, "n")
		}
	}
	f.Add(`{"schema":"s","data":[{"schema":"iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2","data":{"userId":"d","sessionId":1}},1,[],{"schema":1}]}`, "")
	f.Add(`{"schema":"s","data":{"schema":"iglu:com.acme/screen_view/jsonschema/1-0-0","data":{"name":"\ud800","revenue":1e99}}}`, "\xff")
	p := pipeline.New(1, []pipeline.Step{newStep(f)})
	project := newProject(f)
	f.Fuzz(func(t *testing.T, text, network string) {
		document, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		packed := base64.RawURLEncoding.EncodeToString([]byte(text))
		for _, input := range []string{
			`{"e":"ue","duid":"d","ue_pr":` + string(document) + `,"co":` + string(document) + `}`,
			`{"e":"ue","co":` + string(document) + `,"ue_px":"` + packed + `","cx":"` + packed + `"}`,
			`e=pv&co=` + strings.NewReplacer("&", "%26", "+", "%2B", "%", "%25").Replace(string(document)) + `&cx=` + packed,
		} {
			e := pipeline.Event{
				Raw: &event.Raw{
					Project: "shop", Protocol: "snowplow", Endpoint: "i", Event: []byte(input),
					Headers: []event.Header{{Name: "network-userid", Value: network}},
				},
				Project: project, Receipt: [16]byte{7},
			}
			var out event.Enriched
			p.Run(&e, &out)
			checkResult(t, &out)
			if string(e.Raw.Event) != input {
				t.Error("the input was changed")
			}
		}
	})
}

// TestTrackersLoseNothing wants every text and number of the recorded events to be
// in the touchpoint, in the documents too, except for keys, times and ids that are
// hashed.
func TestTrackersLoseNothing(t *testing.T) {
	p := pipeline.New(1, []pipeline.Step{newStep(t)})
	elsewhere := []string{"aid", "tid", "e", "eid", "ttm", "dtm", "stm", "timestamp_micros", "tv", "p", "tr_tt", "schema", "pr1"}
	leaves := 0
	for _, file := range []string{"snowplow", "ga4"} {
		for _, raw := range goldenRecords(t, "testdata/"+file+"_recorded.txt") {
			e := pipeline.Event{Raw: raw, Project: newProject(t), Receipt: [16]byte{7}}
			var out event.Enriched
			p.Run(&e, &out)
			kept := everything(&out.Touchpoint)
			leaf := func(name, text string) {
				if leaves++; !slices.Contains(elsewhere, name) && !strings.Contains(kept, text) {
					t.Errorf("%s: %q of %s is lost", raw.Event, text, name)
				}
			}
			for _, text := range [][]byte{raw.Event, raw.Context} {
				for name, value := range fieldsOf(t, text) {
					document := value
					if name == "cx" || name == "ue_px" {
						unpacked, err := base64.RawURLEncoding.DecodeString(value)
						if err != nil {
							t.Fatal(err)
						}
						document = string(unpacked)
					}
					var inner any
					d := json.NewDecoder(strings.NewReader(document))
					d.UseNumber()
					if strings.HasPrefix(document, "{") && d.Decode(&inner) == nil {
						walk(name, inner, leaf)
					} else {
						leaf(name, value)
					}
				}
			}
		}
	}
	if leaves < 500 {
		t.Errorf("looked at %d leaves", leaves)
	}
}

// fieldsOf returns the members of an object, or the parameters of a query.
func fieldsOf(t *testing.T, text []byte) map[string]string {
	all := map[string]string{}
	if len(text) > 0 && text[0] == '{' {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		for name, value := range members {
			var s string
			if json.Unmarshal(value, &s) != nil {
				s = string(value)
			}
			all[name] = s
		}
		return all
	}
	query, err := url.ParseQuery(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for name := range query {
		all[name] = query.Get(name)
	}
	return all
}

func BenchmarkSnowplow(b *testing.B) { benchmarkRecorded(b, "testdata/snowplow_recorded.txt", "") }

// benchmarkRecorded runs the events of a golden file whose endpoint is that, or
// all, one after another, and reports what one costs.
func benchmarkRecorded(b *testing.B, file, endpoint string) {
	p := pipeline.New(1, []pipeline.Step{newStep(b)})
	var records []*event.Raw
	size := 0
	for _, raw := range goldenRecords(b, file) {
		if endpoint == "" || raw.Endpoint == endpoint {
			records = append(records, raw)
			size += len(raw.Event)
		}
	}
	e := pipeline.Event{Project: newProject(b), Receipt: [16]byte{7}}
	var out event.Enriched
	b.SetBytes(int64(size / len(records)))
	b.ReportAllocs()
	before := cpu(b)
	for i := 0; b.Loop(); i++ {
		e.Raw = records[i%len(records)]
		p.Run(&e, &out)
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/event")
}
