package segment

import (
	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/slice"
)

// maxSentAt bounds the text of a time; RFC 3339 with nanoseconds has 35 bytes.
const maxSentAt = 64

// sliceBatch reads an object with the member "batch", a list of events. Members
// may stand in any order, and of those given twice the last counts.
//
// Where the structure breaks, the events before are taken, and what remains is
// one rejected event. Where it holds but is not that of a batch, the whole body is.
func sliceBatch(b *intake.Batch, names []string) {
	c := &b.Cursor
	if !c.Enter('{') {
		if v, ok := c.Value(); ok && c.AtEnd() {
			rejectValue(b, v)
		} else {
			reject(b, event.MalformedJSON, broken(c))
		}
		return
	}
	listed := false
	for first := true; ; first = false {
		more, ok := c.Next('}', first)
		if !ok {
			rest(b, c.Pos(), listed)
			return
		}
		if !more {
			break
		}
		start := c.Pos()
		name, ok := c.Key()
		if !ok {
			rest(b, start, listed)
			return
		}
		if string(name) == batch && c.Peek() == '[' {
			listed = true
			b.Restart()
			if !elements(b, names) {
				return
			}
			continue
		}
		v, ok := c.Value()
		if !ok {
			rest(b, start, listed)
			return
		}
		if string(name) == batch {
			listed = false // a later member, so it counts, but it is no list
			b.Restart()
		}
		member(b, name, v)
	}
	switch {
	case !listed:
		reject(b, event.MalformedBatch, `the body has no list of events called "batch"`)
	case !c.AtEnd():
		rest(b, c.Pos(), listed)
	}
}

// member reads a member of the request besides its events.
func member(b *intake.Batch, name []byte, v slice.Value) {
	switch string(name) {
	case "writeKey":
		b.Key = text(b, v)
	case "sentAt":
		b.SentAt = ""
		if t := text(b, v); len(t) <= maxSentAt && isPrintable(t) {
			b.SentAt = string(t)
		}
	case "context":
		b.Context, b.Fault = nil, intake.Fault{}
		if v.Kind == slice.Null && !v.Malformed {
			return
		}
		b.Context = b.Body[v.Start:v.End:v.End]
		b.Fault = b.Check(v, b.Context)
		switch b.Fault.Reason {
		case "":
			return
		case event.NotAnObject:
			b.Fault.Reason = event.WrongType
		}
		b.Fault.Message = "context of the batch: " + b.Fault.Message
	}
}

// elements adds the events of the list that the cursor is at. It reports whether
// the walk goes on behind it; if not, what remains was added as well, or the
// limit of events is passed.
func elements(b *intake.Batch, names []string) bool {
	c := &b.Cursor
	c.Enter('[')
	var found [members]slice.Value
	for first := true; ; first = false {
		more, ok := c.Next(']', first)
		if !ok {
			rest(b, c.Pos(), true)
			return false
		}
		if !more {
			return true
		}
		c.Peek()
		start := c.Pos()
		v, ok := c.Members(names, found[:])
		if !ok {
			rest(b, start, true)
			return false
		}
		if !add(b, v, found[:]) {
			return false
		}
	}
}

// rest adds what begins at start, where the structure is lost, as one event that
// cannot be used. Without a list of events before it that is the whole body.
func rest(b *intake.Batch, start int, listed bool) {
	message := broken(&b.Cursor)
	if !listed {
		reject(b, event.MalformedJSON, message)
		return
	}
	b.Add(intake.Event{Bytes: b.Body[start:], Fault: intake.Fault{Reason: event.MalformedJSON, Message: message}})
}

func isPrintable(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
