package matomo

import (
	"bytes"
	"net/http"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/slice"
)

// bulk is the dialect of {"requests":["?idsite=1&..."]}.
type bulk struct{ dialect }

// NewBulk returns the protocol for bulk requests, which it tells by their body.
func NewBulk() intake.Protocol {
	p := intake.Protocol{Name: Name, Dialect: bulk{}}
	for _, path := range paths() {
		p.Routes = append(p.Routes, intake.Route{Method: http.MethodPost, Path: path, Endpoint: "bulk", Claims: isBulk})
	}
	return p
}

// isBulk reports whether a body is JSON: a form cannot begin like that. The
// Content-Type says form for both.
func isBulk(_ *http.Request, body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

// Slice adds the hits. One that is no string harms none of its neighbours; where
// the structure breaks the hits before are taken, and the rest is one rejected
// event.
func (bulk) Slice(b *intake.Batch) {
	c := &b.Cursor
	c.Reset(b.Body)
	if !c.Enter('{') {
		b.Reject(event.MalformedBatch, "the body is JSON, but not an object")
		return
	}
	var site []byte // of the last hit, which a faulty one is taken to be for as well
	listed := false
	for first := true; ; first = false {
		more, ok := c.Next('}', first)
		start := c.Pos()
		switch {
		case ok && !more && !c.AtEnd():
			broken(b, site, c.Pos(), listed, "something follows the value")
			return
		case ok && !more && !listed:
			b.Reject(event.MalformedBatch, `the body has no list of events called "requests"`)
			return
		case ok && !more:
			return
		}
		var name []byte
		if ok {
			name, ok = c.Key()
		}
		isList := string(name) == "requests"
		switch {
		case ok && isList && c.Peek() == '[':
			listed = true
			b.Restart()
			if site, ok = elements(b); !ok {
				return
			}
			continue
		case ok && isList: // a later member, so it counts, but it is no list
			listed = false
			b.Restart()
			_, ok = c.Value()
		case ok:
			_, ok = c.Value()
		}
		if !ok {
			broken(b, site, start, listed, c.Problem())
			return
		}
	}
}

// elements adds the hits of the list that the cursor is at. It returns the site of
// the last one and reports whether the walk goes on behind the list.
func elements(b *intake.Batch) (site []byte, goOn bool) {
	c := &b.Cursor
	c.Enter('[')
	for first := true; ; first = false {
		more, ok := c.Next(']', first)
		if ok && !more {
			return site, true
		}
		c.Peek()
		start := c.Pos()
		var v slice.Value
		if ok {
			v, ok = c.Value()
		}
		if !ok {
			broken(b, site, start, true, c.Problem())
			return site, false
		}
		e := element(b, v)
		if len(e.Key) == 0 {
			e.Key = site
		}
		if site = e.Key; !b.Add(e) {
			return site, false
		}
	}
}

func element(b *intake.Batch, v slice.Value) intake.Event {
	written := b.Body[v.Start:v.End:v.End]
	switch {
	case v.Malformed:
		return intake.Event{Bytes: written, Fault: intake.Fault{Reason: event.MalformedJSON, Message: "a string, number or word in it is not JSON"}}
	case v.Kind != slice.String:
		return intake.Event{Bytes: written, Fault: intake.Fault{Reason: event.WrongType, Message: "a request must be a string"}}
	}
	text := b.Text(v)
	if i := bytes.IndexByte(text, '?'); i >= 0 && bytes.IndexByte(text[:i], '=') < 0 { // a URL, or the query of one
		text = text[i+1:]
	}
	return hit(b, text)
}

// broken adds what begins at start as an event that cannot be used; without a hit
// before it that is the whole body.
func broken(b *intake.Batch, site []byte, start int, listed bool, message string) {
	if !listed {
		b.Reject(event.MalformedJSON, message)
		return
	}
	b.Add(intake.Event{Bytes: b.Body[start:], Key: site, Fault: intake.Fault{Reason: event.MalformedJSON, Message: message}})
}

type bulkVerdict struct {
	Status  string `json:"status"`
	Tracked int    `json:"tracked"`
	Invalid int    `json:"invalid"`
	Indices []int  `json:"invalid_indices"`
}

// maxListed bounds the indices in an answer.
const maxListed = 100

// Answer counts the hits and lists the invalid ones, as Matomo does.
func (bulk) Answer(w http.ResponseWriter, _ *http.Request, v *intake.Verdict) int {
	if v.Fault.Reason != "" {
		return refuse(w, v)
	}
	verdict := bulkVerdict{Status: "success", Tracked: v.Accepted, Invalid: len(v.Rejected), Indices: []int{}}
	for _, r := range v.Rejected[:min(len(v.Rejected), maxListed)] {
		verdict.Indices = append(verdict.Indices, r.Index)
	}
	answer.WriteValue(w, http.StatusOK, verdict)
	return http.StatusOK
}
