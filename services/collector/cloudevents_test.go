package collector_test

import (
	"strings"
	"testing"

	"touchline.dev/schemas/event"
)

// Events in binary mode become structured ones: attributes are decoded, and data
// is kept whatever it is.
func TestCloudEventsInBinaryMode(t *testing.T) {
	s := start(t)
	fresh := s.fresh()
	const head = "POST /cloudevents HTTP/1.1\nAuthorization: Bearer wk_test\nce-id: 1\nce-source: /s\nce-type: t\nce-anonymousid: a"
	for _, c := range []struct{ head, body, event string }{
		{"\nContent-Type: application/json", ` {"a": 1} `, `{"anonymousid":"a","id":"1","source":"/s","type":"t","datacontenttype":"application/json","data": {"a": 1} }`},
		{"\nContent-Type: application/vnd.shop+json; charset=utf-8", `[1]`, `{"anonymousid":"a","id":"1","source":"/s","type":"t","datacontenttype":"application/vnd.shop+json; charset=utf-8","data":[1]}`},
		{"\nContent-Type: application/json", `{"a":`, `{"anonymousid":"a","id":"1","source":"/s","type":"t","datacontenttype":"application/json","data":"{\"a\":"}`},
		{"\nContent-Type: text/plain", "hello é\n", `{"anonymousid":"a","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":"hello é\u000a"}`},
		{"\nContent-Type: text/plain", "\xff", `{"anonymousid":"a","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data_base64":"/w=="}`},
		{"\nContent-Type: application/octet-stream", "\x01\x02\x03", `{"anonymousid":"a","id":"1","source":"/s","type":"t","datacontenttype":"application/octet-stream","data_base64":"AQID"}`},
		{"", "", `{"anonymousid":"a","id":"1","source":"/s","type":"t"}`},
		{"\nce-subject: user-%C3%A9%20x+y", "", `{"anonymousid":"a","id":"1","source":"/s","subject":"user-é x+y","type":"t"}`},
		{"\nce-subject: user-\xe9", "", `{"anonymousid":"a","id":"1","source":"/s","subject":"user-é","type":"t"}`},
		{"\nce-subject: user-é", "", `{"anonymousid":"a","id":"1","source":"/s","subject":"user-é","type":"t"}`},
		{"\nce-subject: 100%\nce-x: a\"\\\nce-y: %E9", "", `{"anonymousid":"a","id":"1","source":"/s","subject":"100%","type":"t","x":"a\"\\","y":"%E9"}`},
		{"\nTransfer-Encoding: chunked", "4\r\n[1,2\r\n1\r\n]\r\n0\r\n\r\n", `{"anonymousid":"a","id":"1","source":"/s","type":"t","data":[1,2]}`},
	} {
		s.request(t, head+c.head, c.body).want(t, 204, "")
		if got := fresh(t); len(got) != 1 || string(got[0].Event) != c.event || got[0].Key != "shop/d/a" || got[0].RejectReason != "" {
			t.Errorf("%q %q:\n got %+v\nwant %s", c.head, c.body, got, c.event)
		}
	}
}

func TestCloudEventsModesAndKeys(t *testing.T) {
	s := start(t)
	fresh := s.fresh()
	const one = `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"user_id":"u"}}`
	for _, c := range []struct {
		head, body string
		status     int
		key        string
		project    string
	}{
		{"POST /cloudevents HTTP/1.1\nContent-Type: application/cloudevents+json\nAuthorization: Basic d2tfdGVzdDo=", one, 204, "u/u", "shop"},
		{"POST /v1/cloudevents?access_token=wk_test HTTP/1.1\nContent-Type: application/json", one, 204, "u/u", "shop"},
		{"POST /?writeKey=wk_test HTTP/1.1\nContent-Type: application/cloudevents-batch+json", "[" + one + "]", 204, "u/u", "shop"},
		{"POST /cloudevents HTTP/1.1\nce-id: 1\nce-type: t\nce-writekey: wk_other\nce-subject: s", "", 204, "d/s", "other"},
		{"POST /cloudevents HTTP/1.1", `{"id":"1","type":"t","source":"wk_other","subject":"s","userid":"v"}`, 204, "u/v", "other"},
		{"POST /cloudevents?writeKey=wk_test HTTP/1.1", `{"source":"/s","id":"1","type":"t"}`, 204, "m/", "shop"},
		{"POST /cloudevents HTTP/1.1\nAuthorization: Bearer wk_test\nContent-Type: text/xml", `<a/>`, 415, "", ""},
		{"POST /cloudevents HTTP/1.1\nAuthorization: Bearer nobody", one, 401, "", ""},
		{"POST /cloudevents HTTP/1.1", one, 401, "", ""},
		{"POST / HTTP/1.1\nAuthorization: Bearer wk_test", one, 404, "", ""},
	} {
		a := s.request(t, c.head, c.body)
		got := fresh(t)
		if a.StatusCode != c.status || (len(got) == 1) != (c.key != "") {
			t.Errorf("%s: %d %s, %d records", c.head, a.StatusCode, a.Text, len(got))
			continue
		}
		for _, r := range got {
			if r.Protocol != "cloudevents" || r.Project != c.project || !strings.HasPrefix(r.Key, c.project+"/"+c.key) {
				t.Errorf("%s: %+v", c.head, r)
			}
		}
	}
}

// Data that is too long for an event is rejected before it is written into one.
func TestCloudEventsLargeData(t *testing.T) {
	s := start(t)
	a := s.request(t, "POST /cloudevents HTTP/1.1\nAuthorization: Bearer wk_test\nce-id: 1\nce-type: t\nContent-Type: text/plain", strings.Repeat("\x00", 1<<20+1))
	if got := s.records(t); a.StatusCode != 200 || len(got) != 1 || got[0].RejectReason != event.EventTooLarge || got[0].OriginalBytes != 1<<20+1 {
		t.Errorf("%d %s, %d records", a.StatusCode, a.Text, len(got))
	}
}

// The same id of another source is another event.
func TestCloudEventsIdentity(t *testing.T) {
	s := start(t)
	a := s.post(t, "/cloudevents", `[{"id":"1","source":"a","type":"t"},{"id":"1","source":"b","type":"t"},{"id":"1","source":"a","type":"t"},{"source":"a","type":"t"},7]`)
	if a.StatusCode != 200 || a.Text != `{"accepted":4,"rejected":[{"index":4,"reason":"not_an_object","message":"JSON, but not an object"}]}` {
		t.Errorf("%d %s", a.StatusCode, a.Text)
	}
	byMID := map[string]int{}
	for _, r := range s.records(t) {
		byMID[r.MID]++
		if (r.RejectReason == event.NotAnObject) != (r.Index == 4) {
			t.Errorf("%+v", r)
		}
	}
	if len(byMID) != 3 || byMID[""] != 2 {
		t.Errorf("%v", byMID)
	}
}

func TestCloudEventsHandshake(t *testing.T) {
	s := start(t)
	a := s.request(t, "OPTIONS /cloudevents HTTP/1.1\nWebHook-Request-Origin: emitter.example\nWebHook-Request-Rate: 120", "")
	if a.StatusCode != 204 || a.Header.Get("WebHook-Allowed-Origin") != "emitter.example" || a.Header.Get("WebHook-Allowed-Rate") != "*" ||
		!strings.Contains(a.Header.Get("Allow"), "POST") {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	a = s.request(t, "OPTIONS /cloudevents HTTP/1.1", "")
	if a.StatusCode != 204 || a.Header.Get("WebHook-Allowed-Origin") != "" || a.Header.Get("WebHook-Allowed-Rate") != "" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if a = s.request(t, "OPTIONS /v1/track HTTP/1.1\nWebHook-Request-Origin: emitter.example", ""); a.Header.Get("WebHook-Allowed-Origin") != "" {
		t.Errorf("%v", a.Header)
	}
}
