package collector_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/kafkatest"
)

// rejectedFor are the reasons in the raw topic, by the key of the record or, where
// that is the receipt's, by "".
func rejectedFor(records []raw) map[string]event.Reason {
	reasons := map[string]event.Reason{}
	for _, r := range records {
		key := r.Key
		if strings.HasPrefix(key, "shop/r/") {
			key = ""
		}
		reasons[key] = r.RejectReason
	}
	return reasons
}

func TestAmplitudeBatches(t *testing.T) {
	s := start(t)
	const ok = `{"code":200,"events_ingested":%d,"payload_size_bytes":%d,"server_upload_time":1795341600123}`
	const head = "POST /2/httpapi HTTP/1.1"
	taken := func(head, body string, n int) {
		t.Helper()
		s.request(t, head, body).want(t, 200, fmt.Sprintf(ok, n, len(body)))
	}
	taken(head, `{"api_key":"wk_test","events":[{"device_id":"d1","insert_id":"i1","event_type":"e"},{"user_id":"u1","event_type":"e"}],"client_upload_time":"2026-11-21T19:48:46.485Z"}`, 2)
	taken(head+"\nContent-Type: text/plain;charset=UTF-8", `{"events":[{"device_id":"d2","event_type":"e"}],"options":{"min_id_length":1},"api_key":"wk_test"}`, 1)
	taken("POST /batch HTTP/1.1", `{"api_key":"wk_test","events":[{"device_id":"ab","event_type":"e"}]}`, 1)
	taken("POST /amplitude/batch HTTP/1.1", `{"api_key":"wk_test","events":[]}`, 0)
	zipped := `{"api_key":"wk_test","events":[{"device_id":"d3","event_type":"e"}]}`
	s.request(t, head+"\nContent-Encoding: gzip", gzipped(t, []byte(zipped))).want(t, 200, fmt.Sprintf(ok, 1, len(zipped)))
	// One that cannot be used harms no other.
	mixed := `{"api_key":"wk_test","events":[{"device_id":"d4","event_type":"e"},7,{"device_id":"d5","event_type":nope},{"device_id":"d6","event_type":"e"}]}`
	s.request(t, head, mixed).want(t, 200, fmt.Sprintf(strings.TrimSuffix(ok, "}"), 2, len(mixed))+`,"rejected_events":{"malformed_json":[2],"not_an_object":[1]}}`)
	want := map[string]event.Reason{
		"shop/d/d1": "", "shop/u/u1": "", "shop/d/d2": "", "shop/d/ab": "", "shop/d/d3": "", "shop/d/d4": "", "shop/d/d6": "",
		"": event.NotAnObject, "shop/d/d5": event.MalformedJSON,
	}
	records := s.records(t)
	if got := rejectedFor(records); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, r := range records {
		if r.Endpoint != "v2" || r.Protocol != "amplitude" || (r.SentAt != "") != (r.Key == "shop/d/d1" || r.Key == "shop/u/u1") || (r.MID != "") != (r.Key == "shop/d/d1") {
			t.Errorf("%+v", r)
		}
	}
}

func TestAmplitudeForms(t *testing.T) {
	s := start(t)
	const head = "POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8"
	s.request(t, head, `client=wk%5Ftest&e=%5B%7B%22device_id%22%3A%22a+b%25%2B%22%2C%22uuid%22%3A%22m%22%7D%5D&upload_time=1795290537179&v=2&checksum=x`).want(t, 200, "success")
	s.request(t, head, `client=wk_test&e={"device_id":"one"}`).want(t, 200, "success")
	s.request(t, head, `client=wk_test&e=%5B%7B%22device_id%22`).want(t, 200, "success")
	s.request(t, "POST /amplitude HTTP/1.1", `client=wk_test`).want(t, 200, "success")
	s.request(t, head, `client=nobody&e=%5B%7B%7D%5D`).want(t, 401, "invalid_api_key")
	// The root is the landing page for everybody else.
	if a := s.request(t, "POST / HTTP/1.1", `{"client":"wk_test","e":[]}`); a.StatusCode != 404 && a.StatusCode != 405 {
		t.Errorf("%d %s", a.StatusCode, a.Text)
	}
	s.request(t, "GET / HTTP/1.1", "").want(t, 200, "touchline collector\n")
	records := s.records(t)
	if got := rejectedFor(records); len(records) != 4 || len(got) != 3 || got["shop/d/a b%+"] != "" || got["shop/d/one"] != "" || got[""] == "" {
		t.Errorf("%d records: %v", len(records), got)
	}
	for _, r := range records {
		timed := r.Key == "shop/d/a b%+"
		if r.Endpoint != "v1" || timed && (r.SentAt != "1795290537179" || r.MID == "" || string(r.Event) != `{"device_id":"a b%+","uuid":"m"}`) {
			t.Errorf("%+v", r)
		}
	}
}

// Each refusal is in the words that stop or delay the SDKs.
func TestAmplitudeRefusals(t *testing.T) {
	const file = `
projects:
  - id: shop
    write_keys:
      - wk_test
      - {key: wk_slow, rate: {events_per_second: 1, burst: 2}}
      - {key: wk_page, origins: [https://shop.example]}
`
	s := startWithProjects(t, file, kafkatest.Start(t), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), nil)
	const head = "POST /2/httpapi HTTP/1.1"
	for _, body := range []string{`{"api_key":"nobody","events":[{}]}`, `{"events":[{}]}`, ``} {
		if a := s.request(t, head, body); a.StatusCode != 400 || !strings.HasPrefix(a.Text, `{"code":400,"error":"Invalid API key: `) || !strings.HasSuffix(a.Text, `,"missing_field":"api_key"}`) {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.Text)
		}
	}
	const three = `{"api_key":"wk_slow","events":[{"user_id":"a"},{"user_id":"b"},{"user_id":"c"}]}`
	s.request(t, head, strings.Replace(three, `,{"user_id":"c"}`, "", 1)) // uses up what the key may send
	s.request(t, head, three).
		want(t, 429, `{"code":429,"error":"more events than this write key may send","throttled_events":[0,1,2]}`)
	s.request(t, head+"\nOrigin: https://elsewhere.example", `{"api_key":"wk_page","events":[{}]}`).
		want(t, 400, `{"code":400,"error":"Invalid API key: the write key is not for pages of this origin","missing_field":"api_key"}`)
	// A body whose structure breaks is kept, as long as it says whose it is.
	if a := s.request(t, head, `{"api_key":"wk_test","events":[{"user_id":"a"},{"user`); a.StatusCode != 200 || !strings.Contains(a.Text, `"rejected_events":{"malformed_json":[1]}`) {
		t.Errorf("%d %s", a.StatusCode, a.Text)
	}
	if a := s.request(t, head, `{"api_key":"wk_test"}`); a.StatusCode != 200 || !strings.Contains(a.Text, `"rejected_events":{"malformed_batch":[0]}`) {
		t.Errorf("%d %s", a.StatusCode, a.Text)
	}
	rejected := 0
	for _, r := range s.records(t) {
		if r.RejectReason != "" {
			rejected++
		} else if r.Key != "shop/u/a" && r.Key != "shop/u/b" {
			t.Errorf("%+v", r)
		}
	}
	if rejected != 2 {
		t.Errorf("%d rejected records, want 2", rejected)
	}
}
