// Package plausible speaks the HTTP interface of Plausible's script and tracker:
// single events as JSON, whatever their Content-Type says.
//
// It reads requests and adds their events as they were written. An event for
// several sites ("d": "shop.example,all.example") becomes one for each of them,
// with the key of its site. There are no ids in an event: its records are spread
// over the partitions, and a retry is a second event. The tracker never retries.
package plausible

import (
	"bytes"
	"net/http"
	"strconv"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/slice"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "plausible"

// maxSites is how many sites one event may be for: each takes a record.
const maxSites = 8

// New returns the protocol.
func New() intake.Protocol {
	return intake.Protocol{
		Name: Name,
		Dialect: dialect{jsonlist.Shape{
			NoBare:  true,
			Members: []string{short: "d", long: "domain"},
			Event:   sites,
		}},
		Routes: []intake.Route{{Method: http.MethodPost, Path: "/api/event", Endpoint: "event"}},
	}
}

// The names of the site, which is the key.
const (
	short = iota
	long
)

type dialect struct{ shape jsonlist.Shape }

// Key returns nil: the site stands in the event.
func (dialect) Key(*http.Request, []byte) []byte { return nil }

// Slice adds the event of the body.
func (d dialect) Slice(b *intake.Batch) { d.shape.Walk(b) }

// sites adds an event for each of its sites but the last, and returns that.
func sites(b *intake.Batch, v slice.Value, found []slice.Value) intake.Event {
	names := b.Text(found[short])
	if len(names) == 0 {
		names = b.Text(found[long])
	}
	e := intake.Event{Bytes: b.Body[v.Start:v.End:v.End]}
	e.Fault = b.Check(v, e.Bytes)
	if bytes.Count(names, []byte{','}) >= maxSites && e.Fault.Reason == "" {
		e.Fault = intake.Fault{Reason: event.FieldTooLong, Message: "an event may be for 8 sites"}
	}
	for {
		name, others, more := bytes.Cut(names, []byte{','})
		e.Key, names = bytes.TrimSpace(name), others
		if !more || e.Fault.Reason != "" || !b.Add(e) {
			return e
		}
	}
}

// Answer says "ok" with the status 202, as Plausible's own service does also when
// it leaves events out; the header x-plausible-dropped then counts them. The
// tracker is done with an event whatever the answer is.
func (dialect) Answer(w http.ResponseWriter, _ *http.Request, v *intake.Verdict) int {
	if v.Fault.Reason != "" {
		if v.RetryAfter > 0 {
			w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
		}
		answer.WriteText(w, v.Status, v.Fault.Message)
		return v.Status
	}
	if len(v.Rejected) > 0 {
		w.Header()["X-Plausible-Dropped"] = []string{strconv.Itoa(len(v.Rejected))}
	}
	answer.WriteText(w, http.StatusAccepted, "ok")
	return http.StatusAccepted
}
