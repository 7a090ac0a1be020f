package enrichment_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/enricher/internal/enrichment"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/useragent"
)

// recordings holds real requests of SDKs, and what they must become.
const recordings = "../../../../schemas/testdata/sdk"

// agents is shared: compiling the expressions takes longer than any test, and the
// parser has no state that one could spoil.
var agents = sync.OnceValues(func() (*useragent.Parser, error) { return useragent.New(useragent.Default()) })

func newPipeline(t testing.TB) *pipeline.Pipeline {
	t.Helper()
	secret, err := ids.ParseSecret("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		t.Fatal(err)
	}
	agents, err := agents()
	if err != nil {
		t.Fatal(err)
	}
	dedup := pipeline.Step{Name: "dedup", Run: func(*pipeline.Event) pipeline.Verdict { return pipeline.Verdict{} }}
	return pipeline.New(enrichment.Version, enrichment.Steps(enrichment.Deps{Secret: secret, Agents: agents}, dedup))
}

func parseProjects(t testing.TB, text string) *projects.Set {
	t.Helper()
	set, err := projects.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func project(t testing.TB, text string) *projects.Project {
	t.Helper()
	return parseProjects(t, text).All()[0]
}

func TestRecordings(t *testing.T) {
	p := newPipeline(t)
	keys := parseProjects(t, "projects: [{id: shop, write_keys: [wk_test]}]")
	events, asserted := 0, 0
	for _, sdk := range []string{"segment-node", "segment-next", "segment-go", "segment-legacy-node", "segment-http"} {
		var m manifest
		readJSON(t, filepath.Join(recordings, sdk, "manifest.json"), &m)
		for _, scenario := range m.Scenarios {
			requests := map[string][]event.Raw{}
			total := 0
			for file, kind := range scenario.Files {
				if kind != "events:segment" {
					continue
				}
				var r recorded
				readJSON(t, filepath.Join(recordings, sdk, scenario.Name, file), &r)
				requests[file] = r.split(t)
				total += len(requests[file])
			}
			if total != len(scenario.Expected) {
				t.Errorf("%s/%s: %d events in the requests, %d expected", sdk, scenario.Name, total, len(scenario.Expected))
			}
			for _, want := range scenario.Expected {
				want := expected(want)
				var index int
				if err := json.Unmarshal(want["index"], &index); err != nil {
					t.Fatal(err)
				}
				file := want.text(t, "from")
				t.Run(fmt.Sprintf("%s/%s/%s/%d", sdk, scenario.Name, file, index), func(t *testing.T) {
					raw := requests[file][index]
					grant, ok := keys.Key([]byte(want.text(t, "write_key")), raw.Protocol)
					if !ok {
						t.Fatal("the write key opens no project")
					}
					asserted += check(t, p, grant.Project, &raw, want)
				})
				events++
			}
		}
	}
	if events != 8+7*2+8+7+7+9 || asserted < 3*events {
		t.Errorf("compared %d events, %d asserted fields", events, asserted)
	}
}

// check runs an event with two clocks and compares every member of want; it
// returns how many of them are asserted.
func check(t *testing.T, p *pipeline.Pipeline, project *projects.Project, raw *event.Raw, want expected) int {
	received := time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)
	sent := want.text(t, "sent_at")
	if sent != "" {
		received = parseTime(t, sent).Add(300 * time.Millisecond)
	}
	original := received
	if text := want.text(t, "timestamp"); text != "" {
		original = parseTime(t, text)
	}
	var e pipeline.Event
	for _, late := range []time.Duration{0, 2 * time.Second} {
		raw.ReceivedAt = received.Add(late).UnixMilli()
		e.Raw, e.Project, e.Receipt = raw, project, [16]byte{15: 7}
		var out event.Enriched
		p.Run(&e, &out)
		if out.Outcome != event.Stored {
			t.Fatalf("%s: %s %+v", out.Outcome, out.Reason, out.Rejection)
		}
		compare(t, &out.Touchpoint, raw, want)
		at := original
		switch {
		case want.text(t, "timestamp") == "":
			at = received.Add(late)
		case sent != "" && late > 0:
			at = original.Add(300*time.Millisecond + late)
		}
		if got := time.UnixMilli(out.Touchpoint.EventTime); !got.Equal(at) {
			t.Errorf("event time %s, want %s (%s)", got.UTC(), at, out.Touchpoint.TimeSource)
		}
		roundTrip(t, &out)
	}
	var asserted []string
	if err := json.Unmarshal(want["asserted"], &asserted); err != nil {
		t.Fatal(err)
	}
	for _, field := range asserted {
		if !slices.Contains(compared, field) {
			t.Errorf("asserted field %s is not compared", field)
		}
	}
	return len(asserted)
}

func parseTime(t *testing.T, text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// compared are the members that compare and check look at; a manifest with
// another one fails.
var compared = []string{
	"type", "event", "name", "anonymous_id", "user_id", "previous_id", "group_id", "message_id", "protocol", "url", "title",
	"referrer", "locale", "timezone", "ip", "user_agent", "timestamp", "sent_at", "utm", "library", "consent", "value",
	"currency", "properties", "traits", "write_key", "from", "index", "asserted",
}

func compare(t *testing.T, got *event.Touchpoint, raw *event.Raw, want expected) {
	for field := range want {
		if !slices.Contains(compared, field) {
			t.Errorf("member %s of the manifest is not compared", field)
		}
	}
	messageID := got.MessageID
	if messageID == "" && got.EventID != [16]byte{15: 7} {
		messageID = uuid.UUID(got.EventID).String()
	}
	eventName := got.Event
	if got.Type != "track" {
		eventName = ""
	}
	// A field that the manifest does not have must be empty, except for those
	// that also come from the envelope or the context of the request.
	for _, f := range []struct {
		field, got string
		optional   bool
	}{
		{"type", got.Type, false},
		{"event", eventName, false},
		{"name", got.Name, false},
		{"anonymous_id", got.AnonymousID, false},
		{"user_id", got.UserID, false},
		{"previous_id", got.PreviousID, false},
		{"group_id", got.GroupID, false},
		{"message_id", messageID, false},
		{"protocol", got.Protocol, false},
		{"url", got.URL, false},
		{"title", got.PageTitle, false},
		{"referrer", got.Referrer, false},
		{"locale", got.Locale, false},
		{"timezone", got.Timezone, false},
		{"currency", got.Currency, false},
		{"ip", got.IP, true},
		{"user_agent", got.UserAgent, true},
	} {
		if want := want.text(t, f.field); f.got != want && (want != "" || !f.optional) {
			t.Errorf("%s = %q, want %q", f.field, f.got, want)
		}
	}
	compareTime(t, "timestamp", got.OriginalTimestamp, got.HasOriginalTimestamp, want)
	compareTime(t, "sent_at", got.SentAt, got.HasSentAt, want)
	compareObjects(t, got, raw, want)
}

func compareTime(t *testing.T, field string, ms int64, has bool, want expected) {
	text := want.text(t, field)
	if has != (text != "") {
		t.Errorf("%s given: %v, want %v", field, has, text != "")
	} else if has && ms != parseTime(t, text).UnixMilli() {
		t.Errorf("%s = %s, want %s", field, time.UnixMilli(ms).UTC(), text)
	}
}

func compareObjects(t *testing.T, got *event.Touchpoint, raw *event.Raw, want expected) {
	utm := map[string]string{}
	for name, value := range map[string]string{
		"source": got.UTMSource, "medium": got.UTMMedium, "campaign": got.UTMCampaign,
		"content": got.UTMContent, "term": got.UTMTerm, got.ClickIDName: got.ClickID,
	} {
		if value != "" {
			utm[name] = value
		}
	}
	wantUTM := map[string]string{}
	member(t, want, "utm", &wantUTM)
	if !reflect.DeepEqual(utm, wantUTM) {
		t.Errorf("utm = %v, want %v", utm, wantUTM)
	}
	var library struct{ Name, Version string }
	if member(t, want, "library", &library) && (got.Library != library.Name || got.LibraryVersion != library.Version) {
		t.Errorf("library = %q %q, want %+v", got.Library, got.LibraryVersion, library)
	}
	var consent struct{ CategoryPreferences map[string]bool }
	member(t, want, "consent", &consent)
	var granted []string
	for purpose, yes := range consent.CategoryPreferences {
		if yes {
			granted = append(granted, purpose)
		}
	}
	slices.Sort(granted)
	if got.Consent != strings.Join(granted, ",") {
		t.Errorf("consent = %q, want %v", got.Consent, granted)
	}
	var value float64
	member(t, want, "value", &value)
	if e4 := int64(math.Round(value * 10000)); got.RevenueE4 != e4 {
		t.Errorf("revenue = %d, want %d", got.RevenueE4, e4)
	}
	var source map[string]json.RawMessage
	if err := json.Unmarshal(raw.Event, &source); err != nil {
		t.Fatal(err)
	}
	for field, text := range map[string][]byte{"properties": got.Properties, "traits": got.Traits} {
		if !bytes.Equal(text, source[field]) {
			t.Errorf("%s = %s, the SDK wrote %s", field, text, source[field])
		}
		// The manifests leave out members that are the empty string.
		if a, b := withoutEmpty(t, text), withoutEmpty(t, want[field]); !reflect.DeepEqual(a, b) {
			t.Errorf("%s = %v, want %v", field, a, b)
		}
	}
}

func member(t *testing.T, want expected, field string, into any) bool {
	raw, ok := want[field]
	if ok {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("%s: %v", field, err)
		}
	}
	return ok
}

func withoutEmpty(t *testing.T, text []byte) map[string]any {
	all := map[string]any{}
	if len(text) == 0 {
		return all
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

// roundTrip checks that the result survives its wire form.
func roundTrip(t *testing.T, out *event.Enriched) {
	t.Helper()
	wire := out.Append(nil)
	var back event.Enriched
	if err := back.Decode(wire); err != nil {
		t.Fatal(err)
	}
	if again := back.Append(nil); !bytes.Equal(wire, again) {
		t.Errorf("the wire form changes when it is read and written again")
	}
}
