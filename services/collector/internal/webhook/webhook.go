// Package webhook takes webhooks in, whoever sends them: a JSON object, a list,
// lines or a form, signed in one of the usual ways where the write key asks for it.
//
// The payloads are left as they were written, beside the headers that say what
// they are about; the enricher maps them.
package webhook

import (
	"net/http"
	"strconv"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/person"
	"touchline.dev/services/collector/internal/slice"
	"touchline.dev/services/collector/internal/unwrap"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "webhook"

// New returns the protocol.
func New() intake.Protocol {
	return intake.Protocol{Name: Name, Dialect: newDialect(), Routes: []intake.Route{
		{Method: http.MethodPost, Path: "/v1/webhook", Endpoint: Name},
		{Method: http.MethodGet, Path: "/v1/webhook", Endpoint: Name},
	}}
}

// dialect reads and answers requests that carry events.
type dialect struct {
	shape jsonlist.Shape
	names []string
}

func newDialect() dialect {
	d := dialect{names: person.Names()}
	d.shape = jsonlist.Shape{Lines: true, Members: append(person.Names(), "id"), Event: d.ids}
	return d
}

// Key returns the parameter writeKey, the header X-Write-Key, a bearer token or
// the user name of HTTP basic authentication: whatever the sender lets one set.
func (dialect) Key(r *http.Request, scratch []byte) []byte {
	if key := auth.Query(r, "writeKey", scratch); key != nil {
		return key
	}
	if key := auth.Header(r, "X-Write-Key", scratch); key != nil {
		return key
	}
	if key := auth.Bearer(r, scratch); key != nil {
		return key
	}
	return auth.User(r, scratch)
}

// Slice finds the payloads of the body, or takes the query for one.
func (d dialect) Slice(b *intake.Batch) {
	b.Context = headers(b)
	if b.Request.Method == http.MethodGet {
		b.Body = []byte(b.Request.URL.RawQuery)
		form(b)
		return
	}
	if intake.IsBlank(b.Body) {
		b.Refuse(http.StatusBadRequest, event.UnreadableBody, "the body is empty")
		return
	}
	b.Cursor.Reset(b.Body)
	switch b.Cursor.Peek() {
	case '{', '[':
		d.shape.Walk(b)
	default:
		form(b)
	}
}

// form adds the body as one event, a form.
func form(b *intake.Batch) {
	equals := false
	for _, c := range b.Body {
		equals = equals || c == '='
		if c <= ' ' {
			equals = false
			break
		}
	}
	switch {
	case !equals:
		b.Reject(event.MalformedJSON, "the payload is neither JSON nor a form")
	case !utf8.Valid(b.Body):
		b.Reject(event.InvalidUTF8, "the form holds bytes that are not UTF-8")
	default:
		b.Add(intake.Event{
			Bytes: b.Body, MessageID: delivery(b),
			AnonymousID: field(b, "anonymous_id", "anonymousId"), UserID: field(b, "user_id", "userId", "client_reference_id", "customer_id", "customer", "email"),
		})
	}
}

// field returns the first of these fields of a form that says something.
func field(b *intake.Batch, names ...string) []byte {
	for _, name := range names {
		if value, _ := unwrap.Field(b.Body, name); len(value) > 0 {
			from := len(b.Scratch)
			b.Scratch = unwrap.Percent(b.Scratch, value)
			return b.Scratch[from:len(b.Scratch):len(b.Scratch)]
		}
	}
	return nil
}

// ids returns what identifies a payload: the id that it has where that is known to
// be the event's, else the delivery's, and whom it is about.
func (d dialect) ids(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
	var e intake.Event
	if e.MessageID = b.Text(found[person.Count]); len(e.MessageID) <= len(stripeEvent) || string(e.MessageID[:len(stripeEvent)]) != stripeEvent {
		e.MessageID = delivery(b)
	}
	e.AnonymousID, e.UserID = person.Of(b, d.names, found)
	return e
}

// stripeEvent begins the ids of Stripe's events; other senders' ids are those of
// what the event is about.
const stripeEvent = "evt_"

// refusal is the answer to a request of which nothing was taken.
type refusal struct {
	Reason  event.Reason `json:"reason"`
	Message string       `json:"message"`
}

// Answer writes the verdict. Senders look at the status alone, and send again what
// was not a success; a payload that cannot be used would be as useless then.
func (dialect) Answer(w http.ResponseWriter, _ *http.Request, v *intake.Verdict) int {
	if v.RetryAfter > 0 {
		w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
	}
	if v.Fault.Reason != "" {
		answer.WriteValue(w, v.Status, refusal{v.Fault.Reason, v.Fault.Message})
	} else {
		answer.WriteText(w, v.Status, "OK")
	}
	return v.Status
}
