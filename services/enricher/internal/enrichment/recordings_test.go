package enrichment_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
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
	idle := func(*pipeline.Event) pipeline.Verdict { return pipeline.Verdict{} }
	dedup, session := pipeline.Step{Name: "dedup", Run: idle}, pipeline.Step{Name: "session", Run: idle}
	return pipeline.New(enrichment.Version, enrichment.Steps(enrichment.Deps{Secret: secret, Agents: agents}, dedup, session))
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

// TestRecordings checks that every recorded event becomes what its manifest
// expects, member by member.
func TestRecordings(t *testing.T) {
	p := newPipeline(t)
	shop := project(t, "projects: [{id: shop, write_keys: [wk_test]}]")
	manifests, err := filepath.Glob(filepath.Join(recordings, "*", "manifest.json"))
	if err != nil || len(manifests) < 30 {
		t.Fatalf("%d manifests: the corpus is not there (%v)", len(manifests), err)
	}
	// What is not as the manifests have it, by decision: "sdk field", "sdk/scenario
	// field" or "sdk/scenario/file/index field", and why; with a plus before the field it may be there where the manifest
	// has none. Asserted members cannot be listed.
	var differs map[string]string
	readJSON(t, filepath.Join(recordings, "differs.json"), &differs)
	events, asserted := 0, 0
	for _, path := range manifests {
		sdk := filepath.Base(filepath.Dir(path))
		t.Run(sdk, func(t *testing.T) {
			var m manifest
			readJSON(t, path, &m)
			if len(m.Scenarios[0].Expected) == 0 {
				return // nothing is expected of webhooks; their goldens are beside the adapter
			}
			left := map[string]*recordedEvent{}
			for _, r := range recordedEvents(t, sdk) {
				left[fmt.Sprintf("%s/%d", r.file, r.raw.Index)] = &r
			}
			for _, scenario := range m.Scenarios {
				for _, want := range scenario.Expected {
					want := expected(want)
					var index int
					if err := json.Unmarshal(want["index"], &index); err != nil {
						t.Fatal(err)
					}
					name := fmt.Sprintf("%s/%s/%d", scenario.Name, want.text(t, "from"), index)
					r := left[name]
					if r == nil {
						t.Errorf("%s: no such record", name)
						continue
					}
					delete(left, name)
					t.Run(name, func(t *testing.T) {
						asserted += check(t, p, shop, r, without(t, want, differs, sdk, scenario.Name, name))
					})
					events++
				}
			}
			for name := range left {
				t.Errorf("%s: nothing of the kind is expected", name)
			}
		})
	}
	if !t.Failed() && (events != 438 || asserted < 1100) {
		t.Errorf("compared %d events, %d asserted fields", events, asserted)
	}
}

// without leaves out what differs by decision.
func without(t *testing.T, want expected, differs map[string]string, sdk, scenario, name string) expected {
	want = maps.Clone(want)
	var asserted []string
	member(t, want, "asserted", &asserted)
	for field := range want {
		if differs[sdk+" "+field] == "" && differs[sdk+"/"+scenario+" "+field] == "" && differs[sdk+"/"+name+" "+field] == "" {
			continue
		}
		if slices.Contains(asserted, field) {
			t.Errorf("%s is asserted", field)
		}
		want[field] = nil
	}
	for entry := range differs {
		_, place, _ := strings.Cut(entry, sdk)
		field, ok := strings.CutPrefix(strings.TrimPrefix(place, "/"+scenario), " +")
		if _, has := want[field]; ok && !has && strings.HasPrefix(entry, sdk) {
			want[field] = nil
		}
	}
	return want
}

// check runs an event with two clocks and compares every member of want; it
// returns how many of them are asserted.
func check(t *testing.T, p *pipeline.Pipeline, project *projects.Project, r *recordedEvent, want expected) int {
	raw := r.raw
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
		e.Raw, e.Project, e.Receipt, e.MessageHash = &raw, project, [16]byte{15: 7}, r.hash
		var out event.Enriched
		p.Run(&e, &out)
		if out.Outcome != event.Stored {
			t.Fatalf("%s: %s %+v", out.Outcome, out.Reason, out.Rejection)
		}
		compare(t, &e, &out.Touchpoint, want)
		at := original
		switch {
		case want.text(t, "timestamp") == "":
			at = received.Add(late)
		case sent != "" && original.After(parseTime(t, sent)): // its clock cannot be corrected
			if end := received.Add(late); at.After(end) {
				at = end
			}
		case sent != "" && late > 0:
			at = original.Add(300*time.Millisecond + late)
		}
		if got := time.UnixMilli(out.Touchpoint.EventTime); !got.Equal(at) && !given(want, "timestamp", "sent_at") {
			t.Errorf("event time %s, want %s (%s)", got.UTC(), at, out.Touchpoint.TimeSource)
		}
		roundTrip(t, &out)
	}
	var asserted []string
	member(t, want, "asserted", &asserted)
	for _, field := range asserted {
		if !slices.Contains(compared, field) && !slices.Contains(inContext, field) {
			t.Errorf("asserted field %s is not compared", field)
		}
	}
	return len(asserted)
}

// given reports whether one of the members differs by decision.
func given(want expected, fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { raw, ok := want[f]; return ok && raw == nil })
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
	"type", "event", "name", "anonymous_id", "user_id", "previous_id", "group_id", "group_type", "message_id", "protocol", "url", "title",
	"referrer", "locale", "timezone", "ip", "user_agent", "timestamp", "sent_at", "utm", "library", "consent", "value", "session_id",
	"currency", "properties", "traits", "write_key", "from", "index", "asserted", "auto",
}

// inContext are the members without a column: they stand in the context under
// the same name.
var inContext = []string{
	"groups", "trait_ops", "contexts", "tag", "interactive", "page_view_id", "subject", "traceparent", "data_base64", "data_text", "source", "schema",
}

func compare(t *testing.T, e *pipeline.Event, got *event.Touchpoint, want expected) {
	for field := range want {
		if !slices.Contains(compared, field) && !slices.Contains(inContext, field) {
			t.Errorf("member %s of the manifest is not compared", field)
		}
	}
	messageID := got.MessageID
	if messageID == "" && got.EventID != [16]byte{15: 7} && want.text(t, "message_id") != "" {
		messageID = uuid.UUID(got.EventID).String()
	}
	eventName := got.Event
	if got.Type != "track" {
		eventName = ""
	}
	protocol, _, _ := strings.Cut(got.Protocol, "_")
	wantProtocol, _, _ := strings.Cut(want.text(t, "protocol"), "_") // the manifests tell versions apart
	if protocol != wantProtocol {
		t.Errorf("protocol = %q, want %q", protocol, wantProtocol)
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
		{"group_type", got.GroupType, false},
		{"message_id", messageID, false},
		{"url", got.URL, false},
		{"title", got.PageTitle, false},
		{"referrer", got.Referrer, false},
		{"locale", got.Locale, false},
		{"timezone", got.Timezone, false},
		{"currency", got.Currency, false},
		{"ip", got.IP, true},
		{"user_agent", got.UserAgent, true},
	} {
		if given(want, f.field) {
			continue
		}
		if want := want.text(t, f.field); f.got != want && (want != "" || !f.optional) {
			t.Errorf("%s = %q, want %q", f.field, f.got, want)
		}
	}
	compareTime(t, "timestamp", got.OriginalTimestamp, got.HasOriginalTimestamp, want)
	compareTime(t, "sent_at", got.SentAt, got.HasSentAt, want)
	compareSession(t, e, got, want)
	compareObjects(t, e, got, want)
	compareContext(t, got, want)
}

// compareSession checks the SDK's name of the session, and that its hash is of
// that name and the device.
func compareSession(t *testing.T, e *pipeline.Event, got *event.Touchpoint, want expected) {
	if given(want, "session_id") {
		return
	}
	session := want.text(t, "session_id")
	if e.Session != session {
		t.Errorf("session = %q, want %q", e.Session, session)
	}
	if (got.SessionID != 0) != (session != "") {
		t.Errorf("session id %x of session %q", got.SessionID, session)
	}
}

// compareContext checks what stands in the context. Of Snowplow's contexts the
// manifests have the schemas only.
func compareContext(t *testing.T, got *event.Touchpoint, want expected) {
	var context map[string]json.RawMessage
	if len(got.Context) > 0 {
		if err := json.Unmarshal(got.Context, &context); err != nil {
			t.Fatalf("context %s: %v", got.Context, err)
		}
	}
	for _, field := range inContext {
		if want[field] == nil {
			continue
		}
		var have, wanted any
		member(t, want, field, &wanted)
		if !member(t, context, field, &have) && field == "contexts" {
			have = []any{}
		}
		if all, ok := have.([]any); ok && field == "contexts" {
			for i := range all {
				if context, ok := all[i].(map[string]any); ok {
					all[i] = context["schema"]
				}
			}
		}
		if !reflect.DeepEqual(have, wanted) {
			t.Errorf("context %s = %v, want %v", field, have, wanted)
		}
	}
}

func compareTime(t *testing.T, field string, ms int64, has bool, want expected) {
	if given(want, field) {
		return
	}
	text := want.text(t, field)
	if has != (text != "") {
		t.Errorf("%s given: %v, want %v", field, has, text != "")
	} else if has && ms != parseTime(t, text).UnixMilli() {
		t.Errorf("%s = %s, want %s", field, time.UnixMilli(ms).UTC(), text)
	}
}

func compareObjects(t *testing.T, e *pipeline.Event, got *event.Touchpoint, want expected) {
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
	if !given(want, "utm") && !reflect.DeepEqual(utm, wantUTM) {
		t.Errorf("utm = %v, want %v", utm, wantUTM)
	}
	var library struct{ Name, Version string }
	if member(t, want, "library", &library) && (got.Library != library.Name || got.LibraryVersion != library.Version) {
		t.Errorf("library = %q %q, want %+v", got.Library, got.LibraryVersion, library)
	}
	if granted := granted(t, want); !given(want, "consent") && got.Consent != granted {
		t.Errorf("consent = %q, want %q", got.Consent, granted)
	}
	compareValue(t, got, want)
	for field, text := range map[string][]byte{"properties": got.Properties, "traits": got.Traits} {
		// The manifests leave out members that are the empty string.
		if a, b := withoutEmpty(t, text), withoutEmpty(t, want[field]); !given(want, field) && !reflect.DeepEqual(a, b) {
			t.Errorf("%s = %v, want %v", field, a, b)
		}
	}
	if !strings.HasPrefix(e.Raw.Protocol, "segment") {
		return
	}
	var source map[string]json.RawMessage
	if err := json.Unmarshal(e.Raw.Event, &source); err != nil {
		t.Fatal(err)
	}
	for field, text := range map[string][]byte{"properties": got.Properties, "traits": got.Traits} {
		if !bytes.Equal(text, source[field]) {
			t.Errorf("%s = %s, the SDK wrote %s", field, text, source[field])
		}
	}
}

// granted returns the purposes that the manifest's consent grants, however the
// protocol says so, sorted and joined by commas.
func granted(t *testing.T, want expected) string {
	var consent map[string]any
	member(t, want, "consent", &consent)
	var granted []string
	for purpose, value := range consent {
		switch value := value.(type) {
		case bool:
			if value {
				granted = append(granted, purpose)
			}
		case map[string]any: // Segment's categoryPreferences
			for purpose, yes := range value {
				if yes == true {
					granted = append(granted, purpose)
				}
			}
		case []any: // RudderStack's lists of ids
			for _, id := range value {
				if purpose == "allowedConsentIds" {
					granted = append(granted, fmt.Sprint(id))
				}
			}
		case string:
			if value == "GRANTED" {
				granted = append(granted, purpose)
			}
			if purpose == "gcs" && len(value) == 4 { // G1, then a digit for each of these
				for i, name := range []string{"ad_storage", "analytics_storage"} {
					if value[2+i] == '1' {
						granted = append(granted, name)
					}
				}
			}
		}
	}
	slices.Sort(granted)
	return strings.Join(granted, ",")
}

// compareValue checks the amount. A value that is no money, such as that of a
// Matomo event, is no revenue: it stands in the properties.
func compareValue(t *testing.T, got *event.Touchpoint, want expected) {
	var value float64
	member(t, want, "value", &value)
	if e4 := int64(math.Round(value * 10000)); given(want, "value") || got.RevenueE4 == e4 {
		return
	}
	if have, ok := withoutEmpty(t, got.Properties)["value"].(json.Number); ok && got.RevenueE4 == 0 {
		if v, err := have.Float64(); err == nil && v == value {
			return
		}
	}
	t.Errorf("revenue = %d, want %v; properties %s", got.RevenueE4, value, got.Properties)
}

func member(t *testing.T, want map[string]json.RawMessage, field string, into any) bool {
	raw, ok := want[field]
	if ok = ok && raw != nil; ok {
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
