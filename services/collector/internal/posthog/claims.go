package posthog

import (
	"bytes"
	"net/http"
	"strings"

	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/slice"
	"touchline.dev/services/collector/internal/unwrap"
)

// isBatch reports whether a request to /batch, which Amplitude and Segment's
// imitators have too, is PostHog's: it has no basic authentication and its list of
// events is called batch.
func isBatch(r *http.Request, body []byte) bool {
	if isPrefixed(r) {
		return true
	}
	if auth := r.Header["Authorization"]; len(auth) > 0 && strings.HasPrefix(strings.ToLower(auth[0]), "basic ") {
		return false
	}
	if intake.IsBlank(body) || !isJSON(body) {
		return isOurs(r, body)
	}
	var c slice.Cursor
	c.Reset(body)
	if !c.Enter('{') {
		return isOurs(r, body)
	}
	for first := true; ; first = false {
		if more, ok := c.Next('}', first); !more || !ok {
			return isOurs(r, body)
		}
		name, ok := c.Key()
		if !ok {
			return isOurs(r, body)
		}
		switch string(name) {
		case "batch":
			return true
		case "events":
			return false
		}
		if _, ok := c.Value(); !ok {
			return isOurs(r, body)
		}
	}
}

// searched is how much of a body is searched for what tells SDKs apart: the
// properties that they set themselves stand at its beginning.
const searched = 2 << 10

// isOurs reports whether a request to a path of Mixpanel's comes from an old SDK
// of PostHog's: by the members of its first event, or by what its keys begin with.
func isOurs(r *http.Request, body []byte) bool {
	if isPrefixed(r) {
		return true
	}
	var text, plain [searched]byte
	head := body[:min(len(body), searched)]
	if !isJSON(head) {
		value, ok := unwrap.Field(head, "data")
		if !ok {
			query, _ := unwrap.Field(r.URL.RawQuery, "data")
			value = append(text[:0], query[:min(len(query), searched)]...)
		}
		if head = unwrap.Percent(plain[:0], value); !isJSON(head) {
			head = head[:len(head)&^3] // whole groups: the rest is not there to be decoded
			head, _ = unwrap.Base64(text[:0], head)
		}
	}
	if len(head) > 1 && head[0] == 0x1f && head[1] == 0x8b {
		return true // nobody else packs like this
	}
	if bytes.Contains(head, []byte(`"mp_lib"`)) {
		return false
	}
	return bytes.Contains(head, []byte(`"api_key"`)) || bytes.Contains(head, []byte(`"$lib"`)) || bytes.Contains(head, []byte(`"phc_`))
}

// isPrefixed reports whether the path names the protocol.
func isPrefixed(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/"+Name+"/") }
