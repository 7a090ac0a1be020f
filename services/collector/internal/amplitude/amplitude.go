// Package amplitude speaks the HTTP interface of Amplitude's SDKs: the JSON of
// version 2 and of the batch API, the form that amplitude-js posts to the root of
// the host, and the configuration that the browser SDK asks for.
//
// The events are left as the SDK wrote them; the enricher maps them.
package amplitude

import (
	"net/http"
	"strings"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/segment"
	"touchline.dev/services/collector/internal/slice"
	"touchline.dev/services/collector/internal/unwrap"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "amplitude"

// Endpoints: the version of the API.
const (
	v1 = "v1"
	v2 = "v2"
	// imports is v2 with events whose times are not clamped.
	imports = "import"
)

// New returns the protocol. now is the clock of its answers.
func New(now func() time.Time) intake.Protocol {
	return intake.Protocol{Name: Name, Dialect: newDialect(now), Routes: []intake.Route{
		{Method: http.MethodPost, Path: "/2/httpapi", Endpoint: v2},
		{Method: http.MethodPost, Path: "/batch", Endpoint: v2, Claims: hasEvents},
		{Method: http.MethodPost, Path: "/", Endpoint: v1, Claims: isForm},
		{Method: http.MethodPost, Path: "/2/import", Endpoint: imports}, // not Amplitude's: for touchline import
		{Method: http.MethodGet, Path: "/config/{key}", Handler: http.HandlerFunc(config)},
	}}
}

// config answers the browser SDK's question for its remote configuration: there
// is none, and it keeps its own.
func config(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "private, max-age=60")
	answer.WriteJSON(w, http.StatusOK, `{"configs":{}}`)
}

// prefixed reports whether the request came by the protocol's own prefix, where
// nothing else is meant.
func prefixed(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/"+Name) }

// hasEvents reports whether a batch is Amplitude's: it calls its list "events".
// The SDKs write it second, so little is walked.
func hasEvents(r *http.Request, body []byte) bool {
	if prefixed(r) {
		return true
	}
	var c slice.Cursor
	c.Reset(body)
	if !c.Enter('{') {
		return false
	}
	for first := true; ; first = false {
		if more, ok := c.Next('}', first); !ok || !more {
			return false
		}
		name, ok := c.Key()
		if !ok {
			return false
		}
		switch string(name) {
		case "events":
			return c.Peek() == '['
		case "batch":
			return false
		}
		if _, ok := c.Value(); !ok {
			return false
		}
	}
}

// isForm reports whether what is posted to the root is amplitude-js's form.
func isForm(r *http.Request, body []byte) bool {
	if prefixed(r) {
		return true
	}
	if len(body) == 0 || body[0] == '{' || body[0] == '[' {
		return false
	}
	_, client := unwrap.Field(body, "client")
	_, events := unwrap.Field(body, "e")
	return client && events
}

// dialect reads and answers requests that carry events.
type dialect struct {
	batch, list jsonlist.Shape
	now         func() time.Time
}

func newDialect(now func() time.Time) dialect {
	shape := jsonlist.Shape{
		Members: []string{insertID: "insert_id", uuid: "uuid", deviceID: "device_id", userID: "user_id"},
		Event:   ids,
	}
	d := dialect{batch: shape, list: shape, now: now}
	d.batch.List, d.batch.Must, d.batch.NoBare, d.batch.Request = "events", true, true, requestMember
	return d
}

// Key returns nil: the key is in the body.
func (dialect) Key(*http.Request, []byte) []byte { return nil }

// Members that are read of an event, and their places.
const (
	insertID = iota
	uuid
	deviceID
	userID
)

// Slice finds the events of the body.
func (d dialect) Slice(b *intake.Batch) {
	switch {
	case intake.IsBlank(b.Body):
		b.Refuse(http.StatusBadRequest, event.UnreadableBody, "the body is empty")
	case b.Endpoint == v1:
		d.form(b)
	default:
		d.batch.Walk(b)
	}
}

// form reads the fields of version 1; events stand in "e", as JSON.
func (d dialect) form(b *intake.Batch) {
	client, _ := unwrap.Field(b.Body, "client")
	b.Key = decoded(client)
	sent, _ := unwrap.Field(b.Body, "upload_time")
	b.SentAt = segment.SentAt(decoded(sent))
	events, ok := unwrap.Field(b.Body, "e")
	if !ok {
		b.Reject(event.MalformedBatch, `the form has no field of events called "e"`)
		return
	}
	b.Body = decoded(events)
	d.list.Walk(b)
}

// decoded undoes the escapes of a field where it stands: what they stand for is
// never longer.
func decoded(field []byte) []byte { return unwrap.Percent(field[:0], field) }

// requestMember reads a member of the request besides its events.
func requestMember(b *intake.Batch, name []byte, v slice.Value) {
	switch string(name) {
	case "api_key":
		b.Key = b.Text(v)
	case "client_upload_time":
		b.SentAt = segment.SentAt(b.Text(v))
	}
}

// ids returns what an event says about itself; version 1 has another name for the
// id of a message.
func ids(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
	e := intake.Event{MessageID: b.Text(found[insertID]), AnonymousID: b.Text(found[deviceID]), UserID: b.Text(found[userID])}
	if len(e.MessageID) == 0 {
		e.MessageID = b.Text(found[uuid])
	}
	return e
}
