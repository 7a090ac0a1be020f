// Package posthog speaks the HTTP interface of PostHog's SDKs: single events and
// batches in all the wrappings of three generations, version 1 of the interface
// with an answer for each event, and what the SDKs ask for at their start.
//
// The events are left as the SDK wrote them; the enricher maps them. What a host
// of PostHog takes besides (recordings of sessions, logs, metrics) is taken,
// counted and not stored.
package posthog

import (
	"net/http"
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "posthog"

// Endpoints.
const (
	capture = "capture"
	engage  = "engage" // events without a name, about persons
	v1      = "v1"
	imports = "import" // whose times are not clamped
)

// pathV1 is where version 1 of the interface takes events.
const pathV1 = "/i/v1/analytics/events"

// New returns the protocol.
func New(lookup intake.Lookup) intake.Protocol {
	settings := config{lookup}
	p := intake.Protocol{Name: Name, Dialect: newDialect(), Routes: []intake.Route{
		{Method: http.MethodPost, Path: pathV1, Endpoint: v1},
		{Method: http.MethodGet, Path: "/array/{key}/config.js", Handler: http.HandlerFunc(settings.script)},
		{Method: http.MethodGet, Path: "/array/{key}/config", Handler: http.HandlerFunc(settings.object)},
		{Method: http.MethodGet, Path: "/api/surveys", Handler: fixed(`{"surveys":[]}`)},
		{Method: http.MethodGet, Path: "/api/early_access_features", Handler: fixed(`{"earlyAccessFeatures":[]}`)},
		{Method: http.MethodGet, Path: "/api/web_experiments", Handler: fixed(`{"experiments":[]}`)},
		{Method: http.MethodGet, Path: "/api/product_tours", Handler: fixed(`{"product_tours":[]}`)},
	}}
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		p.Routes = append(p.Routes,
			intake.Route{Method: method, Path: "/e", Endpoint: capture},
			intake.Route{Method: method, Path: "/i/v0/e", Endpoint: capture},
			intake.Route{Method: method, Path: "/capture", Endpoint: capture},
			intake.Route{Method: method, Path: "/batch", Endpoint: capture, Claims: isBatch},
			intake.Route{Method: method, Path: "/track", Endpoint: capture, Claims: isOurs},
			intake.Route{Method: method, Path: "/engage", Endpoint: engage, Claims: isOurs},
			intake.Route{Method: method, Path: "/flags", Handler: http.HandlerFunc(flags)},
			intake.Route{Method: method, Path: "/decide", Handler: http.HandlerFunc(flags)},
		)
	}
	for _, r := range []struct {
		path   string
		reason event.Reason
	}{
		{"/s", event.SessionRecording}, {"/i/v1/logs", event.Diagnostics}, {"/i/v1/metrics", event.Diagnostics},
		{"/i/v1/traces", event.Diagnostics}, {"/report", event.Diagnostics},
	} {
		p.Routes = append(p.Routes, intake.Route{Method: http.MethodPost, Path: r.path, Drop: r.reason})
	}
	return p
}

// dialect reads and answers requests that carry events.
type dialect struct{ v0, v1 jsonlist.Shape }

func newDialect() dialect {
	d := dialect{v0: newShape(), v1: newShape()}
	d.v1.Must, d.v1.NoBare = true, true
	d.v1.Request, d.v1.Event = requestMemberV1, idsV1
	return d
}

// Key returns the key of version 1, which is a bearer token; in the others it is
// in the body or, rarely, in the query.
func (dialect) Key(r *http.Request, scratch []byte) []byte {
	if isV1(r) {
		return auth.Bearer(r, scratch)
	}
	if key := auth.Query(r, "api_key", scratch); key != nil {
		return key
	}
	return auth.Query(r, "token", scratch)
}

// isV1 reports whether a request is one of version 1; its path may have been
// given another name.
func isV1(r *http.Request) bool {
	return r.Header["Posthog-Sdk-Info"] != nil || strings.HasSuffix(strings.TrimRight(r.URL.Path, "/"), pathV1)
}

// Slice finds the events of the request.
func (d dialect) Slice(b *intake.Batch) {
	b.Scratch = b.Scratch[:0]
	if b.Endpoint == v1 {
		readHeaders(b)
		d.v1.Walk(b)
		return
	}
	readQuery(b)
	if unwrapped(b) {
		d.v0.Walk(b)
	}
}
