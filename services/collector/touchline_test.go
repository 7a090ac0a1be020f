package collector_test

import (
	"strings"
	"testing"

	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/kafkatest"
)

// Every event of a request is told what became of it.
func TestTouchpoints(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		name, head, body string
		status           int
		text             string
	}{
		{"object", "", `{"event":"E","user_id":"u","message_id":"m-1"}`, 200, `{"accepted":1,"events":[{"index":0,"id":"m-1","verdict":"ok"}]}`},
		{"again", "", `{"event":"E","user_id":"u","message_id":"m-1"}`, 200, `{"accepted":1,"events":[{"index":0,"id":"m-1","verdict":"duplicate"}]}`},
		{"list", "", `[{"event":"E","user_id":"u"},7,{"event":"E","anonymous_id":"a","message_id":"é\"\u0001"}]`, 200,
			`{"accepted":2,"events":[{"index":0,"verdict":"ok"},{"index":1,"verdict":"rejected","reason":"not_an_object","message":"JSON, but not an object"},` +
				`{"index":2,"id":"é\"\u0001","verdict":"ok"}]}`},
		{"lines", "", "{\"event\":\"E\",\"user_id\":\"u\"}\n\n{\"event\":\"E\",\"user_id\":\"v\"}\n", 200, `{"accepted":2,"events":[{"index":0,"verdict":"ok"},{"index":1,"verdict":"ok"}]}`},
		{"a line that breaks", "", "{\"event\":\"E\",\"user_id\":\"u\"}\n{\"event\":", 200,
			`{"accepted":1,"events":[{"index":0,"verdict":"ok"},{"index":1,"verdict":"rejected","reason":"malformed_json","message":"want a value at byte 37"}]}`},
		{"empty list", "", `[]`, 200, `{"accepted":0,"events":[]}`},
		{"no body", "", ``, 400, `{"accepted":0,"reason":"unreadable_body","message":"the body is empty","events":[]}`},
		{"unknown key", "\nAuthorization: Bearer nobody", `{}`, 401, `{"accepted":0,"reason":"unauthorized","message":"unknown write key","events":[]}`},
	} {
		head := c.head
		if head == "" {
			head = "\nAuthorization: Bearer wk_test"
		}
		a := s.request(t, "POST /v1/touchpoints HTTP/1.1"+head, c.body)
		if a.StatusCode != c.status || a.Text != c.text || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s\nwant %d %s", c.name, a.StatusCode, a.Text, c.status, c.text)
		}
	}
	for _, r := range s.records(t) {
		if r.Protocol != "touchline" || r.Endpoint != "touchpoints" || r.Project != "shop" {
			t.Errorf("%+v", r)
		}
	}
}

func TestTouchpointKeys(t *testing.T) {
	s := start(t)
	fresh := s.fresh()
	const one = `{"event":"E","user_id":"u"}`
	for _, c := range []struct {
		head, body, project string
	}{
		{"POST /v1/touchpoints HTTP/1.1\nAuthorization: Basic d2tfdGVzdDo=", one, "shop"},
		{"POST /v1/touchpoints?write_key=wk_other HTTP/1.1", one, "other"},
		{"POST /touchline/v1/touchpoints HTTP/1.1", `[{"event":"E","user_id":"u","write_key":"wk_other"}]`, "other"},
		{"POST /v1/touchpoints HTTP/1.1\nAuthorization: Bearer wk_test", `{"event":"E","user_id":"u","write_key":"wk_other"}`, "shop"}, // the request's own counts for more
		{"POST /v1/touchpoints/import HTTP/1.1\nAuthorization: Bearer wk_test", one, "shop"},
	} {
		if a := s.request(t, c.head, c.body); a.StatusCode != 200 {
			t.Errorf("%s: %d %s", c.head, a.StatusCode, a.Text)
		}
		if got := fresh(t); len(got) != 1 || got[0].Project != c.project || (got[0].Endpoint == "import") != strings.Contains(c.head, "import") {
			t.Errorf("%s: %+v", c.head, got)
		}
	}
	a := s.request(t, "POST /v1/touchpoints HTTP/1.1", `[{"event":"E","user_id":"u","write_key":"wk_other"},{"event":"E","user_id":"u","write_key":"nobody"}]`)
	a.want(t, 200, `{"accepted":1,"events":[{"index":0,"verdict":"ok"},{"index":1,"verdict":"rejected","reason":"unauthorized","message":"unknown write key"}]}`)
}

func TestPixel(t *testing.T) {
	s := start(t)
	a := s.request(t, "GET /v1/pixel.gif?write_key=wk_test&event=Email+Opened&anonymous_id=a HTTP/1.1\nUser-Agent: mail", "")
	if a.StatusCode != 200 || len(a.Text) != 43 || a.Header.Get("Content-Type") != "image/gif" || a.Header.Get("Touchline-Verdict") != "accepted=1" {
		t.Errorf("%d %q %v", a.StatusCode, a.Text, a.Header)
	}
	if a = s.request(t, "GET /v1/pixel.gif?event=x HTTP/1.1", ""); a.StatusCode != 401 || len(a.Text) != 43 {
		t.Errorf("%d %q", a.StatusCode, a.Text)
	}
	if a = s.request(t, "GET /v1/pixel.gif?write_key=wk_test&event=%FF HTTP/1.1", ""); a.StatusCode != 200 {
		t.Errorf("%d %q", a.StatusCode, a.Text)
	}
	records := s.records(t)
	if len(records) != 2 {
		t.Fatalf("%d records", len(records))
	}
	for _, r := range records {
		if r.Protocol != "touchline" || r.Endpoint != "pixel" || r.RejectReason == event.InvalidUTF8 {
			t.Errorf("%+v", r)
		}
	}
}

// Over its rate a write key is told so for each event.
func TestTouchpointsAreLimited(t *testing.T) {
	file := `projects: [{id: shop, write_keys: [{key: slow, protocols: [touchline], rate: {events_per_second: 0.001, burst: 2}}]}]`
	s := startWithProjects(t, file, kafkatest.Start(t), zap.NewNop(), nil)
	const two = `[{"event":"E","user_id":"u","message_id":"1"},{"event":"E","user_id":"u"}]`
	head := "POST /v1/touchpoints HTTP/1.1\nAuthorization: Bearer slow"
	s.request(t, head, two) // takes what the rate allows
	a := s.request(t, head, two)
	if a.StatusCode != 429 || a.Header.Get("Retry-After") == "" || !strings.Contains(a.Text, `"reason":"rate_limited"`) ||
		!strings.HasSuffix(a.Text, `"events":[{"index":0,"id":"1","verdict":"limited"},{"index":1,"verdict":"limited"}]}`) {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.Text)
	}
}
