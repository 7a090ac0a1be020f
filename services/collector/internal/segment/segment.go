// Package segment speaks the HTTP interface of Segment's SDKs: single calls,
// batches, the short paths of the browser SDK, and the settings that the browser
// SDK fetches before it sends anything.
//
// The events are left as the SDK wrote them; the enricher maps them.
package segment

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/collector/internal/intake"
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

// New returns the protocol. keys returns the projects as they are now.
func New(keys func() *projects.Set) intake.Protocol {
	p := intake.Protocol{Name: Name, Dialect: dialect{}, Routes: []intake.Route{
		// The browser SDK's counters about itself: taken so that it does not
		// try again, and left unread.
		{Method: http.MethodPost, Path: "/v1/m", Handler: http.HandlerFunc(ignore)},
		{Method: http.MethodGet, Path: "/v1/projects/{key}/settings", Handler: settings{keys}},
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

func ignore(w http.ResponseWriter, _ *http.Request) {
	intake.WriteJSON(w, http.StatusOK, success)
}

// dialect reads and answers requests that carry events.
type dialect struct{}

// Key returns the user name of HTTP basic authentication; SDKs leave the
// password empty.
func (dialect) Key(r *http.Request, scratch []byte) []byte {
	values := r.Header["Authorization"]
	const scheme = "Basic "
	if len(values) != 1 || len(values[0]) <= len(scheme) || !strings.EqualFold(values[0][:len(scheme)], scheme) {
		return nil
	}
	user, err := base64.StdEncoding.AppendDecode(scratch, []byte(values[0][len(scheme):]))
	if err != nil {
		return nil
	}
	if colon := bytes.IndexByte(user, ':'); colon >= 0 {
		user = user[:colon]
	}
	return user
}

// Members that are read of an event, and their places.
const (
	messageID = iota
	anonymousID
	userID
	writeKey
	members
)

// Slice finds the events of the body.
func (dialect) Slice(b *intake.Batch) {
	names := [members]string{messageID: "messageId", anonymousID: "anonymousId", userID: "userId", writeKey: "writeKey"}
	b.Scratch = b.Scratch[:0]
	b.Cursor.Reset(b.Body)
	if b.Endpoint == batch || b.Endpoint == imports {
		sliceBatch(b, names[:])
		return
	}
	var found [members]slice.Value
	v, ok := b.Cursor.Members(names[:], found[:])
	switch {
	case !ok || !b.Cursor.AtEnd():
		reject(b, event.MalformedJSON, broken(&b.Cursor))
	case v.Kind != slice.Object:
		rejectValue(b, v)
	default:
		add(b, v, found[:])
		b.Key = text(b, found[writeKey])
	}
}

// reject adds the whole body as one event that cannot be used.
func reject(b *intake.Batch, reason event.Reason, message string) {
	b.Restart()
	b.Add(intake.Event{Bytes: b.Body, Fault: intake.Fault{Reason: reason, Message: message}})
}

// rejectValue adds a body that is one value, but not an object.
func rejectValue(b *intake.Batch, v slice.Value) {
	if fault := b.Check(v, b.Body); fault.Reason == event.MalformedJSON {
		reject(b, fault.Reason, fault.Message)
		return
	}
	reject(b, event.MalformedBatch, "the body is JSON, but not an object")
}

func broken(c *slice.Cursor) string {
	if problem := c.Problem(); problem != "" {
		return problem
	}
	return "something follows the value"
}

// add adds the event at v and reports whether the limit allows it.
func add(b *intake.Batch, v slice.Value, found []slice.Value) bool {
	bytes := b.Body[v.Start:v.End:v.End]
	return b.Add(intake.Event{
		Bytes:       bytes,
		MessageID:   text(b, found[messageID]),
		AnonymousID: text(b, found[anonymousID]),
		UserID:      text(b, found[userID]),
		Key:         text(b, found[writeKey]),
		Fault:       b.Check(v, bytes),
	})
}

// text returns a string unescaped and a number as it is written: ids are numbers
// in the wild, and a retry writes them the same way.
func text(b *intake.Batch, v slice.Value) []byte {
	var t []byte
	t, b.Scratch = b.Cursor.Text(v, b.Scratch)
	return t
}
