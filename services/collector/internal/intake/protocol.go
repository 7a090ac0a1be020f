package intake

import (
	"net/http"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/slice"
)

// Protocol is one SDK family's HTTP interface.
type Protocol struct {
	// Name is what raw records and the projects file call it: [a-z0-9_-]+.
	Name    string
	Dialect Dialect
	// Routes are served as they are and below /Name, for hosts that are shared.
	Routes []Route
}

// Route is one path of a protocol.
type Route struct {
	// Method is the only one the path takes, besides OPTIONS and, for GET, HEAD.
	Method string
	// Path is exact, or has one segment {key}, read with PathValue("key").
	Path string
	// Endpoint is the call that events posted here belong to (event.Raw). It is
	// used only without a Handler.
	Endpoint string
	// Handler answers paths that take no events, such as an SDK's settings. It
	// must not keep the request.
	Handler http.Handler
}

// Dialect is how a protocol's requests are read and answered. For each request
// Key is called once, then Slice once, unless the request was refused before,
// then Answer once. A dialect has no state of its own and is used concurrently.
type Dialect interface {
	// Key returns the write key of the request's headers or query; it may append
	// it to scratch. Nil means that it may be in the body.
	Key(r *http.Request, scratch []byte) []byte
	// Slice finds the events in b.Body and adds them to b. A body that holds
	// none that could be told apart is added as one rejected event.
	Slice(b *Batch)
	// Answer writes the verdict in the SDK's terms and returns the status. The
	// CORS headers are written already.
	Answer(w http.ResponseWriter, v *Verdict) int
}

// Batch is what a request holds: a dialect reads Endpoint and Body and fills in
// the rest. All slices may alias the body.
type Batch struct {
	Endpoint string
	// Body is unpacked and not empty.
	Body []byte
	// Key is the write key that the body gives for all its events.
	Key []byte
	// SentAt is when the SDK says it sent the request; "" when it does not.
	SentAt string
	// Context is the JSON object that the body gives for all events, Fault what
	// is wrong with it: every event is rejected for it.
	Context []byte
	Fault   Fault

	// Cursor is for the dialect's use, as is Scratch, for texts that do not
	// stand in the body as they are.
	Cursor  slice.Cursor
	Scratch []byte

	events    []Event
	maxEvents int
	maxDepth  int
}

// Event is one event as the SDK wrote it.
type Event struct {
	Bytes []byte
	// The ids that the event carries at its top; nil or empty for none.
	MessageID, AnonymousID, UserID []byte
	// Key is the event's own write key. It counts when the request has none.
	Key []byte
	// Fault is set on an event that is unusable already.
	Fault Fault
}

// Fault is why something is unusable; the zero value means it is not. Message is
// for a person and holds nothing that the client sent.
type Fault struct {
	Reason  event.Reason
	Message string
}

// Add adds the next event of the request and reports whether the limit allows
// it. The dialect stops at the first that is not allowed: the request is refused.
func (b *Batch) Add(e Event) bool {
	b.events = append(b.events, e)
	return len(b.events) <= b.maxEvents
}

// Restart forgets the events added so far.
func (b *Batch) Restart() { b.events = b.events[:0] }

// Len is the number of events added.
func (b *Batch) Len() int { return len(b.events) }

// Check returns what is wrong with a value that should be an object and whose
// structure holds: the same checks for a whole event and for the batch's context.
func (b *Batch) Check(v slice.Value, bytes []byte) Fault {
	switch {
	case v.Malformed:
		return Fault{event.MalformedJSON, "a string, number or word in it is not JSON"}
	case v.Kind != slice.Object:
		return Fault{event.NotAnObject, "JSON, but not an object"}
	case v.Depth > b.maxDepth:
		return Fault{event.TooDeep, tooDeep(v.Depth, b.maxDepth)}
	case !utf8.Valid(bytes):
		return Fault{event.InvalidUTF8, "holds bytes that are not UTF-8"}
	}
	return Fault{}
}

// Verdict is what became of a request.
type Verdict struct {
	// Status is the HTTP status that says so where a protocol has no other
	// habits: 200 when the request was taken, else 400, 401, 408, 413, 415, 503.
	Status int
	// Fault is set when the whole request was refused and nothing of it counts.
	Fault Fault
	// Accepted is the number of events taken, without the rejected ones.
	Accepted int
	// Rejected lists unusable events, which are kept for inspection.
	Rejected []Rejection
}

// Rejection names an unusable event by its position in the request, from 0.
type Rejection struct {
	Index int
	Fault
}
