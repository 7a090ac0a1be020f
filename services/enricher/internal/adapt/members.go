package adapt

import (
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// columnOf returns what a member says, cut to the limit of its column. What is
// cut, and what is no text or number, is kept as well.
func columnOf(e *reader, rawName string, value []byte, limit int) string {
	if len(value) == 0 {
		return ""
	}
	s := whole(e, value)
	if s == "" || len(s) > limit {
		keep(e.Event, rawName, value)
	}
	return cut(s, limit)
}

// timeOf reads an instant in any of the forms of eventtime.Parse; what is none is
// kept.
func timeOf(e *reader, rawName string, value []byte) (ms int64, ok bool) {
	if len(value) == 0 {
		return 0, false
	}
	if ms, ok = eventtime.Parse(bytesOf(whole(e, value))); !ok {
		keep(e.Event, rawName, value)
	}
	return ms, ok
}

// eventName reads the name of an event that must have one.
func eventName(e *reader, field string, value []byte) (string, *pipeline.Verdict) {
	switch jsonscan.KindOf(value) {
	case jsonscan.String:
	case jsonscan.Absent, jsonscan.Null:
		return "", refuse(event.MissingField, field, "an event needs a name")
	default:
		return "", refuse(event.WrongType, field, field+" must be a string")
	}
	name := whole(e, value)
	if strings.TrimSpace(name) == "" {
		return "", refuse(event.MissingField, field, "an event needs a name")
	}
	if len(name) > maxEventName {
		return "", refuse(event.FieldTooLong, field, field+" is longer than 256 bytes")
	}
	return name, nil
}

// setCall makes the touchpoint one of the calls that have no name of their own.
func setCall(t *event.Touchpoint, call string) {
	name := call
	switch call {
	case "page":
		name = "page_view"
	case "screen":
		name = "screen_view"
	}
	t.Type, t.Event, t.Kind = call, name, name
}

// beginObject begins an object in e.Scratch and returns its place. Until
// endObject nothing else may be written there.
func beginObject(e *pipeline.Event) (from int) {
	e.Scratch = append(e.Scratch, '{')
	return len(e.Scratch) - 1
}

// addMember adds a member as it is written.
func addMember(e *pipeline.Event, rawName, value []byte) {
	e.Scratch = append(append(append(e.Scratch, '"'), rawName...), '"', ':')
	e.Scratch = append(append(e.Scratch, value...), ',')
}

// endObject returns the object that begins at from, nil when it has no members.
func endObject(e *pipeline.Event, from int) []byte {
	if len(e.Scratch) == from+1 {
		e.Scratch = e.Scratch[:from]
		return nil
	}
	e.Scratch[len(e.Scratch)-1] = '}' // instead of the last comma
	return e.Scratch[from:len(e.Scratch):len(e.Scratch)]
}
