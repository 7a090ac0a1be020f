// Package mixpanel speaks the HTTP interface of Mixpanel's SDKs: events, imports
// of old ones, and changes of persons and groups, by GET and POST, as JSON, lines
// of JSON, or base64 in the field "data" of a form or query; and it answers what
// the browser SDK asks besides.
//
// The events are left as the SDK wrote them, but for their wrapping; the enricher
// maps them.
package mixpanel

import (
	"net/http"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/segment"
	"touchline.dev/services/collector/internal/unwrap"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "mixpanel"

// Endpoints.
const (
	track   = "track"
	imports = "import" // the times of its events are not clamped
	engage  = "engage"
	groups  = "groups"
)

// New returns the protocol. lookup says what the secret of an import opens.
func New(lookup intake.Lookup) intake.Protocol {
	p := intake.Protocol{Name: Name, Dialect: newDialect(lookup), Routes: []intake.Route{
		// What the browser SDK asks before it starts, or where it has flags: there
		// is no configuration, and no flag.
		{Method: http.MethodGet, Path: "/settings", Handler: constant(`{}`)},
		{Method: http.MethodGet, Path: "/flags", Handler: constant(`{"flags":{}}`)},
		{Method: http.MethodPost, Path: "/record", Drop: event.SessionRecording},
	}}
	// PostHog has had /track and /engage too and says whether a request is its own;
	// much of Mixpanel's has nothing to be told by.
	for _, endpoint := range []string{track, imports, engage, groups} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			p.Routes = append(p.Routes, intake.Route{Method: method, Path: "/" + endpoint, Endpoint: endpoint})
		}
	}
	return p
}

func constant(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer.WriteJSON(w, http.StatusOK, text) })
}

// dialect reads and answers requests that carry events.
type dialect struct {
	lookup          intake.Lookup
	events, changes jsonlist.Shape
}

func newDialect(lookup intake.Lookup) dialect {
	return dialect{
		lookup: lookup,
		events: jsonlist.Shape{Lines: true, Event: eventIDs, Members: []string{
			eventName: "event", eventProperties: "properties",
		}},
		changes: jsonlist.Shape{Lines: true, Event: changeIDs, Members: []string{
			changeToken: "$token", changeDistinct: "$distinct_id", changeDevice: "$device_id", changeUser: "$user_id",
			changeGroupKey: "$group_key", changeGroupID: "$group_id",
		}},
	}
}

// Key returns nil: each event carries its token. Those of an import need not: it
// has a secret or a service account, and the number of its project, and what opens
// something here counts for all events.
func (d dialect) Key(r *http.Request, scratch []byte) []byte {
	if _, ok := unwrap.Field(r.URL.RawQuery, "project_id"); !ok && r.Header["Authorization"] == nil {
		return nil
	}
	if key := auth.User(r, scratch); key != nil && d.opens(key) {
		return key
	}
	if key := auth.Query(r, "project_id", scratch); key != nil && d.opens(key) {
		return key
	}
	return nil
}

func (d dialect) opens(key []byte) bool {
	_, ok := d.lookup(key, Name)
	return ok
}

// Slice finds the events of the query or the body.
func (d dialect) Slice(b *intake.Batch) {
	query := b.Request.URL.RawQuery
	if sent, ok := unwrap.Field(query, "_"); ok {
		b.SentAt = segment.SentAt(sent)
	}
	// A server that does not speak for its own address says so.
	if own, ok := unwrap.Field(query, "ip"); ok && own == "0" {
		b.Anonymous()
	}
	if !unpack(b, query) {
		return
	}
	if b.Endpoint == engage || b.Endpoint == groups {
		d.changes.Walk(b)
		return
	}
	d.events.Walk(b)
}

// unpack makes the body what it carries: JSON. It reports whether there is
// something to slice.
func unpack(b *intake.Batch, query string) bool {
	switch first := firstByte(b.Body); first {
	case 0:
		data, ok := unwrap.Field(query, "data")
		if !ok {
			b.Refuse(http.StatusBadRequest, event.UnreadableBody, "there is no data")
			return false
		}
		from := len(b.Scratch)
		b.Scratch = unwrap.Percent(b.Scratch, data)
		b.Body = b.Scratch[from:len(b.Scratch):len(b.Scratch)]
	case '{', '[':
		b.Body = unwrap.CESU8(b.Body)
		return true
	default:
		if data, ok := unwrap.Field(b.Body, "data"); ok {
			b.Body = unwrap.Percent(data[:0], data) // never longer than what it reads
		}
	}
	if first := firstByte(b.Body); first != '{' && first != '[' {
		from := len(b.Scratch)
		var err error
		if b.Scratch, err = unwrap.Base64(b.Scratch, b.Body); err != nil {
			b.Scratch = b.Scratch[:from]
			b.Reject(event.MalformedBatch, "the data is neither JSON nor base64")
			return false
		}
		data, ok := b.Unpack(b.Scratch[from:len(b.Scratch):len(b.Scratch)])
		if !ok {
			return false
		}
		b.Body = data
	}
	b.Body = unwrap.CESU8(b.Body)
	return true
}

// firstByte returns the first byte that is not white space, 0 when there is none.
func firstByte(text []byte) byte {
	for _, c := range text {
		if c > ' ' {
			return c
		}
	}
	return 0
}
