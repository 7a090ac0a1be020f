package mixpanel

import (
	"net/http"
	"path"
	"strconv"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/unwrap"
)

// verbose is the answer to a request that asks for more than a digit.
type verbose struct {
	Status   int         `json:"status"`
	Error    *string     `json:"error"`
	Code     int         `json:"code,omitempty"`
	Imported *int        `json:"num_records_imported,omitempty"`
	Rejected []rejection `json:"rejected,omitempty"`
}

// rejection is an event that cannot be used. It is stored with the reason.
type rejection struct {
	Index    int          `json:"index"`
	InsertID string       `json:"insert_id"`
	Field    event.Reason `json:"field"`
	Message  string       `json:"message"`
}

// imported is the answer to an import by the API of today.
type imported struct {
	Code     int         `json:"code"`
	Imported int         `json:"num_records_imported"`
	Status   string      `json:"status"`
	Error    string      `json:"error,omitempty"`
	Failed   []rejection `json:"failed_records,omitempty"`
}

// maxListed bounds the unusable events that an answer lists.
const maxListed = 100

// Answer writes the verdict: the digit 1 or 0, or JSON where the request asks for
// it. Unusable events are no failure, except to a strict import, whose caller
// wants to know; the others of it are stored all the same.
func (dialect) Answer(w http.ResponseWriter, r *http.Request, v *intake.Verdict) int {
	status := v.Status
	if status == http.StatusRequestTimeout {
		status = http.StatusServiceUnavailable // the browser SDK gives up at 408
	}
	if v.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(v.RetryAfter))
	}
	query := r.URL.RawQuery
	strict, byStrict := unwrap.Field(query, "strict")
	detail, byDetail := unwrap.Field(query, "verbose")
	image, _ := unwrap.Field(query, "img")
	switch ok := v.Fault.Reason == ""; {
	case v.Drops.N > 0:
		answer.WriteJSON(w, status, `{"code":200,"status":"OK"}`)
	case byStrict || !byDetail && isImport(r):
		return answerImport(w, v, status, strict == "1")
	case detail == "1":
		answerVerbose(w, v, status, isImport(r))
	case image == "1" && ok:
		answer.WriteGIF(w, status)
	case ok:
		answer.WriteText(w, status, "1")
	default:
		answer.WriteText(w, status, "0")
	}
	return status
}

// isImport reports whether a request is an import, which is answered in JSON
// unless it asks for a digit.
func isImport(r *http.Request) bool {
	_, byProject := unwrap.Field(r.URL.RawQuery, "project_id")
	return byProject || path.Base(r.URL.Path) == imports
}

// answerVerbose writes status 1 or 0 with what was wrong. Error stays null on a
// success, whatever was rejected: some SDKs take any text there for a failure.
func answerVerbose(w http.ResponseWriter, v *intake.Verdict, status int, byImport bool) {
	a := verbose{Status: 1, Rejected: rejections(v)}
	if v.Fault.Reason != "" {
		a.Status, a.Error = 0, &v.Fault.Message
	}
	if byImport {
		a.Code, a.Imported = status, &v.Accepted
	}
	if a.Status == 1 && !byImport && a.Rejected == nil {
		answer.WriteJSON(w, status, `{"status":1,"error":null}`)
		return
	}
	answer.WriteValue(w, status, a)
}

// answerImport writes the answer to an import and returns its status: 400 where
// it is strict and something was rejected.
func answerImport(w http.ResponseWriter, v *intake.Verdict, status int, strict bool) int {
	a := imported{Code: status, Imported: v.Accepted, Status: "OK", Failed: rejections(v)}
	switch {
	case v.Fault.Reason != "":
		a.Error = v.Fault.Message
	case strict && len(v.Rejected) > 0:
		a.Code, a.Error = http.StatusBadRequest, "some data points in the request failed validation"
	}
	if a.Error != "" {
		a.Status = http.StatusText(a.Code)
	}
	answer.WriteValue(w, a.Code, a)
	return a.Code
}

func rejections(v *intake.Verdict) (list []rejection) {
	for _, r := range v.Rejected[:min(len(v.Rejected), maxListed)] {
		one := rejection{Index: r.Index, Field: r.Reason, Message: r.Message}
		if r.Index < len(v.Events) {
			one.InsertID = string(v.Events[r.Index].MessageID)
		}
		list = append(list, one)
	}
	return list
}
