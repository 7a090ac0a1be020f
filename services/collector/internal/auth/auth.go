// Package auth finds write keys where HTTP requests carry them: in the header
// Authorization, in a header of the protocol's own, or in the query.
//
// It reads a request and returns bytes; it decides nothing. Its functions may be
// used concurrently.
package auth

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"

	"touchline.dev/services/collector/internal/unwrap"
)

// Basic returns user and password of HTTP basic authentication, appended to
// scratch and joined by a colon; nil when the request has none. A request with
// several Authorization headers has none.
func Basic(r *http.Request, scratch []byte) []byte {
	text, err := base64.StdEncoding.AppendDecode(scratch, []byte(after(r, "Basic ")))
	if err != nil || len(text) == len(scratch) {
		return nil
	}
	return text[len(scratch):]
}

// User returns the user of HTTP basic authentication: SDKs put the write key
// there and leave the password empty.
func User(r *http.Request, scratch []byte) []byte {
	user, _, _ := bytes.Cut(Basic(r, scratch), []byte{':'})
	return present(user)
}

// Bearer returns the token of a request with bearer authentication, appended to
// scratch; nil when it has none.
func Bearer(r *http.Request, scratch []byte) []byte {
	from := len(scratch)
	scratch = append(scratch, strings.TrimSpace(after(r, "Bearer "))...)
	return present(scratch[from:])
}

// Header returns the only header of that canonical name, appended to scratch; nil
// when there is none, or there are several.
func Header(r *http.Request, name string, scratch []byte) []byte {
	values := r.Header[name]
	if len(values) != 1 {
		return nil
	}
	from := len(scratch)
	scratch = append(scratch, values[0]...)
	return present(scratch[from:])
}

// Query returns the first parameter of that name, unescaped, appended to scratch;
// nil when there is none.
func Query(r *http.Request, name string, scratch []byte) []byte {
	value, _ := unwrap.Field(r.URL.RawQuery, name)
	return present(unwrap.Percent(scratch, value)[len(scratch):])
}

func present(key []byte) []byte {
	if len(key) == 0 {
		return nil
	}
	return key
}

// after returns what follows the scheme in the header Authorization.
func after(r *http.Request, scheme string) string {
	values := r.Header["Authorization"]
	if len(values) != 1 || len(values[0]) <= len(scheme) || !strings.EqualFold(values[0][:len(scheme)], scheme) {
		return ""
	}
	return values[0][len(scheme):]
}
