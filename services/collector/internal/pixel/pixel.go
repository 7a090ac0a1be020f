// Package pixel takes the query of a picture's URL for an event: what protocols
// offer where no script runs, as in e-mails.
//
// It reads a request's query and adds one event to its batch. It does no I/O and
// may be used concurrently.
package pixel

import (
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/unwrap"
)

// Names are the parameters that hold the ids.
type Names struct{ MessageID, AnonymousID, UserID string }

// Slice adds the query of the request as one event.
func Slice(b *intake.Batch, names Names) {
	e := intake.Event{
		Bytes:     []byte(b.Request.URL.RawQuery),
		MessageID: field(b, names.MessageID), AnonymousID: field(b, names.AnonymousID), UserID: field(b, names.UserID),
	}
	if !utf8.Valid(e.Bytes) {
		e.Fault = intake.Fault{Reason: event.InvalidUTF8, Message: "the query holds bytes that are not UTF-8"}
	}
	b.Add(e)
}

func field(b *intake.Batch, name string) []byte {
	value, _ := unwrap.Field(b.Request.URL.RawQuery, name)
	from := len(b.Scratch)
	b.Scratch = unwrap.Percent(b.Scratch, value)
	return b.Scratch[from:len(b.Scratch):len(b.Scratch)]
}
