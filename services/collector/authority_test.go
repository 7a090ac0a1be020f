package collector_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/zap"

	"touchline.dev/services/internal/kafkatest"
)

// authority has two projects whose keys are bound in every way there is.
const authority = `
projects:
  - id: a
    write_keys:
      - {key: a_page, origins: [https://a.example, "https://*.a.example"]}
      - {key: a_server, kind: secret}
      - {key: a_slow, rate: {events_per_second: 0.01, burst: 3}}
      - {key: a_client, rate: {per_client_per_second: 0.5}}
      - {key: a_ended, not_after: 2026-11-22T10:00:00Z}
      - {key: a_ending, not_after: 2026-11-22T10:00:01Z}
      - {key: "a:server", protocols: [jitsu], kind: secret}
      - {key: "1", protocols: [matomo]}
  - id: b
    write_keys: [b_page, {key: "1", protocols: [snowplow]}]
`

func startAuthority(t *testing.T) *service {
	return startWithProjects(t, authority, kafkatest.Start(t), zap.NewNop(), nil)
}

func (a answer) wantNoCORS(t *testing.T, what string) {
	t.Helper()
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control") {
			t.Errorf("%s: header %s", what, name)
		}
	}
}

// TestKeyWritesToItsProject: whatever else a request says, the key that opens it
// names the project, and events with keys of their own go to their own.
func TestKeyWritesToItsProject(t *testing.T) {
	s := startAuthority(t)
	const claims = `"project":"b","project_id":"b","projectId":"b","writeKey":"b_page","api_key":"b_page","token":"b_page","tenant":"b"`
	event := `{"userId":"u","user_id":"u","event":"E","event_type":"E","type":"track","distinct_id":"u","properties":{` + claims + `},"context":{` + claims + `},` + claims + `}`
	const headers = "\nTouchline-Project: b\nX-Project: b"
	fresh := s.fresh()
	f := func(project, target, head, body string) {
		t.Helper()
		a := s.request(t, "POST "+target+" HTTP/1.1"+headers+head, body)
		records := fresh(t)
		if a.StatusCode >= 300 || len(records) != 1 {
			t.Errorf("%s: %d %s, %d records", target, a.StatusCode, a.Text, len(records))
		}
		for _, r := range records {
			if r.Project != project || !strings.HasPrefix(r.Key, project+"/") {
				t.Errorf("%s with a key of %s wrote to %s under %q: %s", target, project, r.Project, r.Key, r.Event)
			}
		}
	}
	f("a", "/v1/track", basic("a_server"), event)
	f("a", "/v1/batch", basic("a_server"), `{"batch":[`+event+`],"writeKey":"b_page","project":"b"}`)
	f("a", "/v1/touchpoints", "\nAuthorization: Bearer a_server", event)
	f("a", "/rudderstack/v1/batch", basic("a_server"), `{"batch":[`+event+`],"writeKey":"b_page"}`)
	f("a", "/jitsu/api/s/track", "\nX-Write-Key: a:server", event)
	f("a", "/v1/webhook?writeKey=a_server", "", event)
	f("a", "/matomo.php?idsite=1&rec=1&url="+url.QueryEscape("https://b.example/?idsite=2&project=b")+"&action_name=x", "", "")
}

// TestOrigins: a page of another origin learns nothing and stores nothing, and
// what it sent is counted.
func TestOrigins(t *testing.T) {
	s := startAuthority(t)
	const body = `{"batch":[{"userId":"u"},{"userId":"v"}]}`
	denied := func() float64 {
		return s.metric(t, "touchline_collector_events_total", "reason=origin_denied")
	}
	f := func(key, origin string, allowed bool) {
		t.Helper()
		counted, stored := denied(), len(s.records(t))
		head := "POST /v1/batch HTTP/1.1" + basic(key)
		if origin != "" {
			head += "\nOrigin: " + origin
		}
		a := s.request(t, head, body)
		what := fmt.Sprintf("%s from %q", key, origin)
		stored = len(s.records(t)) - stored
		if allowed {
			if a.StatusCode != 200 || stored != 2 || denied() != counted || a.Header.Get("Access-Control-Allow-Origin") != origin {
				t.Errorf("%s: %d %v, %d stored", what, a.StatusCode, a.Header, stored)
			}
			return
		}
		a.wantNoCORS(t, what)
		if a.StatusCode < 200 || a.StatusCode >= 500 || stored != 0 || denied() != counted+2 {
			t.Errorf("%s: %d %s, %d stored, %v counted", what, a.StatusCode, a.Text, stored, denied()-counted)
		}
	}
	f("a_page", "", true)
	f("a_page", "https://a.example", true)
	f("a_page", "https://shop.a.example", true)
	f("a_page", "http://a.example", false)
	f("a_page", "https://a.example.evil.example", false)
	f("a_page", "https://evil.example", false)
	f("a_page", "null", false)
	f("a_server", "", true)
	f("a_server", "https://a.example", false)
	f("b_page", "https://evil.example", true)

	// A preflight carries no key: it is refused only where no key takes the origin.
	closed := startWithProjects(t, `projects: [{id: a, write_keys: [{key: k, origins: ["https://a.example"]}, {key: s, kind: secret}]}]`, kafkatest.Start(t), zap.NewNop(), nil)
	for origin, allowed := range map[string]bool{"https://a.example": true, "https://evil.example": false} {
		a := closed.request(t, "OPTIONS /v1/batch HTTP/1.1\nAccess-Control-Request-Method: POST\nOrigin: "+origin, "")
		if allowed != (a.Header.Get("Access-Control-Allow-Origin") == origin) {
			t.Errorf("preflight from %s: %v", origin, a.Header)
		}
		if !allowed {
			a.wantNoCORS(t, "preflight from "+origin)
		}
	}
}

// TestRates: a key may send its burst and no more, and is told when to come again.
func TestRates(t *testing.T) {
	s := startWithProjects(t, authority, kafkatest.Start(t), zap.NewNop(), nil)
	send := func(key string, events int) answer {
		t.Helper()
		return s.request(t, "POST /v1/batch HTTP/1.1"+basic(key), `{"batch":[`+strings.Repeat(`{"userId":"u"},`, events-1)+`{"userId":"u"}]}`)
	}
	for _, c := range []struct {
		key    string
		events int
		status int
		after  string
	}{
		{"a_slow", 2, 200, ""}, {"a_slow", 2, 429, "100"}, {"a_slow", 1, 200, ""}, {"a_slow", 1, 429, "100"},
		{"a_client", 5, 200, ""}, {"a_client", 1, 429, "2"}, {"b_page", 100, 200, ""},
	} {
		a := send(c.key, c.events)
		if a.StatusCode != c.status || a.Header.Get("Retry-After") != c.after {
			t.Errorf("%d events with %s: %d, Retry-After %q; want %d, %q", c.events, c.key, a.StatusCode, a.Header.Get("Retry-After"), c.status, c.after)
		}
	}
	if n := len(s.records(t)); n != 108 {
		t.Errorf("%d records, want 108", n)
	}
	if n := s.metric(t, "touchline_collector_events_total", "reason=rate_limited"); n != 4 {
		t.Errorf("%v events counted as limited, want 4", n)
	}
}

// TestEndedKey: the clock of the harness stands at 10:00:00.123.
func TestEndedKey(t *testing.T) {
	s := startAuthority(t)
	for key, status := range map[string]int{"a_ended": 401, "a_ending": 200} {
		if a := s.request(t, "POST /v1/track HTTP/1.1"+basic(key), `{"userId":"u"}`); a.StatusCode != status {
			t.Errorf("%s: %d, want %d", key, a.StatusCode, status)
		}
	}
}

// TestServerOwnedFields: an event that names everything that only the collector
// knows changes none of it; the words stay in the event's bytes.
func TestServerOwnedFields(t *testing.T) {
	s := startAuthority(t)
	owned := []string{"received_at", "receivedAt", "rid", "receipt_id", "event_id", "project", "project_id", "client_ip", "clientIp", "ip", "source", "protocol", "endpoint", "index", "reject_reason", "headers", "user_agent", "session_id", "person_id", "is_bot", "partition"}
	var members []string
	for _, name := range owned {
		members = append(members, fmt.Sprintf(`%q:"forged"`, name))
	}
	event := `{"type":"track","event":"E","userId":"u",` + strings.Join(members, ",") + `}`
	head := "\nX-Forwarded-For: 203.0.113.9\nX-Real-Ip: 203.0.113.9\nForwarded: for=203.0.113.9\nReceived-At: forged\nProject: b\nSource: forged\nRid: forged"
	for path, auth := range map[string]string{
		"/v1/track": basic("b_page"), "/v1/import": basic("b_page"), "/v1/touchpoints": "\nAuthorization: Bearer b_page", "/v1/webhook?writeKey=b_page": "",
	} {
		body := event
		if path == "/v1/import" {
			body = `{"batch":[` + event + `],` + strings.Join(members, ",") + `}`
		}
		seen := s.fresh()
		seen(t)
		s.request(t, "POST "+path+" HTTP/1.1"+auth+head, body)
		records := seen(t)
		if len(records) != 1 {
			t.Errorf("%s: %d records", path, len(records))
			continue
		}
		r := records[0]
		if r.Project != "b" || r.ReceivedAt != now.UnixMilli() || r.ClientIP != "127.0.0.1" || r.Source != "" || r.Index != 0 || r.RejectReason != "" ||
			strings.Contains(r.RID, "forged") || strings.Contains(r.Key, "forged") || strings.Contains(r.Protocol+r.Endpoint+r.UserAgent, "forged") {
			t.Errorf("%s: %+v", path, r.Raw)
		}
		if strings.Contains(fmt.Sprint(r.Headers), "forged") {
			t.Errorf("%s: headers %q", path, r.Headers)
		}
		if string(r.Event) != event {
			t.Errorf("%s: the event is stored as %s", path, r.Event)
		}
	}
}
