package intake

import (
	"net/http"
	"time"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/collector/internal/slice"
)

// Protocol is one SDK family's HTTP interface.
type Protocol struct {
	// Name is what raw records and the projects file call it: [a-z0-9_-]+.
	Name    string
	Dialect Dialect
	// Routes are served as they are and below /Name, for hosts that are shared
	// and for paths that several protocols have.
	Routes []Route
}

// Route is one path of a protocol.
type Route struct {
	// Method is GET or POST. A path that takes both has two routes. OPTIONS is
	// answered for every path, and HEAD where there is GET; neither takes events.
	Method string
	// Path is exact, or has {name} in place of whole segments, which
	// PathValue(name) then returns. Exact paths come before patterns, and patterns
	// with more fixed segments before those with fewer.
	Path string
	// Endpoint is the call that events posted here belong to (event.Raw).
	Endpoint string
	// Handler answers paths that take no events, such as an SDK's settings; the
	// CORS headers are written already. It must not keep the request.
	Handler http.Handler
	// Options adds to the answer of OPTIONS; nil for a path that has nothing to
	// say there besides CORS.
	Options func(h http.Header, r *http.Request)
	// Drop is set where a body is taken but never stored: nothing is sliced, one
	// thing is counted as dropped for this reason, and the answer is a success.
	Drop event.Reason
	// Claims reports whether a request is this protocol's, where several have the
	// path or it is a pattern that other requests fit too. body is unpacked. A
	// route without Claims takes what no other claims. Where every route has one and
	// none claims, the first protocol answers; only patterns and / do not exist then.
	Claims func(r *http.Request, body []byte) bool
}

// Lookup returns what a write key opens now with a protocol, and whether it opens
// anything. It may be called concurrently.
type Lookup func(key []byte, protocol string) (projects.Grant, bool)

// Dialect is how a protocol's requests are read and answered. For each request
// Key is called at most once, then Slice once, unless the request was refused
// before, then Answer once. A dialect has no state that a request changes and is
// used concurrently.
type Dialect interface {
	// Key returns the write key of the request's headers or query; it may append
	// it to scratch. Nil means that it may be in the body.
	Key(r *http.Request, scratch []byte) []byte
	// Slice finds the events of the request and adds them to b. What holds none
	// that could be told apart is added as one rejected event.
	Slice(b *Batch)
	// Answer writes the verdict in the SDK's terms and returns the status. The
	// headers of CORS and Touchline-Verdict are written already.
	Answer(w http.ResponseWriter, r *http.Request, v *Verdict) int
}

// Verifier is a Dialect whose requests carry more than a write key: a signature,
// or a second secret. Verify is called after Slice, when it is known what the key
// opens; a fault refuses the whole request.
type Verifier interface {
	Verify(b *Batch, grant projects.Grant, now time.Time) Fault
}

// MaxMembers is how many members of an event a dialect may note.
const MaxMembers = 24

// Batch is what a request holds: a dialect reads the first fields and fills in
// the others. All slices may alias the body.
type Batch struct {
	// Request is for its headers, query and path; its body is read already.
	Request *http.Request
	// Endpoint is the route's. A dialect may set another.
	Endpoint string
	// Body is unpacked, and may be empty. A dialect may replace it by what it is
	// packed in, such as the field of a form.
	Body []byte
	// Wire is the body as it came, for signatures.
	Wire []byte

	// Key is the write key that the body gives for all its events.
	Key []byte
	// SentAt is when the SDK says it sent the request; "" when it does not.
	SentAt string
	// Context is what the request gives for all events, in the protocol's form;
	// Fault what is wrong with it: every event is rejected for it.
	Context []byte
	Fault   Fault

	// Cursor and Nested are for the dialect's use, as are Found, for members, and
	// Scratch, for texts that do not stand in the body as they are.
	Cursor, Nested slice.Cursor
	Found          [MaxMembers]slice.Value
	Scratch        []byte

	events    []Event
	maxEvents int
	maxDepth  int
	maxKeys   int
	maxString int
	refusal   Refusal
	drops     Drops
	notes     []event.Header
	anonymous bool
	unpack    func([]byte) ([]byte, error)
}

// Event is one event as the SDK wrote it.
type Event struct {
	Bytes []byte
	// The ids that the event carries itself; nil or empty for none. They decide
	// the partition and what is a retry, so nothing that a retry changes belongs
	// here.
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

// Refusal is why a whole request is refused, with its HTTP status.
type Refusal struct {
	Status int
	Fault
}

// Drops counts what was taken and is not stored.
type Drops struct {
	Reason event.Reason
	N      int
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

// Reject takes the body as one event that cannot be used, in place of those added
// so far. It is stored with the reason, and the request is a success.
func (b *Batch) Reject(reason event.Reason, message string) {
	b.Restart()
	b.Add(Event{Bytes: b.Body, Fault: Fault{reason, message}})
}

// Refuse refuses the whole request: nothing of it is stored.
func (b *Batch) Refuse(status int, reason event.Reason, message string) {
	b.refusal = Refusal{status, Fault{reason, message}}
}

// Drop counts n things of the request that are taken and not stored.
func (b *Batch) Drop(reason event.Reason, n int) {
	b.drops.Reason = reason
	b.drops.N += n
}

// Unpack returns what data, found inside the body, is packed from when it begins
// like gzip or zstd; other data comes back as it is. The limits of a body hold for
// it. It may be called once for a request; the result replaces Body as a rule. On
// an error the request is refused already.
func (b *Batch) Unpack(data []byte) ([]byte, bool) {
	unpacked, err := b.unpack(data)
	if err != nil {
		b.refusal = refusalOf(err)
		return nil, false
	}
	return unpacked, true
}

// IsBlank reports whether there is nothing but white space.
func IsBlank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

// Text returns the text of a string of the body, unescaped, or of a number, as it
// is written; nil for everything else.
func (b *Batch) Text(v slice.Value) []byte {
	var t []byte
	t, b.Scratch = b.Cursor.Text(v, b.Scratch)
	return t
}

const (
	// maxNotes and maxNote bound what a dialect may add to the headers of a record.
	maxNotes = 8
	maxNote  = 256
)

// Note adds a line to the headers of the raw records, for the adapter. name is
// the protocol's, in lower case; at most 8 lines of 256 bytes are kept.
func (b *Batch) Note(name, value string) {
	if value != "" && len(b.notes) < maxNotes {
		b.notes = append(b.notes, event.Header{Name: name, Value: value})
	}
}

// Anonymous keeps the client's address out of the records.
func (b *Batch) Anonymous() { b.anonymous = true }

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
	case v.Keys > b.maxKeys:
		return Fault{event.TooManyKeys, tooManyKeys(v.Keys, b.maxKeys)}
	case v.Longest > b.maxString:
		return Fault{event.StringTooLong, stringTooLong(v.Longest, b.maxString)}
	case !utf8.Valid(bytes):
		return Fault{event.InvalidUTF8, "holds bytes that are not UTF-8"}
	}
	return Fault{}
}

// Verdict is what became of a request.
type Verdict struct {
	// Status is the HTTP status that says so where a protocol has no other
	// habits: 200 when the request was taken, else 400, 401, 403, 408, 413, 415,
	// 429 or 503.
	Status int
	// Fault is set when the whole request was refused and nothing of it counts.
	Fault Fault
	// RetryAfter is after how many seconds a refused request may come again, for
	// 429 and 503.
	RetryAfter int
	// Refused is the number of events that a refused request held, where they
	// were looked at.
	Refused int
	// Accepted is the number of events taken, without the rejected ones.
	Accepted int
	// Rejected lists unusable events, which are kept for inspection, and events
	// whose own write key opens nothing, which are not.
	Rejected []Rejection
	// Duplicates lists accepted events, by position, whose message id was accepted
	// before, as far as this process remembers: the enricher decides.
	Duplicates []int
	// Drops counts what was taken and is not stored.
	Drops Drops
	// Events are those of the request, in order, for answers that name ids.
	Events []Event
	// Bytes is the length of the unpacked body.
	Bytes int
}

// Rejection names an unusable event by its position in the request, from 0.
type Rejection struct {
	Index int
	Fault
}
