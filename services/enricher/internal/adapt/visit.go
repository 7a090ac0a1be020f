package adapt

import (
	"bytes"

	"touchline.dev/services/internal/jsonscan"
)

// either takes the value of a member that has several names, of which the first
// that says something counts; the others are kept.
func either(e *reader, field *[]byte, rawName string, value []byte) {
	if says(*field) {
		keep(e.Event, rawName, value)
		return
	}
	*field = value
}

// objectOf returns a JSON object, also one that is written into a string; nil for
// anything else, and for one without members.
func objectOf(e *reader, value []byte) []byte {
	if jsonscan.KindOf(value) == jsonscan.String {
		value = bytes.Trim(bytesOf(whole(e, value)), " \t\r\n")
		if jsonscan.KindOf(value) != jsonscan.Object || jsonscan.Valid(value) != nil {
			return nil
		}
	}
	if jsonscan.KindOf(value) != jsonscan.Object || !says(value) {
		return nil
	}
	return value
}

// viewed makes the event a page call, named by the title.
func viewed(e *reader, title string) {
	t := e.Touchpoint
	setCall(t, "page")
	t.Name = cut(title, maxName)
}
