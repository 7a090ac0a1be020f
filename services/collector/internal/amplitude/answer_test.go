package amplitude_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/amplitude"
	"touchline.dev/services/collector/internal/intake"
)

func protocol() intake.Protocol {
	return amplitude.New(func() time.Time { return time.UnixMilli(1795290526500) })
}

func answerTo(path, contentType string, v *intake.Verdict) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, http.NoBody)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	if status := protocol().Dialect.Answer(w, r, v); status != w.Code {
		panic("the status that is returned is not the one that was written")
	}
	return w
}

// refusals are the verdicts that a collector can come to about a whole request.
func refusals() []intake.Verdict {
	refused := func(status int, reason event.Reason, after, events int) intake.Verdict {
		return intake.Verdict{Status: status, Fault: intake.Fault{Reason: reason, Message: "told"}, RetryAfter: after, Refused: events}
	}
	return []intake.Verdict{
		refused(400, event.UnreadableBody, 0, 0), refused(401, event.Unauthorized, 0, 0), refused(401, event.BadSignature, 0, 3),
		refused(403, event.OriginDenied, 0, 3), refused(408, event.UnreadableBody, 0, 0), refused(413, event.BodyTooLarge, 0, 0),
		refused(413, event.TooManyEvents, 0, 0), refused(415, event.UnsupportedEncoding, 0, 0), refused(429, event.RateLimited, 7, 3),
		refused(429, event.RateLimited, 7, 0), refused(503, event.Unavailable, 1, 0),
	}
}

// sentAgainAtOnce returns which of n events an SDK sends again without a pause.
// The one for Go goes by the HTTP status, those for JavaScript by code; for the
// rest they read an answer alike.
func sentAgainAtOnce(t *testing.T, status, n int, body []byte) (again []int) {
	t.Helper()
	var a struct {
		Error           string
		MissingField    string `json:"missing_field"`
		SilencedEvents  []int  `json:"silenced_events"`
		ThrottledEvents []int  `json:"throttled_events"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	listed := a.SilencedEvents
	switch {
	case status >= 200 && status < 300, status == http.StatusRequestTimeout, status >= 500:
		return nil
	case status == http.StatusRequestEntityTooLarge:
		if n == 1 {
			return nil
		}
	case status == http.StatusTooManyRequests:
		listed = a.ThrottledEvents
	case strings.HasPrefix(a.Error, "Invalid API key:") || a.MissingField != "":
		return nil
	}
	for i := range n {
		if !slices.Contains(listed, i) {
			again = append(again, i)
		}
	}
	return again
}

// No answer makes an SDK send an event again without a pause, but for the parts
// of a request that was too large.
func TestNoAnswerStartsAStorm(t *testing.T) {
	for _, v := range refusals() {
		w := answerTo("/2/httpapi", "application/json", &v)
		var code struct{ Code int }
		if err := json.Unmarshal(w.Body.Bytes(), &code); err != nil {
			t.Fatal(err)
		}
		if code.Code != w.Code {
			t.Errorf("%d %s: status %d, code %d", v.Status, v.Fault.Reason, w.Code, code.Code)
		}
		n := max(v.Refused, 1)
		if again := sentAgainAtOnce(t, w.Code, n, w.Body.Bytes()); again != nil {
			t.Errorf("%d %s: events %v come again at once after %d %s", v.Status, v.Fault.Reason, again, w.Code, w.Body)
		}
		if (v.RetryAfter > 0) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%d %s: Retry-After %q", v.Status, v.Fault.Reason, w.Header().Get("Retry-After"))
		}
	}
	// What the two rules of the check are about: a 400 and a 429 that name nothing.
	for _, status := range []int{400, 429} {
		if sentAgainAtOnce(t, status, 2, []byte(`{"error":"bad"}`)) == nil {
			t.Errorf("%d without indices is taken for harmless", status)
		}
	}
}

func TestAnswers(t *testing.T) {
	rejected := intake.Verdict{
		Status: 200, Accepted: 1, Bytes: 70, Duplicates: []int{0},
		Rejected: []intake.Rejection{{Index: 1, Fault: intake.Fault{Reason: event.NotAnObject}}, {Index: 2, Fault: intake.Fault{Reason: event.NotAnObject}}},
	}
	for _, c := range []struct {
		path, contentType string
		v                 intake.Verdict
		status            int
		want              string
	}{
		{"/2/httpapi", "application/json", intake.Verdict{Status: 200, Accepted: 6, Bytes: 1778}, 200,
			`{"code":200,"events_ingested":6,"payload_size_bytes":1778,"server_upload_time":1795290526500}`},
		{"/batch", "text/plain;charset=UTF-8", rejected, 200,
			`{"code":200,"events_ingested":1,"payload_size_bytes":70,"server_upload_time":1795290526500,"duplicate_events":[0],"rejected_events":{"not_an_object":[1,2]}}`},
		{"/2/httpapi", "", refusals()[1], 400, `{"code":400,"error":"Invalid API key: told","missing_field":"api_key"}`},
		{"/2/httpapi", "", refusals()[8], 429, `{"code":429,"error":"told","throttled_events":[0,1,2]}`},
		{"/2/httpapi", "", refusals()[9], 503, `{"code":503,"error":"told"}`},
		{"/", "application/x-www-form-urlencoded", intake.Verdict{Status: 200}, 200, "success"},
		{"/amplitude/", "", rejected, 200, "success"},
		{"/renamed", "application/x-www-form-urlencoded; charset=UTF-8", rejected, 200, "success"},
		{"/", "", refusals()[1], 401, "invalid_api_key"},
		{"/", "", refusals()[6], 413, "told"},
		{"/", "", refusals()[10], 503, "unavailable"},
	} {
		if w := answerTo(c.path, c.contentType, &c.v); w.Code != c.status || w.Body.String() != c.want {
			t.Errorf("%s: %d %s, want %d %s", c.path, w.Code, w.Body, c.status, c.want)
		}
	}
}

func TestClaims(t *testing.T) {
	claims := map[string]func(*http.Request, []byte) bool{}
	for _, route := range protocol().Routes {
		if route.Claims != nil {
			claims[route.Path] = route.Claims
		}
	}
	for _, c := range []struct {
		route, path, body string
		want              bool
	}{
		{"/batch", "/batch", `{"api_key":"k","events":[{}]}`, true},
		{"/batch", "/batch", ` {"events":[],"api_key":"k"}`, true},
		{"/batch", "/batch", `{"api_key":"k","batch":[{"events":[]}]}`, false},
		{"/batch", "/batch", `{"api_key":"k","events":{}}`, false},
		{"/batch", "/batch", `{"api_key":"k"}`, false},
		{"/batch", "/batch", `{"a":{"events":[]}}`, false},
		{"/batch", "/batch", `[{"events":[]}]`, false},
		{"/batch", "/batch", `{"a":1,`, false},
		{"/batch", "/batch", `{"a":nul`, false},
		{"/batch", "/batch", ``, false},
		{"/batch", "/amplitude/batch", `{"batch":[]}`, true},
		{"/", "/", `client=k&e=%5B%5D`, true},
		{"/", "/", `e=%5B%5D`, false},
		{"/", "/", `client=k`, false},
		{"/", "/", `{"a":"&client=k&e="}`, false},
		{"/", "/", `[]`, false},
		{"/", "/", ``, false},
		{"/", "/amplitude", ``, true},
	} {
		r := httptest.NewRequest(http.MethodPost, c.path, http.NoBody)
		if got := claims[c.route](r, []byte(c.body)); got != c.want {
			t.Errorf("%s %s: %v", c.path, c.body, got)
		}
	}
}
