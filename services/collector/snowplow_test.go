package collector_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector"
	"touchline.dev/services/internal/kafkatest"
)

// trackerProjects has keys as trackers of Snowplow and Google Analytics name them.
const trackerProjects = `
projects:
  - id: shop
    write_keys:
      - {key: app, protocols: [snowplow]}
      - {key: G-1, protocols: [ga4]}
      - {key: "G-1:sec+ret", protocols: [ga4], kind: secret}
  - id: blog
    write_keys:
      - {key: blog, protocols: [snowplow], origins: ["https://blog.example"]}
  - id: small
    write_keys: [{key: small, protocols: [snowplow]}]
    limits: {max_events_per_request: 2}
`

func startTrackers(t testing.TB, change ...func(*collector.Config)) *service {
	return startWithProjects(t, trackerProjects, kafkatest.Start(t), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), nil, change...)
}

// payload is what a tracker posts.
func payload(events ...string) string {
	return `{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[` + strings.Join(events, ",") + `]}`
}

const tp2Path = "POST /com.snowplowanalytics.snowplow/tp2 HTTP/1.1"

func TestSnowplowAnswers(t *testing.T) {
	s := startTrackers(t, func(c *collector.Config) {
		c.HTTP.Paths = map[string]string{"/c/t": "/com.snowplowanalytics.snowplow/tp2", "/c/i": "/i"}
	})
	one := payload(`{"e":"pv","aid":"app","duid":"d"}`)
	for _, c := range []struct {
		head, body string
		status     int
		verdict    string
	}{
		{tp2Path, one, 200, "accepted=1"},
		{"POST /com.acme/tp2 HTTP/1.1", one, 200, "accepted=1"},
		{"POST /snowplow/com.acme/tp2 HTTP/1.1", one, 200, "accepted=1"},
		{"POST /com.mailchimp/v1 HTTP/1.1", `{"type":"subscribe"}`, 404, ""},
		{"GET /i?e=pv&aid=app&duid=d HTTP/1.1", "", 200, "accepted=1"},
		{"GET /snowplow/i?e=pv&aid=app&duid=d HTTP/1.1", "", 200, "accepted=1"},
		{"GET /com.acme/tp2?e=pv&aid=app&duid=d HTTP/1.1", "", 405, ""},
		{"POST /c/t HTTP/1.1", one, 200, "accepted=1"},
		{"GET /c/i?e=pv&aid=app&duid=d HTTP/1.1", "", 200, "accepted=1"},
		{"HEAD /i?e=pv&aid=app&duid=d HTTP/1.1", "", 200, ""},
		// What a tracker gives up on, and says so on its console.
		{tp2Path, payload(`{"e":"pv","aid":"nobody"}`), 401, "refused=0, reason=unauthorized"},
		{tp2Path, payload(`{"e":"pv"}`), 401, "refused=1, reason=unauthorized"},
		{tp2Path, payload(), 401, "refused=0, reason=unauthorized"},
		{tp2Path, `{"data":`, 401, "refused=1, reason=unauthorized"},
		{"GET /i?e=pv HTTP/1.1", "", 401, "refused=1, reason=unauthorized"},
		{"GET /i?e=pv&aid=nobody HTTP/1.1", "", 401, "refused=0, reason=unauthorized"},
		{tp2Path + "\nOrigin: https://evil.example", payload(`{"e":"pv","aid":"blog"}`), 403, "refused=1, reason=origin_denied"},
		// It would send what is too much again for ever if it were told 413.
		{tp2Path, payload(`{"aid":"small"}`, `{"aid":"small"}`, `{"aid":"small"}`), 400, "refused=0, reason=too_many_events"},
		{tp2Path + "\nContent-Encoding: compress", "x", 400, "refused=0, reason=unsupported_encoding"},
		// What is broken is taken: the tracker could do nothing about it.
		{tp2Path, payload(`{"e":"pv","aid":"app"}`, `{"e":NaN}`, `7`), 200, "accepted=1, rejected=2"},
		{tp2Path, `{"data":[{"e":"pv","aid":"app"},{"e":`, 200, "accepted=1, rejected=1"},
	} {
		a := s.request(t, c.head, c.body)
		if have := a.Header.Get("Touchline-Verdict"); a.StatusCode != c.status || have != c.verdict {
			t.Errorf("%s %s: %d %q, want %d %q", c.head, c.body, a.StatusCode, have, c.status, c.verdict)
		}
		switch {
		case a.StatusCode != 200 || strings.HasPrefix(c.head, "HEAD"):
		case strings.HasPrefix(c.head, "POST"):
			a.want(t, 200, "ok")
		case len(a.Text) != 43 || a.Header.Get("Content-Type") != "image/gif" || !strings.Contains(a.Header.Get("Cache-Control"), "no-store"):
			t.Errorf("%s: %d bytes, %v", c.head, len(a.Text), a.Header)
		}
	}
	for _, r := range s.records(t) {
		if r.Protocol != "snowplow" || r.Project != "shop" {
			t.Errorf("record %+v", r)
		}
	}
}

// Each event goes under its own app id; one without goes with the others as long
// as they agree.
func TestSnowplowKeys(t *testing.T) {
	s := startTrackers(t)
	for _, c := range []struct{ body, verdict string }{
		{payload(`{"eid":"1","aid":"app"}`, `{"eid":"2","aid":"blog"}`, `{"eid":"3"}`, `{"eid":"4","aid":"nobody"}`), "accepted=2, rejected=2"},
		{payload(`{"eid":"5"}`, `{"eid":"6","aid":"app"}`, `{"eid":"7","aid":""}`), "accepted=3"},
	} {
		if have := s.request(t, tp2Path, c.body).Header.Get("Touchline-Verdict"); have != c.verdict {
			t.Errorf("%s: verdict %q, want %q", c.body, have, c.verdict)
		}
	}
	wantRecords(t, s,
		`blog snowplow tp2 {"eid":"2","aid":"blog"}`,
		`shop snowplow tp2 {"eid":"1","aid":"app"}`,
		`shop snowplow tp2 {"eid":"5"}`,
		`shop snowplow tp2 {"eid":"6","aid":"app"}`,
		`shop snowplow tp2 {"eid":"7","aid":""}`,
	)
}

// What is sent again has another stm and is the same event.
func TestSnowplowRetry(t *testing.T) {
	s := startTrackers(t)
	for i, stm := range []string{"1795290331832", "1795290335000"} {
		a := s.request(t, tp2Path, payload(`{"e":"pv","aid":"app","eid":"e1","duid":"d","stm":"`+stm+`"}`))
		b := s.request(t, "GET /i?stm="+stm+"&e=pv&aid=app&eid=e2&duid=d HTTP/1.1", "")
		want := []string{"accepted=1", "accepted=1, duplicate=1"}[i]
		if a.Header.Get("Touchline-Verdict") != want || b.Header.Get("Touchline-Verdict") != want {
			t.Errorf("time %d: %q, %q, want %q", i, a.Header.Get("Touchline-Verdict"), b.Header.Get("Touchline-Verdict"), want)
		}
	}
	r := s.records(t)
	if len(r) != 4 || r[0].MID == "" || r[0].Partition != r[1].Partition {
		t.Errorf("records %+v", r)
	}
}

// The key of a record is the device that the adapter finds.
func TestSnowplowDevices(t *testing.T) {
	entity := func(name, data string) string {
		return `{"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0","data":[7,{"schema":"iglu:com.acme/client_session/1","data":{"userId":"other"}},` +
			`{"schema":"iglu:com.snowplowanalytics.snowplow\/` + name + `/jsonschema/1-0-2","data":` + data + `}]}`
	}
	quoted := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
	session := entity("client_session", `{"userId":"device-5","sessionId":"session-5"}`)
	anonymous := entity("client_session", `{"userId":"00000000-0000-0000-0000-000000000000","sessionId":"session-6"}`)
	packed := base64.RawURLEncoding.EncodeToString([]byte(session))
	s := startTrackers(t)
	for key, event := range map[string]string{
		"shop/d/duid-1":    `{"duid":"duid-1","uid":"u","nuid":"n","sid":"s","co":` + quoted(session) + `}`,
		"shop/d/nuid-2":    `{"nuid":"nuid-2","uid":"u","sid":"s"}`,
		"shop/d/sid-3":     `{"sid":"sid-3","uid":"u"}`,
		"shop/u/uid-4":     `{"uid":"uid-4","duid":"","co":"{\"data\":[","cx":"!"}`,
		"shop/d/device-5":  `{"uid":"u","nuid":"n","sid":"s","co":` + quoted(session) + `}`,
		"shop/d/session-6": `{"uid":"u","duid":"0","co":` + quoted(anonymous) + `}`,
		"shop/d/view-7":    `{"co":` + quoted(entity("web_page", `{"id":"view-7"}`)) + `}`,
	} {
		s.request(t, tp2Path, payload(strings.Replace(event, "{", `{"e":"pv","aid":"app",`, 1))).want(t, 200, "ok")
		if r := s.records(t); !slices.ContainsFunc(r, func(r raw) bool { return r.Key == key }) {
			t.Errorf("%s: no record has the key %s", event, key)
		}
	}
	before := len(s.records(t))
	for _, query := range []string{"cx=" + packed, "cx=" + packed + "%3D%3D&nuid=n", "co=" + strings.NewReplacer(`"`, "%22", `\`, "%5C").Replace(session), "duid=x&duid=device-5", "duid=device%2D5"} {
		s.request(t, "GET /i?e=pv&aid=app&uid=u&"+query+" HTTP/1.1", "")
	}
	after := s.records(t)
	n := 0
	for _, r := range after {
		if r.Key == "shop/d/device-5" {
			n++
		}
	}
	if len(after) != before+5 || n != 6 {
		t.Errorf("%d pixels, %d records of the device", len(after)-before, n)
	}
}

// cookieOf returns the cookie that an answer sets, nil when it sets none.
func cookieOf(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	all := a.Cookies()
	if len(all) == 0 {
		return nil
	}
	if len(all) > 1 {
		t.Fatalf("cookies %v", all)
	}
	return all[0]
}

func TestSnowplowCookie(t *testing.T) {
	s := startTrackers(t)
	body := func(id string) string { return payload(`{"e":"pv","aid":"app","duid":"d","eid":"` + id + `"}`) }
	note := func(id string) (address, user string) {
		t.Helper()
		for _, r := range s.records(t) {
			if strings.Contains(string(r.Event), id) {
				return r.ClientIP, r.Header("network-userid")
			}
		}
		t.Fatalf("no record of event %s", id)
		return "", ""
	}
	first := cookieOf(t, s.request(t, tp2Path, body("e-first")))
	if first == nil || first.Name != "sp" || len(first.Value) != 36 || first.MaxAge != 365*24*60*60 || first.Path != "/" ||
		!first.Secure || !first.HttpOnly || first.SameSite != http.SameSiteNoneMode || first.Domain != "" {
		t.Fatalf("cookie %+v", first)
	}
	if address, user := note("e-first"); address == "" || user != "" {
		t.Errorf("first request: address %q, user %q", address, user)
	}
	again := cookieOf(t, s.request(t, tp2Path+"\nCookie: a=b; sp="+first.Value, body("e-again")))
	if again == nil || again.Value != first.Value {
		t.Errorf("the cookie changes from %v to %v", first, again)
	}
	if _, user := note("e-again"); user != first.Value {
		t.Errorf("network user %q, want %q", user, first.Value)
	}
	for i, value := range []string{`<script>`, strings.Repeat("x", 65), "a b", "%0d%0a"} {
		id := "e-hostile-" + string(rune('a'+i))
		if c := cookieOf(t, s.request(t, tp2Path+"\nCookie: sp="+value, body(id))); c == nil || len(c.Value) != 36 {
			t.Errorf("cookie %q is answered by %v", value, c)
		}
		if _, user := note(id); user != "" {
			t.Errorf("cookie %q is kept as %q", value, user)
		}
	}
	for _, head := range []string{tp2Path, "GET /i?e=pv&aid=app&duid=d&eid=e-anonymous HTTP/1.1"} {
		c := cookieOf(t, s.request(t, head+"\nSP-Anonymous: *\nCookie: sp="+first.Value, body("e-anonymous")))
		if address, user := note("e-anonymous"); c != nil || address != "" || user != "" {
			t.Errorf("anonymous: cookie %v, address %q, user %q", c, address, user)
		}
	}
	if c := cookieOf(t, s.request(t, tp2Path, payload(`{"aid":"nobody"}`))); c != nil {
		t.Errorf("a refused request is given %v", c)
	}
}

// A page with credentials may read the answer, retries with new headers included.
func TestSnowplowCORS(t *testing.T) {
	s := startTrackers(t)
	for _, head := range []string{
		"OPTIONS /com.snowplowanalytics.snowplow/tp2 HTTP/1.1\nAccess-Control-Request-Method: POST\nAccess-Control-Request-Headers: content-type,sp-anonymous",
		"OPTIONS /com.acme/tp2 HTTP/1.1\nAccess-Control-Request-Method: POST\nAccess-Control-Request-Headers: content-type,sp-anonymous",
		tp2Path,
	} {
		a := s.request(t, head+"\nOrigin: https://shop.example", payload(`{"e":"pv","aid":"app","duid":"d"}`))
		if a.StatusCode > 299 || a.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" || a.Header.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: %d %v", head, a.StatusCode, a.Header)
		}
		if strings.HasPrefix(head, "OPTIONS") && a.Header.Get("Access-Control-Allow-Headers") != "content-type,sp-anonymous" {
			t.Errorf("%s: %v", head, a.Header)
		}
	}
}

// Bytes that are not UTF-8 are one rejected event, as every unusable one.
func TestSnowplowUnusableBytes(t *testing.T) {
	s := startTrackers(t)
	s.request(t, tp2Path, payload(`{"e":"pv","aid":"app","page":"`+"\xff"+`"}`)).want(t, 200, "ok")
	if a := s.request(t, "GET /i?e=pv&aid=app&page=\xff HTTP/1.1", ""); a.StatusCode != 200 {
		t.Errorf("pixel: %d", a.StatusCode)
	}
	for _, r := range s.records(t) {
		if r.RejectReason != event.InvalidUTF8 {
			t.Errorf("record %+v", r)
		}
	}
}
