package collector_test

import (
	"strings"
	"testing"

	"touchline.dev/schemas/event"
)

const measurementPath = "POST /mp/collect?measurement_id=G-1&api_secret=sec%2Bret HTTP/1.1"

func TestMeasurementAnswers(t *testing.T) {
	s := startTrackers(t)
	const one = `{"client_id":"c","events":[{"name":"e"}]}`
	for _, c := range []struct {
		head, body string
		status     int
		verdict    string
	}{
		{measurementPath, one, 204, "accepted=1"},
		{"POST /ga4/mp/collect?api_secret=sec%2Bret&measurement_id=G-1 HTTP/1.1", one, 204, "accepted=1"},
		{measurementPath, `{"events":[{"name":"e"},{"name":NaN},7],"client_id":"c"}`, 204, "accepted=1, rejected=2"},
		{measurementPath, `{"client_id":"c","events":[{"name":"e"},{`, 204, "accepted=1, rejected=1"},
		{measurementPath, `{"client_id":NaN,"events":[{"name":"e"}]}`, 204, "accepted=0, rejected=1"},
		{measurementPath, `{"client_id":"c"}`, 204, "accepted=0, rejected=1"},
		{measurementPath, `[1]`, 204, "accepted=0, rejected=1"},
		{measurementPath, `{"client_id":"c","events":[]}`, 204, "accepted=0"},
		{measurementPath, ``, 400, "refused=0, reason=unreadable_body"},
		{"POST /mp/collect?measurement_id=G-1&api_secret=guess HTTP/1.1", one, 401, "refused=0, reason=unauthorized"},
		{"POST /mp/collect?measurement_id=G-1 HTTP/1.1", one, 401, "refused=0, reason=unauthorized"},
		{"POST /mp/collect?tid=G-1 HTTP/1.1", one, 401, "refused=1, reason=unauthorized"},
		{"POST /mp/collect HTTP/1.1", one, 401, "refused=1, reason=unauthorized"},
		{measurementPath + "\nOrigin: https://shop.example", one, 403, "refused=1, reason=origin_denied"}, // a secret in a page
	} {
		a := s.request(t, c.head, c.body)
		if have := a.Header.Get("Touchline-Verdict"); a.StatusCode != c.status || have != c.verdict || c.status == 204 && a.Text != "" {
			t.Errorf("%s %s: %d %q %q, want %d %q", c.head, c.body, a.StatusCode, have, a.Text, c.status, c.verdict)
		}
	}
}

// The ids stand beside the events, before or behind them, and are their context
// together with whatever else stands there.
func TestMeasurementContext(t *testing.T) {
	s := startTrackers(t)
	s.request(t, measurementPath, `{ "timestamp_micros" : 1 , "events" : [ {"name":"a"}, {"name":"b"} ] , "user\u005fid":"ü\"", "client_id":77, "x":{"y":[]} }`).want(t, 204, "")
	s.request(t, measurementPath, `{"events":[{"name":"c"}],"app_instance_id":"i"}`).want(t, 204, "")
	s.request(t, measurementPath, `{"events":[{"name":"d"}]}`).want(t, 204, "")
	contexts := map[string]string{
		`{"name":"a"}`: `shop/d/77 {"timestamp_micros" : 1,"user\u005fid":"ü\"","client_id":77,"x":{"y":[]}}`,
		`{"name":"b"}`: `shop/d/77 {"timestamp_micros" : 1,"user\u005fid":"ü\"","client_id":77,"x":{"y":[]}}`,
		`{"name":"c"}`: `shop/d/i {"app_instance_id":"i"}`,
	}
	records := s.records(t)
	if len(records) != 4 {
		t.Fatalf("%d records", len(records))
	}
	for _, r := range records {
		if want := contexts[string(r.Event)]; want != "" && r.Key+" "+string(r.Context) != want {
			t.Errorf("%s: %s %s, want %s", r.Event, r.Key, r.Context, want)
		}
		if r.MID != "" || r.Endpoint != "mp" || strings.Contains(string(r.Context)+string(r.Event), "sec") {
			t.Errorf("record %+v", r)
		}
	}
	s.request(t, measurementPath, `{"x":`+strings.Repeat(`[`, 300)+strings.Repeat(`]`, 300)+`,"events":[{"name":"deep"}]}`).want(t, 204, "")
	for _, r := range s.records(t) {
		if strings.Contains(string(r.Event), "deep") && r.RejectReason != event.TooDeep {
			t.Errorf("a deep context is taken: %q", r.RejectReason)
		}
	}
}

func TestMeasurementDebug(t *testing.T) {
	s := startTrackers(t)
	for body, want := range map[string]string{
		`{"client_id":"c","events":[{"name":"e","params":{"a":1}}]}`: `{"validationMessages":[]}`,
		`{"user_id":7,"events":[{"name":"e"}]}`:                      `{"validationMessages":[]}`,
		`{`:                                                          `{"validationMessages":[{"fieldPath":"","description":"The request is not a JSON object with a list of events.","validationCode":"VALUE_INVALID"}]}`,
		`{"events":[{"name":"","params":{}},{"name":"e","params":7}]}`: `{"validationMessages":[` +
			`{"fieldPath":"client_id","description":"One of client_id, app_instance_id and user_id is needed.","validationCode":"VALUE_REQUIRED"},` +
			`{"fieldPath":"events[0].name","description":"An event needs a name.","validationCode":"VALUE_REQUIRED"},` +
			`{"fieldPath":"events[1].params","description":"The parameters are not an object.","validationCode":"VALUE_INVALID"}]}`,
		`{"client_id":"c"}`: `{"validationMessages":[{"fieldPath":"events","description":"The request has no events.","validationCode":"VALUE_REQUIRED"}]}`,
	} {
		s.request(t, "POST /debug/mp/collect?measurement_id=G-1&api_secret=x HTTP/1.1", body).want(t, 200, want)
	}
	if a := s.request(t, "POST /debug/mp/collect HTTP/1.1", strings.Repeat(" ", 257<<10)); a.StatusCode != 413 {
		t.Errorf("a long body: %d", a.StatusCode)
	}
	if a := s.request(t, "POST /debug/mp/collect HTTP/1.1", `{"events":[`+strings.Repeat("{},", 10000)+`{}]}`); a.StatusCode != 200 || strings.Count(a.Text, "fieldPath") != 100 {
		t.Errorf("many faults: %d, %d bytes", a.StatusCode, len(a.Text))
	}
	if n := len(s.records(t)); n != 0 {
		t.Errorf("%d records", n)
	}
}

const shared = "v=2&tid=G-1&cid=c%2E1&sid=5&_p=9&_s="

func TestTagAnswers(t *testing.T) {
	s := startTrackers(t)
	for _, c := range []struct {
		head, body string
		status     int
		verdict    string
	}{
		{"POST /g/collect?" + shared + "1&en=page_view HTTP/1.1", "", 204, "accepted=1"},
		{"POST /g/collect?" + shared + "1&en=page_view HTTP/1.1", "", 204, "accepted=1, duplicate=1"},    // the browser's resend
		{"POST /g/collect?" + shared + "2&en=page_view HTTP/1.1", "", 204, "accepted=1"},                 // another of the same name
		{"GET /ga4/g/collect?" + shared + "1&en=page_view HTTP/1.1", "", 204, "accepted=1, duplicate=1"}, // by other means
		{"POST /g/collect?" + shared + "3 HTTP/1.1", "en=a&_et=1\r\nen=a&_et=1\r\n\r\nen=b", 204, "accepted=3"},
		{"POST /g/collect?" + shared + "3 HTTP/1.1", "en=a&_et=1\r\nen=a&_et=1\r\n\r\nen=b", 204, "accepted=3, duplicate=3"},
		{"POST /g/collect?" + shared + "4 HTTP/1.1", "en=a&_et=1\r\n\xff", 204, "accepted=1, rejected=1"},
		{"POST /g/collect?" + shared + "5&dt=\xff HTTP/1.1", "en=a", 204, "accepted=0, rejected=1"},
		{"GET /g/collect?" + shared + "6&dt=\xff HTTP/1.1", "", 204, "accepted=0, rejected=1"},
		{"GET /g/collect?tid=G-1&en=e HTTP/1.1", "", 204, "accepted=1"},
		{"GET /g/collect?tid=G-1&en=e HTTP/1.1", "", 204, "accepted=1"}, // nothing says that it is the same one
		{"GET /g/collect?tid=G-2&en=e HTTP/1.1", "", 401, "refused=0, reason=unauthorized"},
		{"GET /g/collect?en=e HTTP/1.1", "", 401, "refused=1, reason=unauthorized"},
	} {
		a := s.request(t, c.head, c.body)
		if have := a.Header.Get("Touchline-Verdict"); a.StatusCode != c.status || have != c.verdict || c.status == 204 && a.Text != "" {
			t.Errorf("%s %q: %d %q %q, want %d %q", c.head, c.body, a.StatusCode, have, a.Text, c.status, c.verdict)
		}
	}
	mids := map[string]int{}
	for _, r := range s.records(t) {
		if strings.Contains(string(r.Event)+string(r.Context), "cid=c") && r.RejectReason == "" {
			if r.Key != "shop/d/c.1" {
				t.Errorf("key %q of %s", r.Key, r.Event)
			}
			mids[r.MID]++
		}
	}
	// Two pages of three requests, three lines sent twice, and one line more.
	if len(mids) != 2+3+1 || mids[""] != 0 {
		t.Errorf("message ids %v", mids)
	}
}

// A line may say of itself what the query says of all.
func TestTagLines(t *testing.T) {
	s := startTrackers(t)
	s.request(t, "POST /g/collect?"+shared+"1 HTTP/1.1", "en=a&cid=own&uid=u\nen=b").want(t, 204, "")
	for _, r := range s.records(t) {
		want := map[string]string{"en=a&cid=own&uid=u": "shop/d/own", "en=b": "shop/d/c.1"}[string(r.Event)]
		if r.Key != want || string(r.Context) != shared+"1" || r.Endpoint != "gtag" {
			t.Errorf("%s: key %q, context %s", r.Event, r.Key, r.Context)
		}
	}
}
