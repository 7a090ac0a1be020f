package collector_test

import (
	"strings"
	"testing"
)

// A request that is sent three times is accepted three times: the first time as
// new, then as a duplicate. The log keeps all, for the enricher to decide.
func TestDuplicateVerdict(t *testing.T) {
	s := start(t)
	const body = `{"batch":[{"userId":"u","messageId":"m1"},{"userId":"u","messageId":"m2"},{"userId":"u"}]}`
	for i, want := range []string{"accepted=3", "accepted=3, duplicate=2", "accepted=3, duplicate=2"} {
		a := s.post(t, "/v1/batch", body)
		a.want(t, 200, success)
		if have := a.Header.Get("Touchline-Verdict"); have != want {
			t.Errorf("time %d: verdict %q, want %q", i+1, have, want)
		}
	}
	// The same ids in another project, and rejected events, are no duplicates.
	a := s.request(t, "POST /v1/batch HTTP/1.1"+basic("wk_other"), body)
	if have := a.Header.Get("Touchline-Verdict"); have != "accepted=3" {
		t.Errorf("another project: verdict %q", have)
	}
	const bad = `{"batch":[{"userId":NaN,"messageId":"m9"}]}`
	for range 2 {
		if have := s.post(t, "/v1/batch", bad).Header.Get("Touchline-Verdict"); have != "accepted=0, rejected=1" {
			t.Errorf("rejected event: verdict %q", have)
		}
	}
	if n := s.metric(t, "touchline_collector_duplicates_total"); n != 4 {
		t.Errorf("%v duplicates counted, want 4", n)
	}
	if n := len(s.records(t)); n != 14 {
		t.Errorf("%d records, want 14", n)
	}
}

// What a request is refused for stands in the header too, and nothing of it in
// the log.
func TestRefusalVerdict(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		head, body string
		status     int
		verdict    string
	}{
		{"POST /v1/track HTTP/1.1" + basic("nobody"), `{"userId":"u"}`, 401, "refused=0, reason=unauthorized"},
		{"POST /v1/batch HTTP/1.1", `{"batch":[{"userId":"u","writeKey":"a"},{"userId":"u"}]}`, 401, "refused=2, reason=unauthorized"},
		{"POST /v1/track HTTP/1.1" + basic("wk_test"), ``, 400, "refused=0, reason=unreadable_body"},
		{"POST /v1/batch HTTP/1.1" + basic("wk_small"), `{"batch":[` + strings.Repeat(`{},`, 3) + `{}]}`, 413, "refused=0, reason=too_many_events"},
	} {
		a := s.request(t, c.head, c.body)
		if have := a.Header.Get("Touchline-Verdict"); a.StatusCode != c.status || have != c.verdict {
			t.Errorf("%q: %d %q, want %d %q", c.body, a.StatusCode, have, c.status, c.verdict)
		}
	}
	if n := len(s.records(t)); n != 0 {
		t.Errorf("%d records", n)
	}
	if n := s.metric(t, "touchline_collector_events_total", "reason=unauthorized"); n != 2 {
		t.Errorf("%v events counted, want 2", n)
	}
}
