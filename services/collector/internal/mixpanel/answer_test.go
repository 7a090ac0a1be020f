package mixpanel_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/mixpanel"
)

func protocol() intake.Protocol {
	return mixpanel.New(func(key []byte, _ string) (projects.Grant, bool) { return projects.Grant{}, string(key) == "known" })
}

func TestAnswers(t *testing.T) {
	ok := intake.Verdict{Status: 200, Accepted: 2}
	mixed := intake.Verdict{
		Status: 200, Accepted: 1, Rejected: []intake.Rejection{{Index: 1, Fault: intake.Fault{Reason: event.TooDeep, Message: "told"}}},
		Events: []intake.Event{{}, {MessageID: []byte("m1")}},
	}
	refused := func(status int) intake.Verdict {
		v := intake.Verdict{Status: status, Fault: intake.Fault{Reason: event.Unavailable, Message: "told"}}
		if status == 429 || status == 503 {
			v.RetryAfter = 3
		}
		return v
	}
	for _, c := range []struct {
		target string
		v      intake.Verdict
		status int
		want   string
	}{
		{"/track", ok, 200, "1"},
		{"/track?verbose=0", mixed, 200, "1"},
		{"/track?verbose=1", ok, 200, `{"status":1,"error":null}`},
		{"/track?verbose=1", mixed, 200, `{"status":1,"error":null,"rejected":[{"index":1,"insert_id":"m1","field":"too_deep","message":"told"}]}`},
		{"/track", refused(401), 401, "0"},
		{"/track?verbose=1", refused(413), 413, `{"status":0,"error":"told"}`},
		{"/engage?verbose=1", refused(429), 429, `{"status":0,"error":"told"}`},
		{"/track?verbose=1", refused(408), 503, `{"status":0,"error":"told"}`}, // given up at 408
		{"/track?img=1", refused(503), 503, "0"},
		{"/import", ok, 200, `{"code":200,"num_records_imported":2,"status":"OK"}`},
		{"/import?verbose=0", ok, 200, "1"},
		{"/import?verbose=1", ok, 200, `{"status":1,"error":null,"code":200,"num_records_imported":2}`},
		{"/import?strict=0&verbose=1", mixed, 200, `{"code":200,"num_records_imported":1,"status":"OK","failed_records":[{"index":1,"insert_id":"m1","field":"too_deep","message":"told"}]}`},
		{"/renamed?strict=1", mixed, 400, `{"code":400,"num_records_imported":1,"status":"Bad Request","error":"some data points in the request failed validation","failed_records":[{"index":1,"insert_id":"m1","field":"too_deep","message":"told"}]}`},
		{"/import?strict=1", refused(503), 503, `{"code":503,"num_records_imported":0,"status":"Service Unavailable","error":"told"}`},
		{"/record", intake.Verdict{Status: 200, Drops: intake.Drops{Reason: event.SessionRecording, N: 1}}, 200, `{"code":200,"status":"OK"}`},
	} {
		w := httptest.NewRecorder()
		status := protocol().Dialect.Answer(w, httptest.NewRequest(http.MethodPost, c.target, http.NoBody), &c.v)
		if status != w.Code || w.Code != c.status || w.Body.String() != c.want {
			t.Errorf("%s: %d (%d) %s, want %d %s", c.target, w.Code, status, w.Body, c.status, c.want)
		}
		if (w.Header().Get("Retry-After") == "3") != (c.v.RetryAfter > 0) {
			t.Errorf("%s: Retry-After %q", c.target, w.Header().Get("Retry-After"))
		}
	}
}

// Only an import may have a key outside of its events, and only one that opens
// something takes the place of theirs.
func TestKey(t *testing.T) {
	for _, c := range []struct{ target, user, want string }{
		{"/track", "", ""}, {"/import?project_id=known", "", "known"}, {"/import?project_id=7", "known", "known"},
		{"/import?project_id=7", "nobody", ""}, {"/import?project_id=known", "nobody", "known"}, {"/track?project_id=%6Bnown", "", "known"},
	} {
		r := httptest.NewRequest(http.MethodPost, c.target, http.NoBody)
		if c.user != "" {
			r.SetBasicAuth(c.user, "password")
		}
		if got := protocol().Dialect.Key(r, nil); string(got) != c.want {
			t.Errorf("%s as %q: %q, want %q", c.target, c.user, got, c.want)
		}
	}
}
