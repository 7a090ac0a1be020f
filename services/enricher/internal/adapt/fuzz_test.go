package adapt_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

// checkResult holds a result against what must be true of every result.
func checkResult(t *testing.T, out *event.Enriched) {
	t.Helper()
	wire := out.Append(nil)
	var back event.Enriched
	if err := back.Decode(wire); err != nil {
		t.Fatalf("the result cannot be read back: %v", err)
	}
	if again := back.Append(nil); !bytes.Equal(wire, again) {
		t.Error("the result changes when it is read and written again")
	}
	switch out.Outcome {
	case event.Stored:
		if out.Reason != "" {
			t.Errorf("stored, but with reason %s", out.Reason)
		}
		checkTouchpoint(t, &out.Touchpoint)
	case event.Rejected:
		if !slices.Contains(event.EventReasons(), out.Reason) {
			t.Errorf("reason %q is not listed", out.Reason)
		}
		if r := &out.Rejection; r.Stage == "" || len(r.Message) > 512 || !utf8.ValidString(r.Message) {
			t.Errorf("rejection %q, %d bytes: %q", r.Stage, len(r.Message), r.Message)
		}
	case event.Dropped:
		if !slices.Contains(event.DropReasons(), out.Reason) {
			t.Errorf("dropped for reason %q, which is not listed", out.Reason)
		}
	default:
		t.Errorf("outcome %q", out.Outcome)
	}
}

func checkTouchpoint(t *testing.T, p *event.Touchpoint) {
	t.Helper()
	if p.Event == "" || p.EventID == [16]byte{} || p.PersonID == 0 || p.AnonymousID == "" && p.UserID == "" {
		t.Errorf("stored without an event name, an id or a person: %+v", p)
	}
	if !slices.Contains([]string{"track", "page", "screen", "identify", "group", "alias"}, p.Type) {
		t.Errorf("type %q", p.Type)
	}
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch x := v.Field(i).Interface().(type) {
		case string:
			if !utf8.ValidString(x) {
				t.Errorf("%s is not UTF-8: %q", name, x)
			}
			if len(x) > 8<<10 {
				t.Errorf("%s is %d bytes long", name, len(x))
			}
		case []byte:
			if len(x) > 0 && (!utf8.Valid(x) || !json.Valid(x) || x[0] != '{') {
				t.Errorf("%s is no JSON object: %.200q", name, x)
			}
		}
	}
	if len(p.Currency) != 0 && len(p.Currency) != 3 {
		t.Errorf("currency %q", p.Currency)
	}
	for _, id := range []string{p.AnonymousID, p.UserID, p.PreviousID, p.GroupID, p.MessageID} {
		if len(id) > 512 {
			t.Errorf("id of %d bytes", len(id))
		}
	}
}

// hostile are events that try to break something.
var hostile = []string{
	``, ` `, `null`, `true`, `1`, `"x"`, `[]`, `[{}]`, `{`, `{"type"`, `{"type":"track"`, `{"type":"track",}`, "\x00", "\xff", "{\"a\":\"\xff\"}",
	`{}`, `{"type":1}`, `{"type":{}}`, `{"type":"Track"}`, `{"type":"` + strings.Repeat("x", 1<<16) + `"}`,
	`{"type":"track","userId":"u"}`, `{"type":"track","userId":"u","event":""}`, `{"type":"track","userId":"u","event":" \t"}`,
	`{"type":"track","userId":"u","event":1}`, `{"type":"track","userId":"u","event":{"name":"x"}}`,
	`{"type":"track","userId":"u","event":"` + strings.Repeat("é", 129) + `"}`,
	`{"type":"track","userId":{"id":1},"event":"e"}`, `{"type":"track","userId":1.5,"event":"e"}`, `{"type":"track","userId":true,"event":"e"}`,
	`{"type":"track","userId":"` + strings.Repeat("u", 513) + `","event":"e"}`,
	`{"type":"track","userId":` + strings.Repeat("9", 600) + `,"event":"e"}`,
	`{"type":"track","userId":"u","event":"e","properties":"x"}`, `{"type":"track","userId":"u","event":"e","properties":[1]}`,
	`{"type":"track","userId":"u","event":"e","context":7}`, `{"type":"identify","userId":"u","traits":"x"}`,
	`{"type":"track","userId":"u","event":"e","context":{"page":"x","campaign":[],"os":1,"device":null,"app":true,"library":{},"consent":{"categoryPreferences":[true]},"userAgentData":"x","ip":{},"locale":[]}}`,
	`{"type":"track","userId":"u","event":"e","context":{"page":{"url":"` + strings.Repeat("é%ff+", 4000) + `?utm_source=%ff%fe&gclid=%","title":["x"]},"ip":"fe80::1%eth0","userAgent":"\ud800\udc00\ud800"}}`,
	`{"type":"track","userId":"u","event":"e","properties":{"revenue":"1e400","value":-1e-400,"currency":"€"}}`,
	`{"type":"track","userId":"u","event":"e","properties":{"revenue":99999999999999999999}}`,
	`{"type":"track","userId":"u\u0000","event":"e\u0000","messageId":"\u0000"}`,
	`{"type":"track","userId":"u","event":"e","timestamp":{"a":1},"sentAt":[],"originalTimestamp":true}`,
	`{"type":"track","userId":"u","event":"e","timestamp":-1e300,"sentAt":1e300}`,
	`{"type":"track","userId":"u","event":"e","properties":` + strings.Repeat(`{"a":`, 600) + `1` + strings.Repeat(`}`, 600) + `}`,
	`{"type":"track","userId":"u","event":"e","properties":` + strings.Repeat(`{"a":`, 400) + `1` + strings.Repeat(`}`, 400) + `}`,
	`{"type":"track","type":"page","userId":"u","event":"e","context":{},"context":{"ip":"1.2.3.4","ip":"::ffff:1.2.3.5"}}`,
	`{"type":"track","userId":"u","event":"e","$event":{"x":1},"context":{"$event":1,"$request":2}}`,
	`{"type":"track","userId":"u","event":"e","context":{` + strings.Repeat(`"k":1,`, 5000) + `"z":1}}`,
	`{"type":"track","userId":"u","event":"e",` + strings.Repeat(`"k":1,`, 5000) + `"z":1}`,
	`{"type":"track","userId":"u","event":"e","context":{"consent":{"categoryPreferences":{` + strings.Repeat(`"a,b":true,"\ud800":true,`, 500) + `"z":true}}}}`,
	`{"type":"track","userId":"u","event":"e","context":{"page":{"url":"?` + strings.Repeat("utm_source=&", 4000) + `"}}}`,
	`{"\u0074ype":"track","user\u0049d":"u","event":"e","\u0000":1,"a\"b":2}`,
	`{"type":"alias","previousId":"null","userId":"u"}`, `{"type":"alias","previousId":"p"}`, `{"type":"group","userId":"u"}`,
	`{"type":"track","event":"e","userId":"undefined","anonymousId":"00000000-0000-0000-0000-000000000000"}`,
	`{"type":"track","event":"e","userId":0,"anonymousId":" [Object object] "}`, `{"type":"track","event":"e","userId":"'\"NULL\"'"}`,
}

func TestHostileEvents(t *testing.T) {
	p := pipeline.New(1, []pipeline.Step{newStep(t)})
	project := newProject(t)
	var e pipeline.Event
	var out event.Enriched
	for _, text := range hostile {
		for _, context := range []string{"", `{"ip":"203.0.113.7"}`, `{` + strings.Repeat(`"m":1,`, 100) + `"n":{}}`} {
			e.Raw = &event.Raw{Project: "shop", Protocol: "segment", Endpoint: "batch", Event: []byte(text), Context: []byte(context), UserAgent: "\xffagent", ClientIP: "x"}
			e.Project, e.Receipt = project, [16]byte{7}
			p.Run(&e, &out)
			checkResult(t, &out)
			if t.Failed() {
				t.Fatalf("event %.300q, context %.100q", text, context)
			}
			if !bytes.Equal(e.Raw.Event, []byte(text)) {
				t.Fatalf("the event was changed: %.300q", text)
			}
		}
	}
}

func FuzzAdapt(f *testing.F) {
	for _, text := range hostile {
		if len(text) < 4096 {
			f.Add([]byte(text), []byte(nil), "batch", "")
		}
	}
	for _, block := range goldenEvents(f) {
		f.Add([]byte(block), []byte(`{"library":{"name":"x"},"locale":"de"}`), "track", "2026-03-10T10:00:00Z")
	}
	p := pipeline.New(1, []pipeline.Step{newStep(f)})
	project := newProject(f)
	f.Fuzz(func(t *testing.T, text, context []byte, endpoint, other string) {
		var out event.Enriched
		e := pipeline.Event{
			Raw: &event.Raw{
				Project: "shop", Protocol: "segment", Endpoint: endpoint, Event: bytes.Clone(text), Context: bytes.Clone(context),
				SentAt: other, UserAgent: other, ClientIP: other,
			},
			Project: project, Receipt: [16]byte{7},
		}
		p.Run(&e, &out)
		checkResult(t, &out)
		if !bytes.Equal(e.Raw.Event, text) || !bytes.Equal(e.Raw.Context, context) {
			t.Error("the input was changed")
		}
	})
}
