// Package segment speaks the HTTP interface of Segment's SDKs: single calls,
// batches, the short paths of the browser SDK, and the settings that the browser
// SDK fetches before it sends anything.
//
// The events are left as the SDK wrote them; the enricher maps them.
package segment

import (
	"net/http"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/slice"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "segment"

// Calls whose body is a batch of events; the others carry one. An import says
// so, because the times of its events are not clamped.
const (
	batch   = "batch"
	imports = "import"
)

// New returns the protocol.
func New(lookup intake.Lookup) intake.Protocol {
	p := intake.Protocol{Name: Name, Dialect: dialect{NewCalls(true)}, Routes: []intake.Route{
		// The browser SDK's counters about itself.
		{Method: http.MethodPost, Path: "/v1/m", Drop: event.Diagnostics},
		{Method: http.MethodGet, Path: "/v1/projects/{key}/settings", Handler: settings{lookup}},
	}}
	for _, r := range []struct{ path, endpoint string }{
		{"track", "track"}, {"identify", "identify"}, {"page", "page"}, {"screen", "screen"},
		{"group", "group"}, {"alias", "alias"}, {"batch", batch}, {"import", imports},
		{"t", "track"}, {"i", "identify"}, {"p", "page"}, {"s", "screen"}, {"g", "group"}, {"a", "alias"}, {"b", batch},
	} {
		p.Routes = append(p.Routes, intake.Route{Method: http.MethodPost, Path: "/v1/" + r.path, Endpoint: r.endpoint})
	}
	return p
}

// dialect reads and answers requests that carry events.
type dialect struct{ Calls }

// Calls slices the bodies of Segment's HTTP API, for all protocols that took it
// over: an object with a list called "batch" where the endpoint is "batch" or
// "import", a single call otherwise. It may be used concurrently.
type Calls struct{ batch, single jsonlist.Shape }

// NewCalls returns a Calls. keyed says that the write keys that bodies and events
// carry are to be believed.
func NewCalls(keyed bool) Calls {
	shape := jsonlist.Shape{
		NoBare:  true,
		Members: []string{messageID: "messageId", anonymousID: "anonymousId", userID: "userId"},
		Event:   ids,
	}
	if keyed {
		shape.Members, shape.Event = append(shape.Members, "writeKey"), keyedIDs
	}
	c := Calls{batch: shape, single: shape}
	c.batch.List, c.batch.Must, c.batch.Request = batch, true, requestMember
	if !keyed {
		c.batch.Request = func(b *intake.Batch, name []byte, v slice.Value) {
			if string(name) != "writeKey" {
				requestMember(b, name, v)
			}
		}
	}
	return c
}

// Key returns the user name of HTTP basic authentication; SDKs leave the
// password empty. A request with an OAuth token has its write key in the body.
func (dialect) Key(r *http.Request, scratch []byte) []byte { return auth.User(r, scratch) }

// Members that are read of an event, and their places.
const (
	messageID = iota
	anonymousID
	userID
	writeKey
)

// Slice finds the events of the body.
func (c Calls) Slice(b *intake.Batch) {
	switch {
	case intake.IsBlank(b.Body):
		b.Refuse(http.StatusBadRequest, event.UnreadableBody, "the body is empty")
	case b.Endpoint == batch || b.Endpoint == imports:
		c.batch.Walk(b)
	default:
		c.single.Walk(b)
	}
}

func ids(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
	return intake.Event{
		MessageID: b.Text(found[messageID]), AnonymousID: b.Text(found[anonymousID]), UserID: b.Text(found[userID]),
	}
}

func keyedIDs(b *intake.Batch, v slice.Value, found []slice.Value) intake.Event {
	e := ids(b, v, found)
	e.Key = b.Text(found[writeKey])
	return e
}
