package collector_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/services/internal/kafkatest"
)

// The same event in every wrapping is the same event.
func TestMixpanelWrappings(t *testing.T) {
	const one = `{"event":"Émoji 🎉 >?","properties":{"token":"wk_test","distinct_id":"$device:d","$insert_id":"m"}}`
	const halves = "Émoji \xED\xA0\xBC\xED\xBE\x89 >?" // of the character, each as three bytes
	apart := strings.Replace(one, "Émoji 🎉 >?", halves, 1)
	packed := base64.StdEncoding.EncodeToString([]byte(one))
	if !strings.ContainsAny(packed, "+/") {
		t.Fatalf("%s has nothing to escape", packed)
	}
	s := start(t)
	fresh := s.fresh()
	for _, c := range []struct{ name, head, body, want string }{
		{"JSON", "POST /track HTTP/1.1", one, "1"},
		{"list", "POST /track/?verbose=1&ip=1&_=1795290496349 HTTP/1.1", "[\n  " + one + "\n]", `{"status":1,"error":null}`},
		{"JSON in two halves", "POST /track HTTP/1.1", apart, "1"},
		{"form", "POST /track HTTP/1.1", "data=" + url.QueryEscape(packed), "1"},
		{"form without escapes", "POST /track HTTP/1.1\nContent-Type: text/plain;charset=UTF-8", "data=" + packed, "1"},
		{"form in two halves", "POST /track HTTP/1.1", "ip=1&data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(apart))), "1"},
		{"form of JSON", "POST /track HTTP/1.1", "data=" + url.QueryEscape(one) + "&verbose=1", "1"},
		{"form of a list", "POST /track HTTP/1.1", "data=" + url.QueryEscape("["+one+"]"), "1"},
		{"base64 alone", "POST /track HTTP/1.1", packed, "1"},
		{"base64 of URLs, no padding", "POST /track HTTP/1.1", "data=" + base64.RawURLEncoding.EncodeToString([]byte(one)), "1"},
		{"gzip in base64", "POST /mixpanel/track HTTP/1.1", "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(gzipped(t, []byte(one))))), "1"},
		{"gzip", "POST /track HTTP/1.1\nContent-Encoding: gzip", gzipped(t, []byte("data="+url.QueryEscape(packed))), "1"},
		{"query", "GET /track/?data=" + url.QueryEscape(packed) + "&ip=1&_=1795290496349 HTTP/1.1", "", "1"},
		{"query without escapes", "GET /mixpanel/track?verbose=1&data=" + packed + " HTTP/1.1", "", `{"status":1,"error":null}`},
		{"query of JSON", "GET /track?data=" + url.QueryEscape(one) + " HTTP/1.1", "", "1"},
		{"query of a POST", "POST /track?data=" + url.QueryEscape(packed) + " HTTP/1.1", "", "1"},
		{"lines", "POST /import HTTP/1.1", one + "\n" + one + "\n", `{"code":200,"num_records_imported":2,"status":"OK"}`},
	} {
		s.request(t, c.head, c.body).want(t, 200, c.want)
		records := fresh(t)
		if want := 1 + strings.Count(c.body, "\n"+one); len(records) != want && c.name != "list" || len(records) == 0 {
			t.Fatalf("%s: %d records, want %d", c.name, len(records), want)
		}
		for _, r := range records {
			if string(r.Event) != one || r.Key != "shop/d/d" || r.MID == "" || r.RejectReason != "" || (r.SentAt != "") != strings.Contains(c.head, "_=") {
				t.Errorf("%s: %+v", c.name, r)
			}
		}
	}
	a := s.request(t, "GET /track?img=1&data="+url.QueryEscape(packed)+" HTTP/1.1", "")
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
}

func TestMixpanelIDs(t *testing.T) {
	s := start(t)
	fresh := s.fresh()
	for _, c := range []struct{ path, body, key string }{
		{"track", `{"event":"e","properties":{"token":"wk_test","distinct_id":"u","$device_id":"d"}}`, "d/d"},
		{"track", `{"event":"e","properties":{"token":"wk_test","distinct_id":"u"}}`, "u/u"},
		{"track", `{"event":"e","properties":{"token":"wk_test","distinct_id":"x","$user_id":"u"}}`, "u/u"},
		{"track", `{"event":"$identify","properties":{"token":"wk_test","distinct_id":"u","$device_id":"d","$anon_distinct_id":"$device:a"}}`, "d/a"},
		{"track", `{"event":"$create_alias","properties":{"token":"wk_test","distinct_id":"u","alias":"v"}}`, "u/v"},
		{"track", `{"properties":{"\u0024device_id":"d\u00e9","token":"wk_test"}}`, "d/dé"},
		{"engage", `{"$token":"wk_test","$distinct_id":"u","$set":{"a":1}}`, "u/u"},
		{"engage", `{"$token":"wk_test","$distinct_id":"u","$device_id":"d","$set":{"a":1}}`, "d/d"},
		{"groups", `{"$token":"wk_test","$group_key":"company","$group_id":5,"$set":{"a":1}}`, "d/$company_5"},
		{"groups", `{"$token":"wk_test","$group_key":"company","$group_id":"acme","$distinct_id":"u"}`, "u/u"},
	} {
		s.request(t, "POST /"+c.path+" HTTP/1.1", c.body).want(t, 200, "1")
		if r := fresh(t)[0]; r.Key != "shop/"+c.key || r.Endpoint != c.path || r.Protocol != "mixpanel" || r.RejectReason != "" {
			t.Errorf("%s: %+v", c.body, r)
		}
	}
}

// A strict import is told what is wrong with which event; the others are stored
// all the same, and so are the bytes of those.
func TestMixpanelImport(t *testing.T) {
	const file = `
projects:
  - {id: shop, write_keys: [wk_test, {key: "12345", protocols: [mixpanel], kind: secret}, {key: sa.user, protocols: [mixpanel], kind: secret}]}
`
	s := startWithProjects(t, file, kafkatest.Start(t), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), nil)
	event1 := `{"event":"a","properties":{"distinct_id":"u","$insert_id":"m1"}}`
	auth := "\nAuthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("sa.user:secret"))
	for _, c := range []struct {
		head, body string
		status     int
		want       string
	}{
		{"POST /import?strict=1&project_id=7&verbose=1 HTTP/1.1" + auth, "[" + event1 + "]", 200, `{"code":200,"num_records_imported":1,"status":"OK"}`},
		{"POST /import?strict=1&project_id=12345 HTTP/1.1", gzipped(t, []byte(event1+"\n"+event1)), 200, `{"code":200,"num_records_imported":2,"status":"OK"}`},
		{"POST /import?strict=1&project_id=12345 HTTP/1.1", `[` + event1 + `,{"event":nope,"properties":{"distinct_id":"v","$insert_id":"m2"}},` + event1 + `]`, 400,
			`{"code":400,"num_records_imported":2,"status":"Bad Request","error":"some data points in the request failed validation",` +
				`"failed_records":[{"index":1,"insert_id":"m2","field":"malformed_json","message":"a string, number or word in it is not JSON"}]}`},
		{"POST /import?strict=0&project_id=12345 HTTP/1.1", `[7,` + event1 + `]`, 200,
			`{"code":200,"num_records_imported":1,"status":"OK","failed_records":[{"index":0,"insert_id":"","field":"not_an_object","message":"JSON, but not an object"}]}`},
		{"POST /import?verbose=0&ip=1 HTTP/1.1" + auth, event1, 200, "1"},
		{"POST /import?verbose=1 HTTP/1.1" + auth, event1, 200, `{"status":1,"error":null,"code":200,"num_records_imported":1}`},
		{"POST /import?verbose=1 HTTP/1.1\nAuthorization: Basic bm9ib2R5Og==", `{"event":"a","properties":{"distinct_id":"u","token":"wk_test"}}`, 200, `{"status":1,"error":null,"code":200,"num_records_imported":1}`},
	} {
		s.request(t, c.head, c.body).want(t, c.status, c.want)
	}
	if a := s.request(t, "POST /import?strict=1&project_id=9 HTTP/1.1", event1); a.StatusCode != 401 || !strings.Contains(a.Text, `"status":"Unauthorized"`) {
		t.Errorf("%d %s", a.StatusCode, a.Text)
	}
	records := s.records(t)
	rejected := 0
	for _, r := range records {
		if r.Endpoint != "import" || strings.Contains(string(r.Event), "secret") {
			t.Errorf("%+v", r)
		}
		if r.RejectReason != "" {
			rejected++
		}
	}
	if len(records) != 11 || rejected != 2 {
		t.Errorf("%d records, %d rejected", len(records), rejected)
	}
}

func TestMixpanelAnswers(t *testing.T) {
	const file = `
projects:
  - {id: shop, write_keys: [wk_test, {key: wk_slow, rate: {events_per_second: 1, burst: 1}}]}
`
	s := startWithProjects(t, file, kafkatest.Start(t), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), nil)
	s.request(t, "POST /engage HTTP/1.1", `{"$token":"wk_slow","$distinct_id":"a"}`) // uses up what the key may send
	for _, c := range []struct {
		head, body string
		status     int
		want       string
	}{
		{"POST /track HTTP/1.1", `{"event":"e","properties":{"token":"nobody"}}`, 401, "0"},
		{"POST /track HTTP/1.1", ``, 401, "0"},
		{"GET /track HTTP/1.1", ``, 401, "0"},
		{"POST /track HTTP/1.1", `data=%%%`, 401, "0"}, // whose it is stands inside
		{"POST /engage?verbose=1 HTTP/1.1", `{"$token":"wk_slow","$distinct_id":"b"}`, 429, `{"status":0,"error":"more events than this write key may send"}`},
		{"POST /engage HTTP/1.1", `{"$token":"wk_slow","$distinct_id":"c"}`, 429, "0"},
		{"POST /engage?verbose=1 HTTP/1.1", `[{"$token":"nobody","$distinct_id":"d"},{"$token":"wk_test","$distinct_id":"e"}]`, 200,
			`{"status":1,"error":null,"rejected":[{"index":0,"insert_id":"","field":"unauthorized","message":"unknown write key"}]}`},
		{"GET /settings/?token=wk_test&mp_lib=web HTTP/1.1", ``, 200, `{}`},
		{"GET /mixpanel/flags?context=%7B%7D&token=wk_test HTTP/1.1", ``, 200, `{"flags":{}}`},
		{"POST /record/?distinct_id=a&seq=0 HTTP/1.1\nAuthorization: Basic d2tfdGVzdDo=", "\x1f\x8bnot gzip at all", 200, ``},
	} {
		a := s.request(t, c.head, c.body)
		if strings.Contains(c.head, "/record") {
			continue
		}
		a.want(t, c.status, c.want)
	}
	s.request(t, "POST /record/?distinct_id=a&seq=0 HTTP/1.1", `{"snapshots":[]}`).want(t, 200, `{"code":200,"status":"OK"}`)
	for _, r := range s.records(t) {
		if r.Key != "shop/u/a" && r.Key != "shop/u/e" || r.RejectReason != "" {
			t.Errorf("%+v", r)
		}
	}
}

// A server that sends ip=0 does not speak for the address of a client.
func TestMixpanelLeavesServersAddressOut(t *testing.T) {
	s := start(t)
	fresh := s.fresh()
	for _, query := range []string{"", "?ip=1", "?ip=0"} {
		s.request(t, "POST /track"+query+" HTTP/1.1", `{"event":"e","properties":{"token":"wk_test","distinct_id":"u"}}`).want(t, 200, "1")
		if r := fresh(t)[0]; (r.ClientIP == "") != (query == "?ip=0") {
			t.Errorf("%q: address %q", query, r.ClientIP)
		}
	}
}
