// Package cors answers browsers of other sites, which is where every browser SDK
// runs. The origin is echoed with credentials allowed, because some SDKs send
// them and a browser refuses "*" then; the requested headers are mirrored,
// because SDKs add new ones when they retry, and a fixed list would block exactly
// the retries after an outage. Write keys are public and the collector answers
// nothing secret, so every origin is welcome.
//
// Nothing is echoed that has not been checked byte by byte. Without an Origin
// header nothing is written.
package cors

import (
	"net/http"
	"strings"
)

const (
	// maxOrigin is a scheme, the longest host name (253) and a port.
	maxOrigin = 280
	// maxHeaders bounds the mirrored list; SDKs ask for up to eight names.
	maxHeaders = 1024
)

// Headers are shared by all answers: net/http only reads them.
type headers struct {
	credentials, vary, methods, expose, age []string
}

// Policy writes the CORS headers. It may be used concurrently.
type Policy struct{ fixed headers }

// New returns the policy.
func New() *Policy {
	return &Policy{headers{
		credentials: []string{"true"},
		vary:        []string{"Origin"},
		methods:     []string{"GET, POST, OPTIONS"},
		expose:      []string{"Retry-After, Touchline-Verdict"},
		age:         []string{"7200"}, // Chromium's upper limit
	}}
}

// Allow writes the headers of an answer to r, if r comes from a page. Origins
// that are not printed like one get none, and the browser refuses the page.
func (p *Policy) Allow(h http.Header, r *http.Request) {
	origin := r.Header["Origin"]
	if len(origin) != 1 || !isOrigin(origin[0]) {
		return
	}
	h["Access-Control-Allow-Origin"] = origin
	h["Access-Control-Allow-Credentials"] = p.fixed.credentials
	h["Access-Control-Expose-Headers"] = p.fixed.expose
	h["Vary"] = p.fixed.vary
}

// Preflight writes the headers of an answer to an OPTIONS request.
func (p *Policy) Preflight(h http.Header, r *http.Request) {
	p.Allow(h, r)
	if h["Access-Control-Allow-Origin"] == nil {
		return
	}
	h["Access-Control-Allow-Methods"] = p.fixed.methods
	h["Access-Control-Max-Age"] = p.fixed.age
	if asked := r.Header["Access-Control-Request-Headers"]; len(asked) == 1 && isList(asked[0]) {
		h["Access-Control-Allow-Headers"] = asked
	}
}

// isOrigin reports whether s is "null" or scheme://host[:port].
func isOrigin(s string) bool {
	if s == "null" {
		return true
	}
	scheme, host, ok := strings.Cut(s, "://")
	if !ok || len(s) > maxOrigin || scheme == "" || host == "" {
		return false
	}
	for i := range len(scheme) {
		if c := scheme[i]; !isAlphanumeric(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	for i := range len(host) {
		if c := host[i]; !isAlphanumeric(c) && strings.IndexByte("-._:[]", c) < 0 {
			return false
		}
	}
	return true
}

// isList reports whether s is a list of header names.
func isList(s string) bool {
	if s == "" || len(s) > maxHeaders {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && strings.IndexByte("-_, ", c) < 0 {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
