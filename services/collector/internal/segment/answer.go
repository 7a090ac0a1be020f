package segment

import (
	"net/http"
	"strconv"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
)

// success is what the SDKs' own service answers, to the byte.
const success = `{"success":true}`

// maxListed bounds the rejected events that an answer lists.
const maxListed = 100

// verdict is the answer where something was rejected.
type verdict struct {
	Success  bool        `json:"success"`
	Accepted int         `json:"accepted"`
	Rejected []rejection `json:"rejected"`
}

type rejection struct {
	Index   int          `json:"index"`
	Reason  event.Reason `json:"reason"`
	Message string       `json:"message"`
}

// refusal is the answer to a request of which nothing was taken.
type refusal struct {
	Success bool         `json:"success"`
	Reason  event.Reason `json:"reason"`
	Message string       `json:"message"`
}

// Answer writes the verdict. A request with unusable events is a success: some
// SDKs send everything that is not 2xx again, up to ten times, and the events
// would be as unusable then.
func (dialect) Answer(w http.ResponseWriter, _ *http.Request, v *intake.Verdict) int {
	switch {
	case v.Fault.Reason != "":
		if v.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(v.RetryAfter))
		}
		answer.WriteValue(w, v.Status, refusal{Reason: v.Fault.Reason, Message: v.Fault.Message})
	case len(v.Rejected) > 0:
		said := verdict{Success: true, Accepted: v.Accepted}
		for _, r := range v.Rejected[:min(len(v.Rejected), maxListed)] {
			said.Rejected = append(said.Rejected, rejection{r.Index, r.Reason, r.Message})
		}
		answer.WriteValue(w, v.Status, said)
	default:
		answer.WriteJSON(w, v.Status, success)
	}
	return v.Status
}
