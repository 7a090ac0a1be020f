package snowplow

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
)

// The cookie with the network user id, which browsers send back from every site
// that uses this collector.
const (
	cookie    = "sp"
	cookieAge = 365 * 24 * time.Hour
	maxCookie = 64
)

// isAnonymous reports whether the tracker asks to be nobody.
func isAnonymous(r *http.Request) bool { return len(r.Header["Sp-Anonymous"]) > 0 }

// networkUser returns the network user id that the request brings, "" when it
// brings none that we could have given.
func networkUser(r *http.Request) string {
	c, err := r.Cookie(cookie)
	if err != nil || c.Value == "" || len(c.Value) > maxCookie {
		return ""
	}
	for i := range len(c.Value) {
		switch b := c.Value[i]; {
		case b-'0' <= 9, b|0x20-'a' < 26, b == '-':
		default:
			return ""
		}
	}
	return c.Value
}

// Answer writes what the collector of Snowplow writes, with the cookie unless the
// tracker asks for anonymity. Events that cannot be used are a success: trackers
// repeat what is refused.
func (dialect) Answer(w http.ResponseWriter, r *http.Request, v *intake.Verdict) int {
	status := v.Status
	if v.Fault.Reason == "" {
		if !isAnonymous(r) {
			setCookie(w, r)
		}
	} else {
		if v.RetryAfter > 0 {
			w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
		}
		status = refusal(status)
	}
	switch {
	case r.Method != http.MethodPost:
		answer.WriteGIF(w, status)
	case v.Fault.Reason != "":
		answer.WriteText(w, status, v.Fault.Message)
	default:
		answer.WriteText(w, status, "ok")
	}
	return status
}

// refusal returns the status by which a tracker understands a refusal. It gives up
// on 400, 401, 403, 410 and 422 and sends the same again with the next event on
// every other, which helps against neither length nor encoding.
func refusal(status int) int {
	switch status {
	case http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return http.StatusBadRequest
	}
	return status
}

// setCookie gives the browser its network user id for another year.
func setCookie(w http.ResponseWriter, r *http.Request) {
	id := networkUser(r)
	if id == "" {
		id = uuid.NewString()
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: id, Path: "/", MaxAge: int(cookieAge / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode,
	})
}
