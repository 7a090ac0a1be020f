package segment

import (
	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/slice"
)

// maxSentAt bounds the text of a time; RFC 3339 with nanoseconds has 35 bytes.
const maxSentAt = 64

// requestMember reads a member of a batch besides its events.
func requestMember(b *intake.Batch, name []byte, v slice.Value) {
	switch string(name) {
	case "writeKey":
		b.Key = b.Text(v)
	case "sentAt":
		b.SentAt = SentAt(b.Text(v))
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

// SentAt returns a sent time as it is written, or "" when it is too long or holds
// what no time does.
func SentAt[T ~string | ~[]byte](text T) string {
	if len(text) > maxSentAt {
		return ""
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return ""
		}
	}
	return string(text)
}
