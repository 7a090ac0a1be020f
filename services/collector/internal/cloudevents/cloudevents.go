// Package cloudevents speaks the HTTP binding of CloudEvents: structured events,
// batches of them, and events in binary mode, whose attributes are headers.
//
// It writes binary events in the structured form; the others are left as they
// were written. The enricher maps them.
package cloudevents

import (
	"net/http"
	"strconv"
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/person"
	"touchline.dev/services/collector/internal/slice"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "cloudevents"

// New returns the protocol. At the root of the host, where emitters post that were
// given no path, a request is its own when it says that it is a CloudEvent.
func New() intake.Protocol {
	const endpoint = "event"
	return intake.Protocol{Name: Name, Dialect: newDialect(), Routes: []intake.Route{
		{Method: http.MethodPost, Path: "/cloudevents", Endpoint: endpoint, Options: handshake},
		{Method: http.MethodPost, Path: "/v1/cloudevents", Endpoint: endpoint, Options: handshake},
		{Method: http.MethodPost, Path: "/", Endpoint: endpoint, Options: handshake, Claims: isOurs},
	}}
}

// handshake allows a sender that asks, as webhooks of CloudEvents do, to deliver
// here, as fast as it wants: who may is decided by the write key.
func handshake(h http.Header, r *http.Request) {
	origin := r.Header["Webhook-Request-Origin"]
	if len(origin) != 1 {
		return
	}
	h["Webhook-Allowed-Origin"] = origin
	if r.Header["Webhook-Request-Rate"] != nil {
		h["Webhook-Allowed-Rate"] = []string{"*"}
	}
}

func isOurs(r *http.Request, _ []byte) bool { return modeOf(r) != unknown }

// mode is how a request carries its events.
type mode byte

const (
	unknown mode = iota
	structured
	binary
)

func modeOf(r *http.Request) mode {
	if strings.HasPrefix(contentType(r), "application/cloudevents") {
		return structured
	}
	for _, name := range [...]string{"Ce-Id", "Ce-Type", "Ce-Specversion"} {
		if r.Header[name] != nil {
			return binary
		}
	}
	return unknown
}

// contentType returns the media type in lower case, with its parameters.
func contentType(r *http.Request) string { return strings.ToLower(r.Header.Get("Content-Type")) }

// dialect reads and answers requests that carry events.
type dialect struct {
	shape jsonlist.Shape
	names []string
}

// Members that are read of an event, and their places.
const (
	id = iota
	source
	subject
	anonymousID
	userID
	payload
	writeKey
)

func newDialect() dialect {
	d := dialect{names: person.Names()}
	d.shape = jsonlist.Shape{
		Members: []string{
			id: "id", source: "source", subject: "subject", anonymousID: "anonymousid", userID: "userid",
			payload: "data", writeKey: "writekey",
		},
		Event: d.ids,
	}
	return d
}

// Key returns a bearer token, the user name of HTTP basic authentication, or one of
// the parameters access_token, which the specification of webhooks names, and
// writeKey. Otherwise the extension writekey of each event counts or, for emitters
// that can be taught neither, its source, where the projects file has it for a key.
func (dialect) Key(r *http.Request, scratch []byte) []byte {
	if key := auth.Bearer(r, scratch); key != nil {
		return key
	}
	if key := auth.User(r, scratch); key != nil {
		return key
	}
	if key := auth.Query(r, "access_token", scratch); key != nil {
		return key
	}
	return auth.Query(r, "writeKey", scratch)
}

// maxBinary is how much data is written into a structured event, which takes up to
// six times as many bytes and is in no budget: as much as the longest event has.
const maxBinary = projects.MaxEventBytes

// Slice finds the events of the body. One that does not say what it is has to look
// like JSON.
func (d dialect) Slice(b *intake.Batch) {
	m := modeOf(b.Request)
	b.Cursor.Reset(b.Body)
	switch c := b.Cursor.Peek(); {
	case m == binary && len(b.Body) > maxBinary:
		b.Reject(event.EventTooLarge, "the data of a binary event is longer than 1 MiB")
		return
	case m == binary:
		compose(b)
	case m == unknown && c != '{' && c != '[':
		b.Refuse(http.StatusUnsupportedMediaType, event.UnreadableBody, "send a CloudEvent: structured, batched, or with its attributes in headers")
		return
	}
	d.shape.Walk(b)
}

// ids returns what identifies an event: its source and id together, and the person
// that its extensions name, else its data, else its subject.
func (d dialect) ids(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
	e := intake.Event{AnonymousID: b.Text(found[anonymousID]), UserID: b.Text(found[userID]), Key: b.Text(found[writeKey])}
	of := b.Text(found[source])
	if len(e.Key) == 0 {
		e.Key = of
	}
	if own := b.Text(found[id]); len(own) > 0 {
		from := len(b.Scratch)
		b.Scratch = append(append(append(b.Scratch, of...), '\n'), own...)
		e.MessageID = b.Scratch[from:len(b.Scratch):len(b.Scratch)]
	}
	if len(e.AnonymousID) == 0 && len(e.UserID) == 0 {
		e.AnonymousID, e.UserID = person.In(b, d.names, found[payload])
	}
	if len(e.AnonymousID) == 0 && len(e.UserID) == 0 {
		e.AnonymousID = b.Text(found[subject])
	}
	return e
}

// verdict is the answer where something was not taken.
type verdict struct {
	Accepted int          `json:"accepted"`
	Rejected []rejection  `json:"rejected,omitempty"`
	Reason   event.Reason `json:"reason,omitempty"`
	Message  string       `json:"message,omitempty"`
}

type rejection struct {
	Index   int          `json:"index"`
	Reason  event.Reason `json:"reason"`
	Message string       `json:"message"`
}

// maxListed bounds the rejected events that an answer lists.
const maxListed = 100

// Answer writes the verdict: nothing at all when everything was taken.
func (dialect) Answer(w http.ResponseWriter, _ *http.Request, v *intake.Verdict) int {
	if v.RetryAfter > 0 {
		w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
	}
	if v.Fault.Reason == "" && len(v.Rejected) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent
	}
	told := verdict{Accepted: v.Accepted, Reason: v.Fault.Reason, Message: v.Fault.Message}
	for _, r := range v.Rejected[:min(len(v.Rejected), maxListed)] {
		told.Rejected = append(told.Rejected, rejection{r.Index, r.Reason, r.Message})
	}
	answer.WriteValue(w, v.Status, told)
	return v.Status
}
