package collector_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/services/internal/kafkatest"
)

const posthogProjects = `
projects:
  - {id: shop, write_keys: [{key: phc_shop, protocols: [posthog]}]}
  - {id: other, write_keys: [{key: phc_other, protocols: [posthog]}]}
  - {id: slow, write_keys: [{key: phc_slow, protocols: [posthog], rate: {events_per_second: 1, burst: 1}}]}
  - {id: elsewhere, write_keys: [{key: mp_key, protocols: [mixpanel]}]}
`

func startPosthog(t testing.TB) *service {
	return startWithProjects(t, posthogProjects, kafkatest.Start(t), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), nil)
}

func base64ed(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// One event in every wrapping that an SDK of PostHog's has had is the same record.
func TestPosthogWrappings(t *testing.T) {
	s := startPosthog(t)
	const event = `{"event":"Émoji 🎉","distinct_id":"u","properties":{"token":"phc_shop","$insert_id":"%d","x":"a+b/c=&d%%20e"}}`
	const form = "\nContent-Type: application/x-www-form-urlencoded"
	type request struct{ head, body string }
	wrappings := map[string]func(event string) request{
		"object":            func(e string) request { return request{"POST /e/", e} },
		"list":              func(e string) request { return request{"POST /capture", "[" + e + "]"} },
		"batch":             func(e string) request { return request{"POST /batch/", `{"api_key":"phc_shop","batch":[` + e + `]}`} },
		"batch, key behind": func(e string) request { return request{"POST /batch", `{"batch":[` + e + `],"api_key":"phc_shop"}`} },
		"track": func(e string) request {
			return request{"POST /track/?token=phc_shop", `{"api_key":"phc_shop",` + e[1:]}
		},
		"prefix":              func(e string) request { return request{"POST /posthog/track", e} },
		"gzip without a word": func(e string) request { return request{"POST /i/v0/e/", gzipped(t, []byte(e))} },
		"gzip, labelled": func(e string) request {
			return request{"POST /e/?compression=gzip-js&ip=1&_=1795290440214", gzipped(t, []byte("["+e+"]"))}
		},
		"form, base64": func(e string) request {
			return request{"POST /e/?compression=base64", "data=" + url.QueryEscape(base64ed(e))}
		},
		"form, base64 as it is": func(e string) request { return request{"POST /e/", "data=" + base64ed(e)} },
		"form, URL alphabet": func(e string) request {
			return request{"POST /e/", "ip=1&data=" + base64.RawURLEncoding.EncodeToString([]byte(e))}
		},
		"form, JSON": func(e string) request { return request{"POST /e/", "data=" + url.QueryEscape(e)} },
		"form, gzip in base64": func(e string) request {
			return request{"POST /e/?compression=gzip", "data=" + url.QueryEscape(base64ed(gzipped(t, []byte(e))))}
		},
		"form with its key": func(e string) request {
			return request{"POST /batch", "api_key=phc_shop&data=" + url.QueryEscape(base64ed(e))}
		},
		"base64 alone":    func(e string) request { return request{"POST /e/?compression=base64", base64ed(e)} },
		"query":           func(e string) request { return request{"GET /e/?ip=1&data=" + url.QueryEscape(base64ed(e)), ""} },
		"query, JSON":     func(e string) request { return request{"GET /capture/?data=" + url.QueryEscape(e), ""} },
		"query of a POST": func(e string) request { return request{"POST /e/?data=" + url.QueryEscape(base64ed(e)), " \n"} },
	}
	n := 0
	for name, wrap := range wrappings {
		e := fmt.Sprintf(event, n)
		n++
		r := wrap(e)
		a := s.request(t, r.head+" HTTP/1.1"+form, r.body)
		if a.StatusCode != 200 || a.Text != `{"status":1}` || a.Header.Get("Touchline-Verdict") != "accepted=1" {
			t.Errorf("%s: %d %s %q", name, a.StatusCode, a.Text, a.Header.Get("Touchline-Verdict"))
		}
	}
	records := s.records(t)
	if len(records) != n {
		t.Errorf("%d records of %d requests", len(records), n)
	}
	for _, r := range records {
		if r.Project != "shop" || r.Protocol != "posthog" || r.Endpoint != "capture" || r.Key != "shop/u/u" || r.RejectReason != "" || len(r.MID) == 0 ||
			!strings.Contains(string(r.Event), "Émoji 🎉") {
			t.Errorf("%s %s %s %s: %s", r.Project, r.Endpoint, r.Key, r.RejectReason, r.Event)
		}
	}
}

// Where a request says when it was sent, what SDK it is from and what is to happen
// with it.
func TestPosthogRequest(t *testing.T) {
	for _, c := range []struct{ name, head, body, endpoint, sentAt, context string }{
		{"body", "POST /batch/?_=1", `{"api_key":"phc_shop","sent_at":"2026-11-22T10:00:00Z","batch":[{}]}`, "capture", "2026-11-22T10:00:00Z", ""},
		{"query", "POST /e/?_=1795290440214", `{"api_key":"phc_shop"}`, "capture", "1795290440214", ""},
		{"query that is no time", "POST /e/?_=x1795290440214", `{"api_key":"phc_shop"}`, "capture", "", ""},
		{"body that is no time", "POST /e/", `{"api_key":"phc_shop","sent_at":"a\u0000b"}`, "capture", "", ""},
		{"history", "POST /batch/", `{"api_key":"phc_shop","historical_migration":true,"batch":[{}]}`, "import", "", ""},
		{"no history", "POST /batch/", `{"api_key":"phc_shop","historical_migration":false,"batch":[{}]}`, "capture", "", ""},
		{"engage", "POST /engage/", `{"$token":"phc_shop","$distinct_id":"u","$set":{"a":1}}`, "engage", "", ""},
		{
			"version 1", "POST /i/v1/analytics/events HTTP/1.1\nAuthorization: Bearer phc_shop\nPostHog-Sdk-Info: posthog-node/5.70.0\nPostHog-Request-Timestamp: 2026-11-22T10:00:01Z",
			`{"created_at":"2026-11-22T10:00:00Z","batch":[{"uuid":"01a1ffa4-6892-73a5-9e47-e4242dc67ed0"}]}`,
			"v1", "2026-11-22T10:00:01Z", `{"$lib":"posthog-node","$lib_version":"5.70.0"}`,
		}, {
			"version 1, headers that lie", "POST /i/v1/analytics/events/ HTTP/1.1\nAuthorization: bearer phc_shop\nPostHog-Sdk-Info: a\"b/\\",
			`{"created_at":"2026-11-22T10:00:00Z","api_key":"phc_other","historical_migration":true,"batch":[{"uuid":"01a1ffa4-6892-73a5-9e47-e4242dc67ed0","token":"phc_other"}]}`,
			"import", "2026-11-22T10:00:00Z", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startPosthog(t)
			head := c.head
			if !strings.Contains(head, " HTTP/1.1") {
				head += " HTTP/1.1"
			}
			if a := s.request(t, head, c.body); a.StatusCode != 200 {
				t.Fatalf("%d %s", a.StatusCode, a.Text)
			}
			records := s.records(t)
			if len(records) != 1 {
				t.Fatalf("%d records", len(records))
			}
			if r := records[0]; r.Project != "shop" || r.Endpoint != c.endpoint || r.SentAt != c.sentAt || string(r.Context) != c.context {
				t.Errorf("%s %s %q %q", r.Project, r.Endpoint, r.SentAt, r.Context)
			}
		})
	}
}

// The address is kept unless the SDK was told not to use it.
func TestPosthogAddress(t *testing.T) {
	s := startPosthog(t)
	for _, path := range []string{"/e/?ip=1", "/e/?ip=0"} {
		s.post(t, path, `{"api_key":"phc_shop","event":"`+path+`"}`).want(t, 200, `{"status":1}`)
	}
	for _, r := range s.records(t) {
		if kept := r.ClientIP != ""; kept != strings.Contains(string(r.Event), "ip=1") {
			t.Errorf("%s: address %q", r.Event, r.ClientIP)
		}
	}
}

// What cannot be used is kept and answered like a success; nothing harms its
// neighbours.
func TestPosthogUnusable(t *testing.T) {
	for _, c := range []struct {
		name, head, body string
		status           int
		verdict          string
		rejected         string
	}{
		{"a bad neighbour", "POST /batch/", `{"api_key":"phc_shop","batch":[{"event":"a"},{"event":NaN},7,{"event":"b"}]}`, 200, "accepted=2, rejected=2", `{"event":NaN}`},
		{"broken off", "POST /batch/", `{"api_key":"phc_shop","batch":[{"event":"a"},{"event":"b"`, 200, "accepted=1, rejected=1", `{"event":"b"`},
		{"lz-string", "POST /e/?compression=lz64&token=phc_shop", "data=N4IgbghgTgNglgZwLYgFwHYA", 200, "accepted=0, rejected=1", "data=N4IgbghgTgNglgZwLYgFwHYA"},
		{"neither JSON nor base64", "POST /e/?token=phc_shop", "data=%%%", 200, "accepted=0, rejected=1", "data=%%%"},
		{"base64 of no JSON", "POST /e/?token=phc_shop", "data=aGVsbG8=", 200, "accepted=0, rejected=1", "hello"},
		{"a key that opens nothing", "POST /e/", `{"api_key":"mp_key","event":"a"}`, 401, "refused=0, reason=unauthorized", ""},
		{"a key beside one that opens nothing", "POST /e/", `[{"event":"a","token":"phc_shop"},{"event":"b","properties":{"token":"mp_key"}}]`, 200, "accepted=1, rejected=1", ""},
		{"no key", "POST /e/", `[{"event":"a"}]`, 401, "refused=1, reason=unauthorized", ""},
		{"no events, no key", "POST /e/", `[]`, 401, "refused=0, reason=unauthorized", ""},
		{"nothing", "POST /e/?token=phc_shop", ``, 400, "refused=0, reason=unreadable_body", ""},
		{"gzip that is none, in base64", "POST /e/?token=phc_shop", "data=" + base64ed("\x1f\x8bnothing"), 400, "refused=0, reason=unreadable_body", ""},
		{"version 1, no list", "POST /i/v1/analytics/events HTTP/1.1\nAuthorization: Bearer phc_shop", `{"event":"a"}`, 200, "accepted=0, rejected=1", `{"event":"a"}`},
		{"version 1, key in the body", "POST /i/v1/analytics/events", `{"api_key":"phc_shop","batch":[{"uuid":"01a1ffa4-6892-73a5-9e47-e4242dc67ed0"}]}`, 401, "refused=1, reason=unauthorized", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startPosthog(t)
			head := c.head
			if !strings.Contains(head, " HTTP/1.1") {
				head += " HTTP/1.1"
			}
			a := s.request(t, head, c.body)
			if have := a.Header.Get("Touchline-Verdict"); a.StatusCode != c.status || have != c.verdict || !json.Valid([]byte(a.Text)) {
				t.Errorf("%d %q %s, want %d %q", a.StatusCode, have, a.Text, c.status, c.verdict)
			}
			kept := c.rejected == ""
			for _, r := range s.records(t) {
				kept = kept || r.RejectReason != "" && string(r.Event) == c.rejected
			}
			if !kept {
				t.Errorf("%q is not kept", c.rejected)
			}
		})
	}
}

// Version 1 answers for each event by its UUID, whose faults are its own.
func TestPosthogResults(t *testing.T) {
	s := startPosthog(t)
	const head = "POST /i/v1/analytics/events HTTP/1.1\nAuthorization: Bearer phc_shop"
	id := func(n int) string { return fmt.Sprintf("01a1ffa4-6892-73a5-9e47-%012d", n) }
	send := func(batch, verdict, want string) {
		t.Helper()
		a := s.request(t, head, `{"batch":[`+batch+`]}`)
		if have := a.Header.Get("Touchline-Verdict"); a.StatusCode != 200 || have != verdict || a.Text != want {
			t.Errorf("%d %q %s\nwant %q %s", a.StatusCode, have, a.Text, verdict, want)
		}
	}
	ok := func(n int) string { return `"` + id(n) + `":{"result":"ok"}` }
	one, two, three := `{"uuid":"`+id(1)+`"}`, `{"uuid":"`+id(2)+`","event":"e"}`, `{"uuid":"`+id(3)+`"}`
	send(one+","+two, "accepted=2", `{"results":{`+ok(1)+`,`+ok(2)+`}}`)
	send(two+","+three, "accepted=2, duplicate=1", `{"results":{"`+id(2)+`":{"result":"ok","details":"duplicate"},`+ok(3)+`}}`)
	send(`{"uuid":"`+id(4)+`"},{"uuid":"`+id(4)+`","event":"other"},{"uuid":"no \"uuid\""},{"event":"none"},{"uuid":"`+id(5)+`","x":NaN},7,{"uuid":"`+id(6)+`"}`,
		"accepted=3, rejected=4", `{"results":{`+ok(4)+`,"no \"uuid\"":{"result":"drop","details":"wrong_type"},"`+id(5)+`":{"result":"drop","details":"malformed_json"},`+ok(6)+`}}`)
	send(``, "accepted=0", `{"results":{}}`)
	reasons := map[string]int{}
	for _, r := range s.records(t) {
		reasons[string(r.RejectReason)]++
	}
	if want := "map[:7 malformed_json:1 missing_field:1 not_an_object:1 wrong_type:1]"; fmt.Sprint(reasons) != want {
		t.Errorf("records %v, want %s", reasons, want)
	}
}

// The browser's SDK and version 1 lose their events when they are told that they
// send too much; both send again after 503.
func TestPosthogTooMuch(t *testing.T) {
	s := startPosthog(t)
	for _, head := range []string{"POST /e/ HTTP/1.1", "POST /i/v1/analytics/events HTTP/1.1\nAuthorization: Bearer phc_slow"} {
		limited := false
		for i := range 20 {
			a := s.request(t, head, fmt.Sprintf(`{"api_key":"phc_slow","batch":[{"uuid":"01a1ffa4-6892-73a5-9e47-%012d"}]}`, i))
			switch a.StatusCode {
			case 200:
			case 503:
				limited = limited || a.Header.Get("Retry-After") != "" && strings.Contains(a.Text, `"rate_limited"`)
			default:
				t.Fatalf("%s: %d %s", head, a.StatusCode, a.Text)
			}
		}
		if !limited {
			t.Errorf("%s: never limited", head)
		}
	}
}

// Requests to paths that other protocols have as well.
func TestPosthogSharedPaths(t *testing.T) {
	s := startPosthog(t)
	ours := 0
	for _, c := range []struct {
		name, head, body string
		ours             bool
	}{
		{"Amplitude's batch", "POST /batch", `{"api_key":"phc_shop","events":[{"event_type":"e","device_id":"dddddd"}]}`, false},
		{"Mixpanel's event", "POST /track", `[{"event":"e","properties":{"mp_lib":"web","$lib_version":"2","token":"phc_shop"}}]`, false},
		{"Mixpanel's form", "POST /track", "data=" + base64ed(`{"event":"e","properties":{"token":"mp_key","mp_lib":"web"}}`), false},
		{"Mixpanel's query", "GET /track?data=" + url.QueryEscape(base64ed(`{"event":"e","properties":{"token":"mp_key"}}`)), "", false},
		{"Mixpanel's person", "POST /engage", `[{"$token":"mp_key","$distinct_id":"u","$set":{}}]`, false},
		{"event", "POST /track", `[{"event":"e","properties":{"$lib":"web","token":"phc_shop"}}]`, true},
		{"form", "POST /track", "data=" + base64ed(`{"event":"e","properties":{"token":"phc_shop"}}`), true},
		{"long form", "POST /track", "data=" + url.QueryEscape(base64ed(`{"event":"e","properties":{"$lib":"web","token":"phc_shop","x":"`+strings.Repeat("x", 9000)+`"}}`)), true},
		{"query", "GET /track?ip=1&data=" + url.QueryEscape(base64ed(`{"event":"e","properties":{"$lib":"web","token":"phc_shop"}}`)), "", true},
		{"person", "POST /engage", `{"api_key":"phc_shop","distinct_id":"u","$set":{}}`, true},
		{"batch of gzip", "POST /batch", gzipped(t, []byte(`{"api_key":"phc_shop","batch":[{}]}`)), true},
	} {
		a := s.request(t, c.head+" HTTP/1.1", c.body)
		n := 0
		for _, r := range s.records(t) {
			if r.Protocol == "posthog" {
				n++
			}
		}
		if c.ours {
			ours++
		}
		if n != ours {
			t.Fatalf("%s: %d %s, %d records of ours, want %d", c.name, a.StatusCode, a.Text, n, ours)
		}
	}
}

// What SDKs ask for at their start, and what is taken and not stored.
func TestPosthogBoot(t *testing.T) {
	s := startPosthog(t)
	for _, c := range []struct {
		head, body, kind string
		status           int
		holds            string
	}{
		{"GET /array/phc_shop/config.js", "", "application/javascript", 200, `["phc_shop"]={config:{"supportedCompression":`},
		{"GET /array/phc_shop/config", "", "application/json", 200, `"analytics":{"endpoint":"/i/v0/e/"}`},
		{"GET /array/mp_key/config.js", "", "application/javascript", 404, ""},
		{"GET /array/%3Cscript%3E%22/config.js", "", "application/javascript", 404, ""},
		{"GET /array/mp_key/config", "", "application/json", 404, "{}"},
		{"GET /posthog/array/phc_shop/config?ip=0&_=1", "", "application/json", 200, `"surveys":false`},
		{"POST /flags/?v=2", `{"token":"phc_shop","distinct_id":"u"}`, "application/json", 200, `"featureFlags":{}`},
		{"POST /decide/?v=3&ip=1&_=1795290440217&ver=1.57.2", "data=e30%3D", "application/json", 200, `"featureFlagPayloads":{}`},
		{"POST /decide/", "data=e30%3D", "application/json", 200, `"featureFlags":[]`},
		{"GET /decide/?v=2&data=e30%3D", "", "application/json", 200, `"enable_collect_everything":true`},
		{"GET /api/surveys/?token=phc_shop", "", "application/json", 200, `{"surveys":[]}`},
		{"GET /api/early_access_features/?token=phc_shop", "", "application/json", 200, `{"earlyAccessFeatures":[]}`},
		{"POST /s/?compression=gzip-js&ip=1", gzipped(t, []byte(`{"event":"$snapshot"}`)), "application/json", 200, `{"status":1}`},
		{"POST /i/v1/logs", "\x0a\x01", "application/json", 200, `{"status":1}`},
		{"POST /i/v1/metrics", `{"resourceMetrics":[]}`, "application/json", 200, `{"status":1}`},
		{"POST /report/?token=phc_shop", `{"csp-report":{}}`, "application/json", 200, `{"status":1}`},
	} {
		a := s.request(t, c.head+" HTTP/1.1\nOrigin: https://shop.example", c.body)
		if a.StatusCode != c.status || !strings.HasPrefix(a.Header.Get("Content-Type"), c.kind) || !strings.Contains(a.Text, c.holds) {
			t.Errorf("%s: %d %q %s", c.head, a.StatusCode, a.Header.Get("Content-Type"), a.Text)
		}
		if c.kind == "application/json" && !json.Valid([]byte(a.Text)) {
			t.Errorf("%s: no JSON: %s", c.head, a.Text)
		}
		if a.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
			t.Errorf("%s: %v", c.head, a.Header)
		}
		if c.status == 404 && c.kind != "application/json" && a.Text != "" {
			t.Errorf("%s: %q would be run", c.head, a.Text)
		}
	}
	if n := len(s.records(t)); n != 0 {
		t.Errorf("%d records", n)
	}
}

// The collector finds the same device or user as the enricher, whose adapter reads
// the same file: the partition is that of the person's other events.
func TestPosthogKeys(t *testing.T) {
	s := startPosthog(t)
	var events []string
	want := map[string]string{}
	for line := range strings.Lines(readText(t, "../../schemas/testdata/posthog_keys.jsonl")) {
		var c struct {
			Key   string
			Event json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		events = append(events, string(c.Event))
		want[string(c.Event)] = "shop/" + c.Key
	}
	a := s.request(t, "POST /batch HTTP/1.1", `{"api_key":"phc_shop","batch":[`+strings.Join(events, ",")+`]}`)
	a.want(t, 200, `{"status":1}`)
	for _, r := range s.records(t) {
		if r.Key != want[string(r.Event)] {
			t.Errorf("%s: key %s, want %s", r.Event, r.Key, want[string(r.Event)])
		}
	}
	if len(events) < 40 {
		t.Errorf("only %d events", len(events))
	}
}

func readText(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func FuzzPosthog(f *testing.F) {
	paths := []string{"/e", "/i/v0/e", "/batch", "/posthog/track", "/posthog/engage", "/i/v1/analytics/events"}
	for i, sdk := range []string{"posthog", "posthog-157", "posthog-lite", "posthog-http", "posthog-go", "posthog-node"} {
		if n := recordedSeeds(f, sdk, func(r recorded, query string) { f.Add(byte(i), query, []byte(r.text())) }, "*-POST_*.json"); n == 0 {
			f.Fatalf("no recordings of %s", sdk)
		}
	}
	for _, body := range []string{
		`data=`, `data=%7B`, `data=H4sI`, `[{"properties":{"token":"phc_shop","$device_id":{}},"options":[]},1]`, `{"batch":[{"uuid":"\ud800"},{}],"batch":[{"properties":[]`,
		`{"api_key":7,"batch":{}}`, `{"historical_migration":true,"sent_at":"\u0000","batch":[{}]}`,
	} {
		for i := range paths {
			f.Add(byte(i), "compression=lz64&ip=0&_=1&token=phc_shop", []byte(body))
		}
	}
	s := startWithProjects(f, posthogProjects, kafkatest.Start(f), zap.NewNop(), nil)
	f.Fuzz(func(t *testing.T, which byte, query string, body []byte) {
		for _, c := range []byte(query) {
			if c <= ' ' || c > '~' || c == '#' {
				return // no request line
			}
		}
		req, err := http.NewRequest(http.MethodPost, "http://"+s.Addr()+paths[int(which)%len(paths)], bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.URL.RawQuery = query
		req.Header.Set("Authorization", "Bearer phc_shop")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode >= 500 || !json.Valid(text) || res.StatusCode < 300 && res.StatusCode != 200 {
			t.Fatalf("%d %q", res.StatusCode, text)
		}
		if res.StatusCode == http.StatusNotFound {
			return // a path of several, and not ours
		}
		counts := verdictOf(t, res.Header)
		if _, taken := counts["accepted"]; taken != (res.StatusCode == 200) {
			t.Fatalf("%d, verdict %v", res.StatusCode, counts)
		}
	})
}
