// Package ga4 speaks the two HTTP interfaces of Google Analytics 4: the Measurement
// Protocol of servers and apps, and what gtag.js sends from pages.
//
// It reads requests and adds their events as they were written, with what the
// request says about all of them as their context; the enricher maps them. A
// measurement id with its secret opens a project to servers, the measurement id
// alone to pages. Where Google answers everything with 204, a request of which
// nothing is taken gets its true status here: no client sends again, and whoever
// looks finds a wrong key. Events that cannot be used are taken, kept and reported
// in the header Touchline-Verdict.
package ga4

import (
	"bytes"
	"net/http"
	"strconv"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/slice"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "ga4"

// NewMeasurement returns the protocol for the Measurement Protocol. NewTag has the
// rest; it is apart because keys stand elsewhere.
func NewMeasurement() intake.Protocol {
	d := measurement{jsonlist.Shape{List: "events", Must: true, NoBare: true, Event: measured}}
	return intake.Protocol{Name: Name, Dialect: d, Routes: []intake.Route{
		{Method: http.MethodPost, Path: "/mp/collect", Endpoint: "mp"},
		{Method: http.MethodPost, Path: "/debug/mp/collect", Handler: http.HandlerFunc(debug)},
	}}
}

// measurement is the dialect of {"client_id":..,"events":[..]}.
type measurement struct{ shape jsonlist.Shape }

// Key returns id and secret of the stream, joined by a colon: G-ABC:secret, or the
// id of an app in place of a web stream's.
func (measurement) Key(r *http.Request, scratch []byte) []byte {
	from := len(scratch)
	id := auth.Query(r, "measurement_id", scratch)
	if id == nil {
		id = auth.Query(r, "firebase_app_id", scratch)
	}
	if id == nil {
		return nil
	}
	scratch = append(append(scratch, id...), ':') // id is where it is copied to, or apart
	secret := auth.Query(r, "api_secret", scratch)
	return append(scratch, secret...)[from:]
}

// Places of the members of a request that name who all events are about.
const (
	clientID = iota
	instanceID
	userID
)

// Slice adds the events of the list.
func (m measurement) Slice(b *intake.Batch) {
	if intake.IsBlank(b.Body) {
		b.Refuse(http.StatusBadRequest, event.UnreadableBody, "the body is empty")
		return
	}
	context(b)
	m.shape.Walk(b)
}

// measured returns the ids of an event: those of the request, which context has
// left in b.Found.
func measured(b *intake.Batch, _ slice.Value, _ []slice.Value) intake.Event {
	e := intake.Event{AnonymousID: b.Text(b.Found[clientID]), UserID: b.Text(b.Found[userID])}
	if len(e.AnonymousID) == 0 {
		e.AnonymousID = b.Text(b.Found[instanceID])
	}
	return e
}

// context makes the context of all events from the members of the request beside
// its list, and leaves the ids in b.Found, which the walk over the events does not
// touch. A request whose structure breaks has those that stand before the break.
func context(b *intake.Batch) {
	c := &b.Cursor
	c.Reset(b.Body)
	if !c.Enter('{') {
		return // which the walk rejects
	}
	from := len(b.Scratch)
	b.Scratch = append(b.Scratch, '{')
	whole := slice.Value{Kind: slice.Object}
	for first := true; ; first = false {
		if more, ok := c.Next('}', first); !ok || !more {
			break
		}
		start := c.Pos()
		name, ok := c.Key()
		if !ok {
			break
		}
		isList, place := string(name) == "events", idOf(name)
		v, ok := c.Value()
		if !ok {
			break
		}
		if isList {
			continue
		}
		if place >= 0 {
			b.Found[place] = v
		}
		whole.Depth, whole.Malformed = max(whole.Depth, v.Depth), whole.Malformed || v.Malformed || name == nil
		b.Scratch = append(append(b.Scratch, bytes.TrimLeft(b.Body[start:v.End], " \t\r\n")...), ',')
	}
	if len(b.Scratch) == from+1 {
		b.Scratch = b.Scratch[:from]
		return
	}
	b.Scratch[len(b.Scratch)-1] = '}' // instead of the last comma
	b.Context = b.Scratch[from:len(b.Scratch):len(b.Scratch)]
	whole.Depth++
	if b.Fault = b.Check(whole, b.Context); b.Fault.Reason != "" {
		b.Fault.Message = "what stands beside the events: " + b.Fault.Message
	}
}

func idOf(name []byte) int {
	switch string(name) {
	case "client_id":
		return clientID
	case "app_instance_id":
		return instanceID
	case "user_id":
		return userID
	}
	return -1
}

// Answer writes nothing but the status.
func (measurement) Answer(w http.ResponseWriter, _ *http.Request, v *intake.Verdict) int {
	return write(w, v)
}

// write answers for both protocols.
func write(w http.ResponseWriter, v *intake.Verdict) int {
	if v.Fault.Reason != "" {
		if v.RetryAfter > 0 {
			w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
		}
		answer.WriteText(w, v.Status, v.Fault.Message)
		return v.Status
	}
	w.WriteHeader(http.StatusNoContent)
	return http.StatusNoContent
}
