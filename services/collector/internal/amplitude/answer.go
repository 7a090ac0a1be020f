package amplitude

import (
	"net/http"
	"path"
	"strconv"
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
)

// accepted is the answer to a request that was taken. The SDKs look at code; the
// unusable events are for people.
type accepted struct {
	Code      int                    `json:"code"`
	Ingested  int                    `json:"events_ingested"`
	Bytes     int                    `json:"payload_size_bytes"`
	ServerAt  int64                  `json:"server_upload_time"`
	Duplicate []int                  `json:"duplicate_events,omitempty"`
	Rejected  map[event.Reason][]int `json:"rejected_events,omitempty"`
}

// refused is the answer to a request of which nothing was taken. Code, not the
// HTTP status, is what the JavaScript SDKs go by.
type refused struct {
	Code  int    `json:"code"`
	Error string `json:"error"`
	// MissingField makes every SDK give the events up. Without it those of a 400
	// that no list names are sent again at once, by the one for Go in a loop
	// without a pause.
	MissingField string `json:"missing_field,omitempty"`
	// Throttled lists the events of a 429 that are to be sent again later, 30 s as
	// a rule; the others would be sent at once.
	Throttled []int `json:"throttled_events,omitempty"`
}

// maxListed bounds the unusable events that an answer lists.
const maxListed = 100

// Answer writes the verdict. A request with unusable events is a success: they are
// stored with the reason, and would be as unusable another time.
func (d dialect) Answer(w http.ResponseWriter, r *http.Request, v *intake.Verdict) int {
	switch {
	case isVersion1(r):
		return answerForm(w, v)
	case v.Fault.Reason != "":
		return answerRefusal(w, v)
	}
	a := accepted{Code: http.StatusOK, Ingested: v.Accepted, Bytes: v.Bytes, ServerAt: d.now().UnixMilli(), Duplicate: v.Duplicates}
	if len(v.Rejected) == 0 && len(v.Duplicates) == 0 {
		answer.WriteJSON(w, v.Status, usual(&a))
		return v.Status
	}
	for _, rejection := range v.Rejected[:min(len(v.Rejected), maxListed)] {
		if a.Rejected == nil {
			a.Rejected = map[event.Reason][]int{}
		}
		a.Rejected[rejection.Reason] = append(a.Rejected[rejection.Reason], rejection.Index)
	}
	answer.WriteValue(w, v.Status, a)
	return v.Status
}

// usual is the text of an answer that lists nothing.
func usual(a *accepted) string {
	b := append(make([]byte, 0, 128), `{"code":200,"events_ingested":`...)
	b = strconv.AppendInt(b, int64(a.Ingested), 10)
	b = append(b, `,"payload_size_bytes":`...)
	b = strconv.AppendInt(b, int64(a.Bytes), 10)
	b = append(b, `,"server_upload_time":`...)
	return string(append(strconv.AppendInt(b, a.ServerAt, 10), '}'))
}

// answerRefusal says what stops or delays every SDK: see refused.
func answerRefusal(w http.ResponseWriter, v *intake.Verdict) int {
	a := refused{Code: v.Status, Error: v.Fault.Message}
	switch v.Status {
	case http.StatusTooManyRequests:
		if v.Refused == 0 { // nothing to list
			a.Code = http.StatusServiceUnavailable
		}
		for i := range v.Refused {
			a.Throttled = append(a.Throttled, i)
		}
	case http.StatusServiceUnavailable, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
	case http.StatusUnauthorized, http.StatusForbidden:
		a.Code, a.MissingField = http.StatusBadRequest, "api_key"
		a.Error = "Invalid API key: " + v.Fault.Message // the words that SDKs look for
	default:
		a.Code, a.MissingField = http.StatusBadRequest, "events"
	}
	retryAfter(w, v)
	answer.WriteValue(w, a.Code, a)
	return a.Code
}

// answerForm answers amplitude-js, for which nothing but 200 is a success: it
// keeps the events then and sends them with the next one.
func answerForm(w http.ResponseWriter, v *intake.Verdict) int {
	if v.Fault.Reason == "" {
		answer.WriteText(w, v.Status, "success")
		return v.Status
	}
	retryAfter(w, v)
	text := "unavailable"
	if v.Status == http.StatusUnauthorized || v.Status == http.StatusForbidden {
		text = "invalid_api_key"
	} else if v.Status < http.StatusInternalServerError {
		text = v.Fault.Message
	}
	answer.WriteText(w, v.Status, text)
	return v.Status
}

func retryAfter(w http.ResponseWriter, v *intake.Verdict) {
	if v.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(v.RetryAfter))
	}
}

// isVersion1 reports whether amplitude-js sent the request: nobody else posts a
// form, or to the root.
func isVersion1(r *http.Request) bool {
	at := path.Clean(r.URL.Path)
	return at == "/" || at == "/"+Name || strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}
