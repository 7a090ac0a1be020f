package adapt_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/enricher/internal/adapt"
	"touchline.dev/services/enricher/internal/pipeline"
)

// visitRecordings are the recorded SDKs of the protocols that may give no ids.
var visitRecordings = map[string]string{"matomo": "matomo", "plausible": "plausible", "umami": "umami-script"}

// recordedVisits returns the events of a protocol's recording.
func recordedVisits(t testing.TB, protocol string) (events []string) {
	files, err := filepath.Glob("../../../../schemas/testdata/sdk/" + visitRecordings[protocol] + "/*/*-POST_*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings of %s: %v", protocol, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r struct{ Target, Body string }
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(err)
		}
		var bulk struct{ Requests []string }
		_, query, _ := strings.Cut(r.Target, "?")
		switch {
		case protocol == "matomo" && json.Unmarshal([]byte(r.Body), &bulk) == nil:
			events = append(events, bulk.Requests...)
		case protocol == "matomo":
			events = append(events, query+r.Body)
		default:
			events = append(events, r.Body)
		}
	}
	return events
}

var hostileHits = []string{
	"", "?", "&", "=", "=&=", "idsite", "idsite=", "idsite=1&idsite", "idsite=1&%=%&%2=%2&+=+", "idsite=\x00%00&_id=%00",
	"idsite=1&uadata=%7B%22platform%22%3A" + strings.Repeat("%5B", 3000), "idsite=1&cvar=" + strings.Repeat("%7B%22a%22%3A", 3000),
	"idsite=1&ec_items=%5B1%2C%5D&idgoal=0", "idsite=1&idgoal=" + strings.Repeat("9", 300), "idsite=1&idgoal=+",
	"idsite=1&e_c=+&e_a=+", "idsite=1&e_a=x&e_v=1e999", "idsite=1&e_a=x&e_v=-", "idsite=1&search=%ff&search_count=01",
	"idsite=" + strings.Repeat("1", 5000), "idsite=1&url=" + strings.Repeat("%25", 20000), "idsite=1&" + strings.Repeat("a=b&", 20000),
	"idsite=1&action_name=" + strings.Repeat("é", 3000), "idsite=1&cip=::1%25eth0&ua=" + strings.Repeat("x", 5000) + "&lang=" + strings.Repeat(",", 200),
	"idsite=1&url=%3Fmtm_%3D1%26pk_source%3D%25ff%26piwik_medium%26_source%3Dx", "idsite=1&cdt=" + strings.Repeat("9", 400),
}

// runVisit runs an event of a protocol and checks what must be true of every
// result.
func runVisit(t *testing.T, p *pipeline.Pipeline, project *projects.Project, protocol string, text []byte) {
	var out event.Enriched
	e := pipeline.Event{
		Raw:     &event.Raw{Project: "shop", Protocol: protocol, Endpoint: "event", Event: bytes.Clone(text), ClientIP: "203.0.113.7", UserAgent: "\xffagent"},
		Project: project, Receipt: [16]byte{7},
	}
	p.Run(&e, &out)
	checkResult(t, &out)
	if !bytes.Equal(e.Raw.Event, text) {
		t.Error("the input was changed")
	}
	if out.Outcome == event.Rejected && out.Reason == event.MissingIdentity {
		t.Error("a visitor without ids is refused")
	}
}

func TestHostileVisits(t *testing.T) {
	p, project := pipeline.New(1, []pipeline.Step{newStep(t)}), newProject(t)
	for protocol := range visitRecordings {
		for _, text := range append(hostile[:len(hostile):len(hostile)], hostileHits...) {
			if runVisit(t, p, project, protocol, []byte(text)); t.Failed() {
				t.Fatalf("%s: %.300q", protocol, text)
			}
		}
	}
}

func FuzzVisits(f *testing.F) {
	protocols := []string{"matomo", "plausible", "umami"}
	for i, protocol := range protocols {
		for _, text := range recordedVisits(f, protocol) {
			f.Add(byte(i), []byte(text))
		}
	}
	for _, text := range hostileHits {
		if len(text) < 4096 {
			f.Add(byte(0), []byte(text))
		}
	}
	f.Add(byte(1), []byte(`{"n":"x","d":"y","p":"{\"a\":\"\\ud800\"}","$":"{\"amount\":1}"}`))
	f.Add(byte(2), []byte(`{"type":"performance","payload":{"website":"w","lcp":1,"l\u0063p":2,"data":"{}"}}`))
	p, project := pipeline.New(1, []pipeline.Step{newStep(f)}), newProject(f)
	f.Fuzz(func(t *testing.T, which byte, text []byte) {
		runVisit(t, p, project, protocols[int(which)%len(protocols)], text)
	})
}

// A visitor without ids is the same person for a day of the project, on one site,
// at one address, with one browser; and another as soon as one of them changes.
func TestVisitor(t *testing.T) {
	p := pipeline.New(1, []pipeline.Step{newStep(t)})
	set, err := projects.Parse([]byte("projects: [{id: shop, write_keys: [k1], time_zone: Europe/Berlin}, {id: spare, write_keys: [k2]}]"))
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) int64 {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at.UnixMilli()
	}
	visit := func(change func(e *pipeline.Event)) *event.Touchpoint {
		e := pipeline.Event{
			Raw: &event.Raw{
				Project: "shop", Protocol: "plausible", ReceivedAt: at("2026-03-10T10:00:00Z"), ClientIP: "203.0.113.7", UserAgent: "A/1",
				Event: []byte(`{"n":"pageview","d":"shop.example"}`),
			},
			Project: set.All()[0], Receipt: [16]byte{7},
		}
		change(&e)
		out := new(event.Enriched)
		if p.Run(&e, out); out.Outcome != event.Stored || out.Touchpoint.AnonymousID == "" {
			t.Fatalf("%+v", out.Rejection)
		}
		return &out.Touchpoint
	}
	first := visit(func(*pipeline.Event) {})
	for name, change := range map[string]func(e *pipeline.Event){
		"a moment later":             func(e *pipeline.Event) { e.Raw.ReceivedAt++; e.Receipt[0]++ },
		"before midnight in Berlin":  func(e *pipeline.Event) { e.Raw.ReceivedAt = at("2026-03-10T22:59:59Z") },
		"after midnight in Berlin":   func(e *pipeline.Event) { e.Raw.ReceivedAt = at("2026-03-09T23:00:00Z") },
		"an address written as IPv6": func(e *pipeline.Event) { e.Raw.ClientIP = "::ffff:203.0.113.7" },
		"another page":               func(e *pipeline.Event) { e.Raw.Event = []byte(`{"n":"Buy","d":"shop.example","u":"x"}`) },
	} {
		if again := visit(change); again.AnonymousID != first.AnonymousID || again.PersonID != first.PersonID {
			t.Errorf("%s: another visitor", name)
		}
	}
	for name, change := range map[string]func(e *pipeline.Event){
		"the next day":           func(e *pipeline.Event) { e.Raw.ReceivedAt = at("2026-03-10T23:00:00Z") },
		"the day before":         func(e *pipeline.Event) { e.Raw.ReceivedAt = at("2026-03-09T22:59:59Z") },
		"another address":        func(e *pipeline.Event) { e.Raw.ClientIP = "203.0.113.8" },
		"another browser":        func(e *pipeline.Event) { e.Raw.UserAgent = "A/2" },
		"another site":           func(e *pipeline.Event) { e.Raw.Event = []byte(`{"n":"pageview","d":"blog.example"}`) },
		"another project":        func(e *pipeline.Event) { e.Raw.Project, e.Project = "spare", set.All()[1] },
		"no address":             func(e *pipeline.Event) { e.Raw.ClientIP = "" },
		"no address once more":   func(e *pipeline.Event) { e.Raw.ClientIP, e.Receipt = "", [16]byte{8} },
		"a space that has moved": func(e *pipeline.Event) { e.Raw.UserAgent = " A/1" },
	} {
		if again := visit(change); again.AnonymousID == first.AnonymousID || again.PersonID == first.PersonID {
			t.Errorf("%s: the same visitor", name)
		}
	}
	one, two := func(e *pipeline.Event) { e.Raw.ClientIP = "" }, func(e *pipeline.Event) { e.Raw.ClientIP, e.Receipt = "", [16]byte{8} }
	if visit(one).PersonID == visit(two).PersonID {
		t.Error("all whose address is not kept are one person")
	}
	other, err := ids.ParseSecret(strings.Repeat("5a", 16))
	if err != nil {
		t.Fatal(err)
	}
	p = pipeline.New(1, []pipeline.Step{adapt.Step(other, adapt.All())})
	if visit(func(*pipeline.Event) {}).AnonymousID == first.AnonymousID {
		t.Error("the id does not depend on the secret")
	}
}

func BenchmarkVisits(b *testing.B) {
	step, project := newStep(b), newProject(b)
	for protocol := range visitRecordings {
		b.Run(protocol, func(b *testing.B) {
			var raws []event.Raw
			for _, text := range recordedVisits(b, protocol) {
				raws = append(raws, event.Raw{Project: "shop", Protocol: protocol, Event: []byte(text), ClientIP: "203.0.113.7", UserAgent: "Mozilla/5.0", ReceivedAt: 1795290375973})
			}
			p := pipeline.New(1, []pipeline.Step{step})
			e := pipeline.Event{Project: project, Receipt: [16]byte{7}}
			var out event.Enriched
			size := 0
			for i := range raws {
				size += len(raws[i].Event)
			}
			b.SetBytes(int64(size / len(raws)))
			b.ReportAllocs()
			from, n := cpu(b), 0
			for b.Loop() {
				e.Raw = &raws[n%len(raws)]
				if p.Run(&e, &out); out.Outcome != event.Stored {
					b.Fatalf("%+v", out.Rejection)
				}
				n++
			}
			b.ReportMetric(float64(cpu(b)-from)/float64(n), "cpu-ns/event")
		})
	}
}

// cpu returns the CPU time that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
