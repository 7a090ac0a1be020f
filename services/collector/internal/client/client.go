// Package client tells who sent a request, as far as its socket and headers say:
// address, user agent, and a closed list of headers that enrichment reads. All of
// it is bounded and valid UTF-8 without control characters.
package client

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"touchline.dev/schemas/event"
)

const (
	// maxUserAgent is twice the length of the longest ones of real browsers
	// inside apps.
	maxUserAgent = 1024
	maxHeader    = 256
)

// UserAgent returns the User-Agent header, at most 1024 bytes of it.
func UserAgent(h http.Header) string { return Clean(first(h["User-Agent"]), maxUserAgent) }

// Headers appends the headers that enrichment reads to dst, each at most 256
// bytes, in a fixed order.
func Headers(dst []event.Header, h http.Header) []event.Header {
	for _, known := range [...]struct{ canonical, name string }{
		{"Accept-Language", "accept-language"},
		{"Sec-Ch-Ua", "sec-ch-ua"},
		{"Sec-Ch-Ua-Mobile", "sec-ch-ua-mobile"},
		{"Sec-Ch-Ua-Platform", "sec-ch-ua-platform"},
		{"Sec-Ch-Ua-Platform-Version", "sec-ch-ua-platform-version"},
		{"Sec-Gpc", "sec-gpc"},
		{"Dnt", "dnt"},
	} {
		if value := Clean(first(h[known.canonical]), maxHeader); value != "" {
			dst = append(dst, event.Header{Name: known.name, Value: value})
		}
	}
	return dst
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// Clean returns s without control characters and at most limit bytes long. What
// is not UTF-8 was written by a client that takes headers for Latin-1.
func Clean(s string, limit int) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return cleanSlowly(s, limit)
		}
	}
	return s[:min(len(s), limit)]
}

func cleanSlowly(s string, limit int) string {
	if !utf8.ValidString(s) {
		latin := make([]rune, len(s))
		for i := range len(s) {
			latin[i] = rune(s[i])
		}
		s = string(latin)
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
