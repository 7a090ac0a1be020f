package scripts

import (
	"net/http"
	"strconv"
	"strings"

	"touchline.dev/services/collector/internal/intake"
)

// script is a path that a snippet asks for, and the file that it gets: {file} is
// the segment of that name in the path.
type script struct {
	path, file string
	// fixed says that the path names a version or the content, so that what is
	// there never changes.
	fixed bool
}

// family is the scripts of a protocol.
type family struct {
	protocol string
	scripts  []script
}

// table lists the scripts by the protocol that they speak, which is also the prefix
// that they are served under.
func table() []family {
	return []family{
		{"segment", []script{
			{"/analytics.js/v1/{key}/analytics.min.js", "segment/analytics.min.js", false},
			{"/analytics-next/bundles/{file}", "segment/bundles/{file}", true}, // named by their content
		}},
		{"posthog", []script{
			{"/static/{file}", "posthog/{file}", false},
			{"/static/{version}/{file}", "posthog/{file}", true},
		}},
		{"snowplow", []script{
			{"/sp.js", "snowplow/sp.js", false},
			{"/sp.lite.js", "snowplow/sp.lite.js", false},
		}},
		{"rudderstack", []script{
			{"/v3/{build}/rsa.min.js", "rudderstack/{build}/rsa.min.js", false},
			{"/v3/{build}/plugins/{file}", "rudderstack/{build}/plugins/{file}", false},
		}},
		{"mixpanel", []script{
			{"/libs/mixpanel-2-latest.min.js", "mixpanel/mixpanel.min.js", false},
			{"/libs/mixpanel-recorder.min.js", "mixpanel/mixpanel-recorder.min.js", false},
			{"/libs/mixpanel-targeting.min.js", "mixpanel/mixpanel-targeting.min.js", false},
		}},
		{"amplitude", []script{
			{"/libs/analytics-browser-min.js", "amplitude/analytics-browser.js", false},
			{"/libs/{version}/analytics-browser-min.js", "amplitude/analytics-browser.js", true},
		}},
		{"jitsu", []script{{"/p.js", "jitsu/p.js", false}}},
		{"matomo", []script{
			{"/matomo.js", "matomo/matomo.js", false},
			{"/piwik.js", "matomo/matomo.js", false},
		}},
		{"plausible", []script{{"/js/{file}", "plausible/{file}", false}}},
		{"umami", []script{{"/script.js", "umami/script.js", false}}},
	}
}

// Protocols returns the routes of the scripts. They take no events.
func (s *Scripts) Protocols() []intake.Protocol {
	var all []intake.Protocol
	for _, t := range table() {
		p := intake.Protocol{Name: t.protocol}
		for _, script := range t.scripts {
			p.Routes = append(p.Routes, intake.Route{Method: http.MethodGet, Path: script.path, Handler: handler{s, script}})
		}
		all = append(all, p)
	}
	return all
}

// handler serves one script, or those of one folder.
type handler struct {
	scripts *Scripts
	script  script
}

// ServeHTTP writes the script, or that the browser has it already.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := (*h.scripts.files.Load())[h.name(r)]
	header := w.Header()
	if f == nil {
		header["Cache-Control"] = []string{"no-store"}
		w.WriteHeader(http.StatusNotFound)
		return
	}
	header["Cache-Control"] = []string{"public, max-age=3600"}
	if h.script.fixed {
		header["Cache-Control"] = []string{"public, max-age=31536000, immutable"}
	}
	header["Etag"] = []string{f.tag}
	header["Cross-Origin-Resource-Policy"] = []string{"cross-origin"}
	header.Add("Vary", "Accept-Encoding")
	if has(r.Header["If-None-Match"], f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := f.plain
	switch accepted := r.Header["Accept-Encoding"]; {
	case f.brotli != nil && accepts(accepted, "br"):
		data = f.brotli
		header["Content-Encoding"] = []string{"br"}
	case f.gzip != nil && accepts(accepted, "gzip"):
		data = f.gzip
		header["Content-Encoding"] = []string{"gzip"}
	}
	header["Content-Type"] = []string{f.kind}
	header["X-Content-Type-Options"] = []string{"nosniff"}
	header["Content-Length"] = []string{strconv.Itoa(len(data))}
	_, _ = w.Write(data) // the client is gone: nobody is left to tell
}

// name returns the name of the file that a request asks for. It is looked up, not
// opened, so what stands in the path needs no check.
func (h handler) name(r *http.Request) string {
	var b strings.Builder
	for part := range strings.SplitSeq(h.script.file, "/") {
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		if name, ok := strings.CutPrefix(part, "{"); ok {
			part = r.PathValue(strings.TrimSuffix(name, "}"))
		}
		b.WriteString(part)
	}
	return b.String()
}

// has reports whether a list in headers holds the tag, or anything. A weak tag is
// as good as a strong one: proxies that compress make it so.
func has(values []string, tag string) bool {
	for _, list := range values {
		for item := range strings.SplitSeq(list, ",") {
			if item = strings.TrimPrefix(strings.TrimSpace(item), "W/"); item == tag || item == "*" {
				return true
			}
		}
	}
	return false
}

// accepts reports whether a browser takes an encoding, by name and not with q=0.
func accepts(values []string, encoding string) bool {
	for _, list := range values {
		for item := range strings.SplitSeq(list, ",") {
			name, weight, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(name), encoding) {
				weight = strings.TrimRight(strings.ReplaceAll(weight, " ", ""), "0")
				return weight != "q=" && weight != "q=0."
			}
		}
	}
	return false
}
