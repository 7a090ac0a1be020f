package posthog

import (
	"encoding/json"
	"net/http"
	"strconv"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
)

// success is what PostHog's service answers, to the byte.
const success = `{"status":1}`

// Answer writes the verdict. A request with unusable events is a success, as they
// would be as unusable the next time. Too much is always 503: of 429 the browser's
// SDK and version 1 lose their events, while both send again after 503. Every
// success is exactly 200: the browser's SDK takes any other for a failure.
func (dialect) Answer(w http.ResponseWriter, r *http.Request, v *intake.Verdict) int {
	status := v.Status
	if status == http.StatusTooManyRequests {
		status = http.StatusServiceUnavailable
	}
	if v.RetryAfter > 0 {
		w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
	}
	switch {
	case v.Fault.Reason != "":
		answer.WriteValue(w, status, refusalOf(v.Fault))
	case isV1(r):
		answer.WriteJSON(w, status, results(v))
	default:
		answer.WriteJSON(w, status, success)
	}
	return status
}

// refusal is the answer to a request of which nothing was taken, in the words of
// both versions.
type refusal struct {
	Type        string       `json:"type"`
	Code        event.Reason `json:"code"`
	Detail      string       `json:"detail"`
	Error       event.Reason `json:"error"`
	Description string       `json:"error_description"`
}

func refusalOf(f intake.Fault) refusal {
	kind := "validation_error"
	switch f.Reason {
	case event.Unauthorized, event.OriginDenied:
		kind = "authentication_error"
	case event.RateLimited:
		kind = "throttled_error"
	case event.Unavailable:
		kind = "server_error"
	}
	return refusal{kind, f.Reason, f.Message, f.Reason, f.Message}
}

// results says by UUID what became of each event.
func results(v *intake.Verdict) string {
	b := append(make([]byte, 0, 64*(1+len(v.Events))), `{"results":{`...)
	said := make(map[string]bool, len(v.Events))
	rejected, duplicates := v.Rejected, v.Duplicates
	for i := range v.Events {
		result := `{"result":"ok"}`
		if len(rejected) > 0 && rejected[0].Index == i {
			result = `{"result":"drop","details":"` + string(rejected[0].Reason) + `"}`
			rejected = rejected[1:]
		} else if len(duplicates) > 0 && duplicates[0] == i {
			result = `{"result":"ok","details":"duplicate"}`
			duplicates = duplicates[1:]
		}
		id := string(v.Events[i].MessageID)
		if id == "" || len(id) > maxUUID || said[id] {
			continue // nobody would find it
		}
		if len(said) > 0 {
			b = append(b, ',')
		}
		said[id] = true
		name, err := json.Marshal(id)
		if err != nil { // a string always marshals
			panic(err)
		}
		b = append(append(append(b, name...), ':'), result...)
	}
	return string(append(b, `}}`...))
}

// maxUUID bounds what is repeated in an answer for an event whose uuid is none.
const maxUUID = 128
