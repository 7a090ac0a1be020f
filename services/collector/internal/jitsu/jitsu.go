// Package jitsu speaks the HTTP interface of Jitsu's SDK: Segment's calls, one a
// request, on paths of its own for browsers and for servers.
//
// The events are left as the SDK wrote them; the enricher maps them.
package jitsu

import (
	"net/http"
	"strconv"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/segment"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "jitsu"

// keyHeader holds the write key, "id:secret" or one of them, in canonical form.
const keyHeader = "X-Write-Key"

// New returns the protocol.
func New() intake.Protocol {
	p := intake.Protocol{Name: Name, Dialect: dialect{segment.NewCalls(false)}}
	for _, call := range []string{"page", "track", "identify", "group", "screen", "alias", "event", "batch"} {
		p.Routes = append(p.Routes,
			intake.Route{Method: http.MethodPost, Path: "/api/s/" + call, Endpoint: call},
			intake.Route{Method: http.MethodPost, Path: "/api/s/s2s/" + call, Endpoint: call})
		if call != "event" {
			p.Routes = append(p.Routes, intake.Route{Method: http.MethodPost, Path: "/v1/" + call, Endpoint: call, Claims: isOurs})
		}
	}
	return p
}

// isOurs reports whether a request to a path of Segment's is Jitsu's.
func isOurs(r *http.Request, _ []byte) bool { return r.Header[keyHeader] != nil }

// dialect reads and answers requests that carry events. The write key in a body is
// redacted ("id:***"), so it is never used.
type dialect struct{ segment.Calls }

// Key returns the header X-Write-Key, or else what HTTP basic authentication or a
// bearer token holds.
func (dialect) Key(r *http.Request, scratch []byte) []byte {
	if key := auth.Header(r, keyHeader, scratch); key != nil {
		return key
	}
	if key := auth.Basic(r, scratch); key != nil {
		return key
	}
	return auth.Bearer(r, scratch)
}

// refusal is the answer to a request of which nothing was taken.
type refusal struct {
	OK     bool         `json:"ok"`
	Reason event.Reason `json:"reason"`
	Error  string       `json:"error"`
}

// Answer writes the verdict, as JSON always: the SDK takes any other body for a
// failure. It sends nothing a second time, whatever the status.
func (dialect) Answer(w http.ResponseWriter, _ *http.Request, v *intake.Verdict) int {
	if v.Fault.Reason == "" {
		answer.WriteJSON(w, v.Status, `{"ok":true}`)
		return v.Status
	}
	if v.RetryAfter > 0 {
		w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
	}
	answer.WriteValue(w, v.Status, refusal{Reason: v.Fault.Reason, Error: v.Fault.Message})
	return v.Status
}
