package collector_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
)

// On Segment's paths RudderStack's requests are told by their headers or by their
// body, and answered in its words.
func TestRudderStackOnSharedPaths(t *testing.T) {
	s := start(t)
	fresh := s.fresh()
	const auth = "\nAuthorization: Basic d2tfdGVzdDo="
	for _, c := range []struct{ name, head, body, protocol string }{
		{"browser", "POST /v1/track HTTP/1.1\nAnonymousId: YQ==" + auth, `{"anonymousId":"a","event":"1"}`, "rudderstack"},
		{"retry", "POST /v1/track HTTP/1.1\nRsa-Retry-Attempt: 1" + auth, `{"anonymousId":"a","event":"2"}`, "rudderstack"},
		{"go", "POST /v1/batch HTTP/1.1\nRs-Targetnode: 0" + auth, `{"batch":[{"type":"track","userId":"u","event":"3"}]}`, "rudderstack"},
		{"node", "POST /v1/batch HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\nContent-Encoding: gzip" + auth, gzipped(t, []byte(`{"batch":[{"type":"track","userId":"u","event":"4","originalTimestamp":"2026-11-21T19:45:20.621Z"}]}`)), "rudderstack"},
		{"prefix", "POST /rudderstack/v1/track HTTP/1.1" + auth, `{"anonymousId":"a","event":"5"}`, "rudderstack"},
		{"segment", "POST /v1/track HTTP/1.1" + auth, `{"anonymousId":"a","event":"6"}`, "segment"},
		{"segment prefix", "POST /segment/v1/track HTTP/1.1\nAnonymousId: YQ==" + auth, `{"anonymousId":"a","event":"7"}`, "segment"},
		{"segment, with much before it", "POST /v1/track HTTP/1.1" + auth, `{"x":"` + strings.Repeat("x", 9<<10) + `","originalTimestamp":"","anonymousId":"a","event":"8"}`, "segment"},
	} {
		want := "OK"
		if c.protocol == "segment" {
			want = success
		}
		s.request(t, c.head, c.body).want(t, 200, want)
		if r := fresh(t); len(r) != 1 || r[0].Protocol != c.protocol {
			t.Errorf("%s: not taken as %s: %+v", c.name, c.protocol, r)
		}
	}
}

func TestRudderStackSettings(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		head    string
		enabled bool
	}{
		{"GET /sourceConfig/?writeKey=wk_test&p=npm HTTP/1.1", true},
		{"GET /rudderstack/sourceConfig/?p=npm HTTP/1.1\nAuthorization: Basic d2tfdGVzdDo=", true},
		{"GET /sourceConfig/?writeKey=nobody HTTP/1.1", false},
		{"GET /sourceConfig HTTP/1.1", false},
		{"GET /sourceConfig/?writeKey=%22%7D HTTP/1.1", false},
	} {
		a := s.request(t, c.head, "")
		var config struct {
			Source struct {
				ID           string
				Enabled      bool
				Config       *struct{}
				Destinations []string
			}
		}
		if err := json.Unmarshal([]byte(a.Text), &config); err != nil {
			t.Fatalf("%s: %q: %v", c.head, a.Text, err)
		}
		if x := config.Source; a.StatusCode != 200 || x.ID == "" || x.Enabled != c.enabled || x.Config == nil || x.Destinations == nil {
			t.Errorf("%s: %d %s", c.head, a.StatusCode, a.Text)
		}
	}
}

func TestRudderStackPixelsAndBeacons(t *testing.T) {
	s := start(t)
	pixel := s.request(t, "GET /pixel/v1/track?writeKey=wk_test&anonymousId=a%2B1&event=E&messageId=m HTTP/1.1", "")
	if pixel.StatusCode != 200 || len(pixel.Text) != 43 || pixel.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("%d %q %v", pixel.StatusCode, pixel.Text, pixel.Header)
	}
	if a := s.request(t, "GET /pixel/v1/page?writeKey=nobody HTTP/1.1", ""); a.StatusCode != 401 || len(a.Text) != 43 {
		t.Errorf("%d %q", a.StatusCode, a.Text)
	}
	if a := s.request(t, "HEAD /pixel/v1/track?writeKey=wk_test&anonymousId=a&event=E HTTP/1.1", ""); a.StatusCode != 200 {
		t.Errorf("%d", a.StatusCode)
	}
	s.request(t, "POST /beacon/v1/batch?writeKey=wk_test HTTP/1.1\nContent-Type: text/plain", `{"batch":[{"type":"track","anonymousId":"b","event":"E"}]}`).want(t, 200, "OK")
	s.request(t, "POST /beacon/v1/batch HTTP/1.1\nContent-Type: text/plain", `{"batch":[{"type":"track","anonymousId":"b","event":"E"}]}`).
		want(t, 401, "unauthorized: no write key that is known here")
	s.request(t, "GET /pixel/v1/track?writeKey=wk_test&event=\xff HTTP/1.1", "")
	records := s.records(t)
	if len(records) != 3 {
		t.Fatalf("%d records", len(records))
	}
	for _, r := range records {
		switch {
		case r.Endpoint == "pixel_track" && r.RejectReason == event.InvalidUTF8:
		case r.Endpoint == "pixel_track" && r.Key == "shop/d/a+1" && len(r.MID) == 16 && string(r.Event) == "writeKey=wk_test&anonymousId=a%2B1&event=E&messageId=m":
		case r.Endpoint == "batch" && r.Key == "shop/d/b":
		default:
			t.Errorf("%+v", r)
		}
	}
}

// A poison batch is a success: the Go SDK sends everything else ten times.
func TestRudderStackTakesWhatItCannotUse(t *testing.T) {
	s := start(t)
	for _, body := range []string{`{"batch":[1]}`, `[]`, `{`, `{"batch":{}}`} {
		s.post(t, "/rudderstack/v1/batch", body).want(t, 200, "OK")
	}
	for _, r := range s.records(t) {
		if r.RejectReason == "" || r.Protocol != "rudderstack" {
			t.Errorf("%+v", r)
		}
	}
	s.request(t, "POST /rudderstack/v1/batch HTTP/1.1\nSentAt: 2026-11-21T19:46:23.165Z\nAuthorization: Basic "+
		base64.StdEncoding.EncodeToString([]byte("wk_test:")), `{"batch":[{"type":"track","userId":"sent","event":"E"}]}`).want(t, 200, "OK")
	for _, r := range s.records(t) {
		if r.Key == "shop/u/sent" && r.SentAt != "2026-11-21T19:46:23.165Z" {
			t.Errorf("sent at %q", r.SentAt)
		}
	}
}
