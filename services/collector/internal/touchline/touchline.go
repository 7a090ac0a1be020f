// Package touchline speaks Touchline's own HTTP interface: touchpoints as a JSON
// object, a list or lines, and a pixel. It answers what became of each event.
//
// The events are left as they were written; the enricher maps them.
package touchline

import (
	"net/http"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/pixel"
	"touchline.dev/services/collector/internal/slice"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "touchline"

// endpointPixel is that of the pixel, whose event is a query.
const endpointPixel = "pixel"

// New returns the protocol. What is posted to the import path may lie far back:
// the times of its events are not clamped.
func New() intake.Protocol {
	return intake.Protocol{Name: Name, Dialect: newDialect(), Routes: []intake.Route{
		{Method: http.MethodPost, Path: "/v1/touchpoints", Endpoint: "touchpoints"},
		{Method: http.MethodPost, Path: "/v1/touchpoints/import", Endpoint: "import"},
		{Method: http.MethodGet, Path: "/v1/pixel.gif", Endpoint: endpointPixel},
	}}
}

// dialect reads and answers requests that carry events.
type dialect struct{ shape jsonlist.Shape }

// Members that are read of an event, and their places.
const (
	messageID = iota
	anonymousID
	userID
	writeKey
)

func newDialect() dialect {
	return dialect{jsonlist.Shape{
		Lines:   true,
		Members: []string{messageID: "message_id", anonymousID: "anonymous_id", userID: "user_id", writeKey: "write_key"},
		Event: func(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
			return intake.Event{
				MessageID: b.Text(found[messageID]), AnonymousID: b.Text(found[anonymousID]),
				UserID: b.Text(found[userID]), Key: b.Text(found[writeKey]),
			}
		},
	}}
}

// Key returns a bearer token, the user name of HTTP basic authentication, or the
// parameter write_key: beacons and pixels have no headers of their own. Otherwise
// the member write_key of each event counts.
func (dialect) Key(r *http.Request, scratch []byte) []byte {
	if key := auth.Bearer(r, scratch); key != nil {
		return key
	}
	if key := auth.User(r, scratch); key != nil {
		return key
	}
	return auth.Query(r, "write_key", scratch)
}

// Slice finds the events of the request.
func (d dialect) Slice(b *intake.Batch) {
	switch {
	case b.Endpoint == endpointPixel:
		pixel.Slice(b, pixel.Names{MessageID: "message_id", AnonymousID: "anonymous_id", UserID: "user_id"})
	case intake.IsBlank(b.Body):
		b.Refuse(http.StatusBadRequest, event.UnreadableBody, "the body is empty")
	default:
		d.shape.Walk(b)
	}
}
