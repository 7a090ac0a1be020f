package collector_test

import "testing"

// With OAuth the header holds a token, which means nothing here, and the write key
// stands in the body.
func TestSegmentOAuth(t *testing.T) {
	s := start(t)
	fresh := s.fresh()
	const head = " HTTP/1.1\nAuthorization: Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
	s.request(t, "POST /v1/batch"+head, `{"batch":[{"type":"track","userId":"","anonymousId":"a","event":"E"}],"writeKey":"wk_test"}`).want(t, 200, success)
	s.request(t, "POST /v1/track"+head, `{"userId":"u","event":"E","writeKey":"wk_other"}`).want(t, 200, success)
	if a := s.request(t, "POST /v1/track"+head, `{"userId":"u","event":"E"}`); a.StatusCode != 401 {
		t.Errorf("%d %s", a.StatusCode, a.Text)
	}
	got := fresh(t)
	if len(got) != 2 || got[0].Key != "shop/d/a" && got[1].Key != "shop/d/a" || got[0].Key != "other/u/u" && got[1].Key != "other/u/u" {
		t.Errorf("%+v", got)
	}
}

// What the browser SDK counts about itself is taken so that it does not try again,
// and counted.
func TestSegmentMetrics(t *testing.T) {
	s := start(t)
	for _, body := range []string{`{"series":[{"type":"Counter","metric":"analytics_js.invoke"}]}`, `{`, ``} {
		s.request(t, "POST /v1/m HTTP/1.1\nContent-Type: text/plain", body).want(t, 200, success)
	}
	if n := len(s.records(t)); n != 0 {
		t.Errorf("%d records", n)
	}
	if n := s.metric(t, "touchline_collector_events_total", "reason=diagnostics"); n != 3 {
		t.Errorf("%v counted", n)
	}
}
