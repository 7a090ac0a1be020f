package campaign

import (
	"strings"
	"unsafe"
)

// maxHost is the longest name of a host that there can be.
const maxHost = 253

// lower returns s with the letters of ASCII in lower case; where there is one to
// change, in the room behind scratch.
func lower(s string, scratch []byte) (string, []byte) {
	for i := range len(s) {
		if s[i]-'A' < 26 {
			from := len(scratch)
			scratch = append(scratch, s...)
			for i := from; i < len(scratch); i++ {
				if scratch[i]-'A' < 26 {
					scratch[i] |= 0x20
				}
			}
			return alias(scratch[from:]), scratch
		}
	}
	return s, scratch
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// hostOf returns the host of a URL, in lower case, without www., port and the dot
// at its end: of http, https and no scheme, and the package of android-app and
// ios-app. What is none of these ("about:blank", "/pricing", "$direct") has no
// host, and neither has the machine that the page is shown on.
func hostOf(url string, scratch []byte) (string, []byte) {
	rest, schemeless := strings.TrimPrefix(url, "//"), true
	if i := strings.IndexByte(url, ':'); i >= 0 && strings.HasPrefix(url[i:], "://") {
		if !isWeb(url[:i]) {
			return "", scratch
		}
		rest, schemeless = url[i+len("://"):], false
	}
	if rest == "" || rest[0] == '/' {
		return "", scratch
	}
	rest, ok := authority(rest)
	if !ok || schemeless && strings.IndexByte(rest, '.') < 0 { // a path, or a word
		return "", scratch
	}
	rest, scratch = lower(rest, scratch)
	if rest == "localhost" || rest == "[::1]" || rest == "0.0.0.0" || strings.HasPrefix(rest, "127.") || strings.HasSuffix(rest, ".localhost") {
		return "", scratch
	}
	return strings.TrimPrefix(rest, "www."), scratch
}

// authority returns the host that stands at the beginning of s, up to the path:
// without user, port and a dot at its end, and whether it can be one.
func authority(s string) (string, bool) {
	from, to := 0, len(s)
loop:
	for i := range len(s) {
		switch c := s[i]; {
		case c-'a' < 26 || c == '.': // nearly all
		case c == '/' || c == '?' || c == '#':
			to = i
			break loop
		case c == '@':
			from = i + 1
		case c <= ' ' || c == '$' || c == '(' || c == ')' || c == '<' || c == '>' || c == '"' || c == '\'' || c == '\\':
			return "", false
		}
	}
	s = s[from:to]
	if i := strings.LastIndexByte(s, ':'); i >= 0 && s[len(s)-1] != ']' {
		s = s[:i]
	}
	s = strings.TrimSuffix(s, ".")
	return s, len(s) <= maxHost
}

func isWeb(scheme string) bool {
	return scheme == "https" || strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http") ||
		strings.EqualFold(scheme, "android-app") || strings.EqualFold(scheme, "ios-app")
}

// isOwn reports whether a referrer that is another host than the page's is the site
// itself: one of the project's domains or below it, or, unless the table knows it, a
// host above or below the page's (shop.example and pay.shop.example, but not google.com for a
// page of sites.google.com). So is where the site itself sends its visitors for a
// moment, to pay or to sign in.
func isOwn(referrer, host string, domains []string, known *source) bool {
	if known != nil && known.category == detour {
		return true
	}
	for _, domain := range domains {
		if isBelow(referrer, strings.TrimPrefix(domain, "www.")) {
			return true
		}
	}
	return known == nil && host != "" && (isBelow(referrer, host) || isBelow(host, referrer))
}

// isBelow reports whether a host is that domain or one of its own.
func isBelow(host, domain string) bool {
	rest, ok := strings.CutSuffix(host, domain)
	return ok && (rest == "" || rest[len(rest)-1] == '.')
}
