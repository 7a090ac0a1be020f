package ga4

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"touchline.dev/services/collector/internal/answer"
)

const (
	// maxDebug is twice what the Measurement Protocol allows for a request.
	maxDebug = 256 << 10
	// debugTime is how long such a body may take to arrive.
	debugTime = 10 * time.Second
	// maxMessages bounds an answer.
	maxMessages = 100
)

// message says what is wrong with a request, in Google's words.
type message struct {
	FieldPath      string `json:"fieldPath"`
	Description    string `json:"description"`
	ValidationCode string `json:"validationCode"`
}

// Codes of messages.
const (
	valueInvalid  = "VALUE_INVALID"
	valueRequired = "VALUE_REQUIRED"
)

// checked is what is looked at of a request; the rest is taken as it is.
type checked struct {
	ClientID      json.RawMessage `json:"client_id"`
	AppInstanceID json.RawMessage `json:"app_instance_id"`
	UserID        json.RawMessage `json:"user_id"`
	Events        []struct {
		Name   json.RawMessage `json:"name"`
		Params json.RawMessage `json:"params"`
	} `json:"events"`
}

// debug answers what is wrong with a request of the Measurement Protocol, and
// stores nothing. Like Google's it does not ask for a key that is known.
func debug(w http.ResponseWriter, r *http.Request) {
	// A listener without deadlines returns an error; its reads need none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(debugTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDebug))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		answer.WriteText(w, http.StatusRequestEntityTooLarge, "the body is too long")
		return
	case err != nil:
		answer.WriteText(w, http.StatusBadRequest, "the body could not be read")
		return
	}
	answer.WriteValue(w, http.StatusOK, struct {
		Messages []message `json:"validationMessages"`
	}{check(body)})
}

// check returns what is wrong; never nil.
func check(body []byte) []message {
	var c checked
	if err := json.Unmarshal(body, &c); err != nil {
		return []message{{"", "The request is not a JSON object with a list of events.", valueInvalid}}
	}
	all := []message{}
	if !isText(c.ClientID) && !isText(c.AppInstanceID) && !isText(c.UserID) {
		all = append(all, message{"client_id", "One of client_id, app_instance_id and user_id is needed.", valueRequired})
	}
	if len(c.Events) == 0 {
		all = append(all, message{"events", "The request has no events.", valueRequired})
	}
	for i := range c.Events {
		path := "events[" + strconv.Itoa(i) + "]"
		if e := &c.Events[i]; !isText(e.Name) || e.Name[0] != '"' {
			all = append(all, message{path + ".name", "An event needs a name.", valueRequired})
		} else if len(e.Params) > 0 && e.Params[0] != '{' {
			all = append(all, message{path + ".params", "The parameters are not an object.", valueInvalid})
		}
		if len(all) >= maxMessages {
			break
		}
	}
	return all
}

// isText reports whether a value is a string that is not empty, or a number.
func isText(value json.RawMessage) bool {
	return len(value) > 0 && string(value) != `""` && (value[0] == '"' || value[0] == '-' || value[0]-'0' <= 9)
}
