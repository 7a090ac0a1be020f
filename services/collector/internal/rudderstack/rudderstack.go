// Package rudderstack speaks the HTTP interface of RudderStack's SDKs: Segment's
// calls on Segment's paths, batches of beacons, pixels, and the settings that the
// browser SDK fetches before it sends anything.
//
// At the root a request to one of Segment's paths is RudderStack's when its
// headers or its body are; below /rudderstack every one is. The events are left
// as the SDK wrote them; the enricher maps them.
package rudderstack

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/pixel"
	"touchline.dev/services/collector/internal/segment"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "rudderstack"

// pixels begins the endpoints of pixels.
const pixels = "pixel_"

// New returns the protocol.
func New(lookup intake.Lookup) intake.Protocol {
	p := intake.Protocol{Name: Name, Dialect: dialect{segment.NewCalls(true)}, Routes: []intake.Route{
		{Method: http.MethodGet, Path: "/sourceConfig", Handler: settings{lookup}},
		{Method: http.MethodPost, Path: "/beacon/v1/batch", Endpoint: "batch"},
		{Method: http.MethodGet, Path: "/pixel/v1/track", Endpoint: pixels + "track"},
		{Method: http.MethodGet, Path: "/pixel/v1/page", Endpoint: pixels + "page"},
		{Method: http.MethodPost, Path: "/v1/merge", Endpoint: "merge"},
	}}
	for _, call := range []string{"track", "identify", "page", "screen", "group", "alias", "batch", "import"} {
		p.Routes = append(p.Routes, intake.Route{Method: http.MethodPost, Path: "/v1/" + call, Endpoint: call, Claims: isOurs})
	}
	return p
}

// isOurs reports whether a request to a path of Segment's comes from an SDK of
// RudderStack's.
func isOurs(r *http.Request, body []byte) bool {
	if r.Header["Anonymousid"] != nil {
		return true
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Rsa-") || strings.HasPrefix(name, "Rs-") {
			return true
		}
	}
	// All of theirs write this member, none of Segment's does.
	return bytes.Contains(body[:min(len(body), searched)], []byte(`"originalTimestamp":"`))
}

// searched is how much of a body is searched: an event of the browser SDK, which is
// the longest, has about 2 KiB before the member.
const searched = 8 << 10

// dialect reads and answers requests that carry events.
type dialect struct{ segment.Calls }

// Key returns the user name of HTTP basic authentication or, of beacons and
// pixels, which have no headers of their own, the parameter writeKey.
func (dialect) Key(r *http.Request, scratch []byte) []byte {
	if key := auth.User(r, scratch); key != nil {
		return key
	}
	return auth.Query(r, "writeKey", scratch)
}

// Slice finds the events of the request. A pixel is one event: its query.
func (d dialect) Slice(b *intake.Batch) {
	if strings.HasPrefix(b.Endpoint, pixels) {
		pixel.Slice(b, pixel.Names{MessageID: "messageId", AnonymousID: "anonymousId", UserID: "userId"})
		return
	}
	if sent := b.Request.Header["Sentat"]; len(sent) == 1 {
		b.SentAt = segment.SentAt(sent[0])
	}
	d.Calls.Slice(b)
}

// Answer writes the verdict as RudderStack's gateway does: OK, or a text that says
// what is wrong. A pixel is a picture whatever came of it. Unusable events are a
// success: the Go SDK sends everything that is not 2xx again, up to ten times.
func (dialect) Answer(w http.ResponseWriter, r *http.Request, v *intake.Verdict) int {
	if v.RetryAfter > 0 {
		w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
	}
	switch {
	case r.Method == http.MethodGet:
		answer.WriteGIF(w, v.Status)
	case v.Fault.Reason != "":
		answer.WriteText(w, v.Status, string(v.Fault.Reason)+": "+v.Fault.Message)
	default:
		answer.WriteText(w, v.Status, "OK")
	}
	return v.Status
}
