package touchline

import (
	"net/http"
	"strconv"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/internal/jsonscan"
)

// What became of an event.
const (
	taken     = "ok"
	duplicate = "duplicate" // accepted, but its message id was accepted before
	rejected  = "rejected"
	limited   = "limited" // the write key's rate is used up: send it again later
)

// Answer writes what became of the request and of each of its events, in their
// order:
//
//	{"accepted":1,"events":[{"index":0,"id":"m-1","verdict":"ok"},
//	 {"index":1,"verdict":"rejected","reason":"malformed_json","message":"..."}]}
//
// A refused request has a reason and a message at the top instead; its events are
// listed where they were told apart. A pixel is a picture whatever came of it; the
// verdict stands in the header that every answer has.
func (dialect) Answer(w http.ResponseWriter, r *http.Request, v *intake.Verdict) int {
	if v.RetryAfter > 0 {
		w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
	}
	if r.Method == http.MethodGet {
		answer.WriteGIF(w, v.Status)
		return v.Status
	}
	answer.WriteJSON(w, v.Status, string(body(v)))
	return v.Status
}

func body(v *intake.Verdict) []byte {
	out := make([]byte, 0, 64+64*len(v.Events))
	out = strconv.AppendInt(append(out, `{"accepted":`...), int64(v.Accepted), 10)
	verdict := taken
	if v.Fault.Reason != "" {
		out = appendFault(out, v.Fault)
		verdict = ""
		if v.Fault.Reason == event.RateLimited {
			verdict = limited
		}
	}
	out = append(out, `,"events":[`...)
	rejections, duplicates := v.Rejected, v.Duplicates
	for i := range v.Events {
		if verdict == "" {
			break // nothing was decided about single events
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(append(out, `{"index":`...), int64(i), 10)
		if id := v.Events[i].MessageID; len(id) > 0 && len(id) <= maxID && utf8.Valid(id) {
			out = jsonscan.AppendString(append(out, `,"id":`...), id)
		}
		switch {
		case len(rejections) > 0 && rejections[0].Index == i:
			out = append(out, `,"verdict":"`+rejected+`"`...)
			out = appendFault(out, rejections[0].Fault)
			rejections = rejections[1:]
		case len(duplicates) > 0 && duplicates[0] == i:
			out = append(out, `,"verdict":"`+duplicate+`"`...)
			duplicates = duplicates[1:]
		default:
			out = append(append(append(out, `,"verdict":"`...), verdict...), '"')
		}
		out = append(out, '}')
	}
	return append(out, ']', '}')
}

// maxID is the longest id that is repeated in an answer; longer ones are rejected
// by the enricher.
const maxID = 512

func appendFault(out []byte, f intake.Fault) []byte {
	out = jsonscan.AppendString(append(out, `,"reason":`...), string(f.Reason))
	return jsonscan.AppendString(append(out, `,"message":`...), f.Message)
}
