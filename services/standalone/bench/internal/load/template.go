package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// hole is a place of a recorded event that every event fills with its own value.
type hole int

const (
	noHole     hole = iota
	messageID       // 36 characters, a UUID
	deviceID        // 36 characters, a UUID
	userID          // the text after "user-"
	occurredAt      // 24 characters, RFC 3339 with milliseconds
	browser         // 3 digits, the version of Chrome
)

// part is recorded text and the hole behind it.
type part struct {
	text []byte
	hole hole
}

// template is a recorded event.
type template struct {
	kind  string // track or page
	parts []part
}

// values fill the holes of one event.
type values struct {
	message [16]byte
	device  [16]byte
	user    uint64
	at      time.Time
}

const timeLayout = "2006-01-02T15:04:05.000Z"

// browsers is the number of versions of Chrome that users have: what the
// enricher makes of a user agent is worth remembering, but not for ever.
const browsers = 57

func (t *template) append(dst []byte, v *values) []byte {
	for _, p := range t.parts {
		dst = append(dst, p.text...)
		switch p.hole {
		case noHole:
		case messageID:
			dst = appendUUID(dst, v.message)
		case deviceID:
			dst = appendUUID(dst, v.device)
		case userID:
			dst = strconv.AppendUint(dst, v.user, 10)
		case occurredAt:
			dst = v.at.AppendFormat(dst, timeLayout)
		case browser:
			dst = strconv.AppendUint(dst, 100+v.user%browsers, 10)
		}
	}
	return dst
}

var uuidAtEnd = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

var errNoEvent = errors.New("has no id of the message, of a device or user, or no time")

// newTemplate finds the holes in a recorded event.
func newTemplate(recorded []byte) (*template, error) {
	var e struct {
		Type, MessageID, Timestamp string
		AnonymousID, UserID        *string
	}
	if err := json.Unmarshal(recorded, &e); err != nil {
		return nil, fmt.Errorf("decode recorded event: %w", err)
	}
	if e.MessageID == "" || e.Timestamp == "" || e.AnonymousID == nil && e.UserID == nil {
		return nil, fmt.Errorf("recorded %s %w", e.Type, errNoEvent)
	}
	t := &template{kind: e.Type, parts: []part{{text: recorded}}}
	// What the SDK itself puts before the random part of a message id stays.
	random := e.MessageID
	if at := uuidAtEnd.FindStringIndex(random); at != nil {
		random = random[at[0]:]
	}
	t.cut(random+`"`, random, messageID)
	t.cut(`"timestamp":"`+e.Timestamp, e.Timestamp, occurredAt)
	if e.AnonymousID != nil {
		t.cut(`"anonymousId":"`+*e.AnonymousID, *e.AnonymousID, deviceID)
	}
	if e.UserID != nil {
		t.cut(`"userId":"user-`+(*e.UserID)[len("user-"):], (*e.UserID)[len("user-"):], userID)
	}
	t.cut("Chrome/156", "156", browser)
	return t, nil
}

// cut makes a hole of value where it stands inside context, if it does.
func (t *template) cut(context, value string, h hole) {
	for i, p := range t.parts {
		at := bytes.Index(p.text, []byte(context))
		if at < 0 {
			continue
		}
		at += bytes.Index([]byte(context), []byte(value))
		before := part{p.text[:at:at], h}
		t.parts[i].text = p.text[at+len(value):]
		t.parts = append(t.parts[:i:i], append([]part{before}, t.parts[i:]...)...)
		return
	}
}

func appendUUID(dst []byte, id [16]byte) []byte {
	const digits = "0123456789abcdef"
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[b>>4], digits[b&15])
	}
	return dst
}
