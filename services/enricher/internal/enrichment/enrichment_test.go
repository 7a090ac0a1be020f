package enrichment_test

import (
	"fmt"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/enrichment"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/useragent"
)

func TestStepsInOrder(t *testing.T) {
	agents, err := useragent.New(useragent.Default())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, step := range enrichment.Steps(enrichment.Deps{Agents: agents}, pipeline.Step{Name: "dedup"}, pipeline.Step{Name: "session"}) {
		names = append(names, step.Name)
	}
	if got, want := strings.Join(names, " "), "adapt time dedup user_agent kind channel campaign commerce session"; got != want {
		t.Errorf("steps %q, want %q", got, want)
	}
}

// browser is an event as the browser SDK sends it, most fields in use.
const browser = `{"timestamp":"2026-11-21T19:46:12.233Z","integrations":{"Segment.io":true},"event":"Order Completed","type":"track","properties":{"order_id":"o-1","revenue":129.9,"currency":"EUR"},"context":{"page":{"path":"/pricing","referrer":"https://www.google.com/","search":"?utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=abc123&x=p1","title":"Pricing","url":"http://www.shop.test/pricing?utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=abc123&x=p1"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36","userAgentData":{"brands":[{"brand":"Not:A-Brand","version":"8"},{"brand":"Chromium","version":"156"}],"mobile":false,"platform":"Linux"},"locale":"fr-FR","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"campaign":{"source":"google","medium":"cpc","name":"spring"},"timezone":"Europe/Paris"},"messageId":"ajs-next-1795290372233-6c8a39c8-1e9c-47b1-9b7d-a507f70f121d","userId":"user-42","anonymousId":"7c7b2291-d5a5-4c8a-b9c8-1e9c47b19b7d","writeKey":"wk_test","sentAt":"2026-11-21T19:46:12.245Z","_metadata":{"bundled":["Segment.io"],"unbundled":[],"bundledIds":[]}}`

// server is the middle-sized event of a server SDK.
const server = `{"timestamp":"2026-11-01T10:00:01.000Z","integrations":{},"event":"Signup Started","type":"track","properties":{"plan":"pro"},"context":{"page":{"url":"https://shop.example.com/pricing?utm_source=google&utm_medium=cpc","path":"/pricing","title":"Pricing","referrer":"https://www.google.com/"},"campaign":{"source":"google","medium":"cpc","name":"spring"},"ip":"203.0.113.7","userAgent":"Mozilla/5.0 (test)","locale":"fr-FR","timezone":"Europe/Paris","consent":{"categoryPreferences":{"Advertising":false,"Analytics":true}},"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"anonymousId":"anon-1","messageId":"msg-track-1","_metadata":{"nodeVersion":"v20.20.2","jsRuntime":"node"}}`

func newEvent(t testing.TB, text string) *pipeline.Event {
	return &pipeline.Event{
		Raw: &event.Raw{
			Project: "shop", Protocol: "segment", Endpoint: "batch", ReceivedAt: 1795290375973, SentAt: "2026-11-21T19:46:15.973Z",
			UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
			ClientIP:  "198.51.100.9", Event: []byte(text),
			Headers: []event.Header{{Name: "accept-language", Value: "fr-FR"}, {Name: "sec-ch-ua-mobile", Value: "?0"}, {Name: "sec-ch-ua-platform", Value: `"Linux"`}},
		},
		Receipt: [16]byte{15: 7},
		Project: project(t, "projects: [{id: shop, write_keys: [k], time_zone: Europe/Berlin}]"),
	}
}

// What everything after adapt takes from one real event.
func TestWholePipeline(t *testing.T) {
	p := newPipeline(t)
	var out event.Enriched
	p.Run(newEvent(t, browser), &out)
	tp := &out.Touchpoint
	got := fmt.Sprintln(out.Outcome, out.EnrichmentVersion, tp.DeviceType, tp.OS, tp.Browser, tp.BrowserVersion, tp.IsBot, tp.TimeSource, tp.EventTime, tp.Day, tp.Channel, tp.IP)
	// Sent 12.245, received 15.973: 3.728 s later than 12.233.
	want := fmt.Sprintln("stored", enrichment.Version, "desktop", "Linux", "Chrome", "156.0.0", false, "corrected", 1795290372233+3728, 20778, "web", "198.51.100.9")
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	secret, err := ids.ParseSecret("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		t.Fatal(err)
	}
	if tp.PersonID != secret.User("shop", "user-42") {
		t.Errorf("person %x", tp.PersonID)
	}
	if strings.Contains(string(out.Append(nil)), "wk_test") {
		t.Error("the write key is in the result")
	}
}

func TestAllocatesNothing(t *testing.T) {
	p := newPipeline(t)
	for _, text := range []string{browser, server, strings.Replace(server, "Signup", `Sign\u0075p`, 1)} {
		e := newEvent(t, text)
		var out event.Enriched
		p.Run(e, &out) // grows the buffers
		if out.Outcome != event.Stored {
			t.Fatal(out.Outcome, out.Rejection.Message)
		}
		if n := testing.AllocsPerRun(100, func() { p.Run(e, &out) }); n != 0 {
			t.Errorf("%v allocations for an event", n)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	for _, c := range []struct{ name, text string }{{"browser", browser}, {"server", server}} {
		b.Run(c.name, func(b *testing.B) {
			p, e := newPipeline(b), newEvent(b, c.text)
			var out event.Enriched
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				p.Run(e, &out)
			}
		})
	}
}
