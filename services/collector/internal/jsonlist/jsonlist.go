// Package jsonlist slices the JSON that SDKs send into events, in all the shapes
// that they use: an object with a list of events, a list, a single event, and
// lines of events.
//
// An event with something wrong in it harms none of its neighbours. Where the
// structure itself breaks, the events before are taken, and what remains is one
// rejected event. Where it holds but is not that of the protocol, the whole body
// is. Of members given twice the last counts.
//
// The package does no I/O; a Shape never changes and may be used concurrently.
package jsonlist

import (
	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/slice"
)

// Shape says how a protocol's JSON is laid out.
type Shape struct {
	// List is the member of an object that holds the events. An object without it
	// is one event; where List is "" each object is.
	List string
	// Must says that an object without the list holds no events that could be
	// told apart.
	Must bool
	// NoBare says that a list without an object around it is no request.
	NoBare bool
	// Lines says that more objects may follow the first one, one behind another.
	Lines bool
	// Members are the names of the members of an event that Event is given, at
	// most intake.MaxMembers together with InnerMembers.
	Members []string
	// Inner is the place in Members of an object whose own members InnerMembers are
	// given to Event as well, behind the others; counted only with InnerMembers.
	Inner        int
	InnerMembers []string
	// Request is given the members of the object beside the list; nil for none.
	// Where the object turns out to be one event it has been given its members as
	// well.
	Request func(b *intake.Batch, name []byte, v slice.Value)
	// Event returns the ids of the event at v; found are its Members. Its bytes and
	// fault are filled in unless they are set. Nil for none.
	Event func(b *intake.Batch, v slice.Value, found []slice.Value) intake.Event
}

// Walk adds the events of b.Body. Where List is "" and Request is nil an object
// is walked once, otherwise twice if it turns out to be an event.
func (s *Shape) Walk(b *intake.Batch) {
	b.Cursor.Reset(b.Body)
	switch c := b.Cursor.Peek(); {
	case c == '[' && !s.NoBare:
		if s.elements(b) {
			s.end(b)
		}
	case c == '{' && s.List != "":
		s.object(b)
	default:
		s.lines(b)
	}
}

// end rejects what follows the list.
func (s *Shape) end(b *intake.Batch) {
	if !b.Cursor.AtEnd() {
		s.rest(b, b.Cursor.Pos(), true)
	}
}

// object walks an object that may hold the list.
func (s *Shape) object(b *intake.Batch) {
	c := &b.Cursor
	c.Enter('{')
	listed := false
	for first := true; ; first = false {
		more, ok := c.Next('}', first)
		if !ok {
			s.rest(b, c.Pos(), listed)
			return
		}
		if !more {
			break
		}
		start := c.Pos()
		name, ok := c.Key()
		if !ok {
			s.rest(b, start, listed)
			return
		}
		isList := string(name) == s.List
		if isList && c.Peek() == '[' {
			listed = true
			b.Restart()
			if !s.elements(b) {
				return
			}
			continue
		}
		v, ok := c.Value()
		if !ok {
			s.rest(b, start, listed)
			return
		}
		if isList {
			listed = false // a later member, so it counts, but it is no list
			b.Restart()
		}
		if s.Request != nil {
			s.Request(b, name, v)
		}
	}
	switch {
	case listed:
		s.end(b)
	case s.Must:
		b.Reject(event.MalformedBatch, `the body has no list of events called "`+s.List+`"`)
	default:
		c.Reset(b.Body)
		s.lines(b)
	}
}

// lines walks values that stand one behind another.
func (s *Shape) lines(b *intake.Batch) {
	c := &b.Cursor
	for first := true; first || s.Lines && !c.AtEnd(); first = false {
		c.Peek()
		start := c.Pos()
		v, ok := s.members(b)
		switch {
		case !ok:
			s.rest(b, start, !first)
			return
		case first && v.Kind != slice.Object && c.AtEnd():
			s.rejectValue(b, v)
			return
		case first && !s.Lines && !c.AtEnd():
			s.rest(b, start, false)
			return
		case !s.add(b, v):
			return
		}
	}
}

// elements adds the events of the list that the cursor is at. It reports whether
// the walk goes on behind it; if not, what remains was added as well, or the
// limit of events is passed.
func (s *Shape) elements(b *intake.Batch) bool {
	c := &b.Cursor
	c.Enter('[')
	for first := true; ; first = false {
		more, ok := c.Next(']', first)
		if !ok {
			s.rest(b, c.Pos(), true)
			return false
		}
		if !more {
			return true
		}
		c.Peek()
		start := c.Pos()
		v, ok := s.members(b)
		if !ok {
			s.rest(b, start, true)
			return false
		}
		if !s.add(b, v) {
			return false
		}
	}
}

// members steps over the next value and notes its members in b.Found.
func (s *Shape) members(b *intake.Batch) (slice.Value, bool) {
	n := len(s.Members)
	if len(s.InnerMembers) == 0 {
		return b.Cursor.Members(s.Members, b.Found[:n])
	}
	return b.Cursor.MembersIn(s.Members, s.Inner, s.InnerMembers, b.Found[:n+len(s.InnerMembers)])
}

// add adds the event at v and reports whether the limit allows it.
func (s *Shape) add(b *intake.Batch, v slice.Value) bool {
	var e intake.Event
	if s.Event != nil {
		e = s.Event(b, v, b.Found[:len(s.Members)+len(s.InnerMembers)])
	}
	if e.Bytes == nil {
		e.Bytes = b.Body[v.Start:v.End:v.End]
	}
	if e.Fault.Reason == "" {
		e.Fault = b.Check(v, e.Bytes)
	}
	return b.Add(e)
}

// rejectValue rejects a body that is one value, but not an object.
func (s *Shape) rejectValue(b *intake.Batch, v slice.Value) {
	if fault := b.Check(v, b.Body); fault.Reason == event.MalformedJSON {
		b.Reject(fault.Reason, fault.Message)
		return
	}
	b.Reject(event.MalformedBatch, "the body is JSON, but not an object")
}

// rest adds what begins at start, where the structure is lost, as one event that
// cannot be used. Without an event before it that is the whole body.
func (s *Shape) rest(b *intake.Batch, start int, taken bool) {
	message := b.Cursor.Problem()
	if message == "" {
		message = "something follows the value"
	}
	if !taken {
		b.Reject(event.MalformedJSON, message)
		return
	}
	b.Add(intake.Event{Bytes: b.Body[start:], Fault: intake.Fault{Reason: event.MalformedJSON, Message: message}})
}
