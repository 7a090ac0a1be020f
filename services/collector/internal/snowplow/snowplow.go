// Package snowplow speaks the HTTP interface of Snowplow's trackers: events posted
// as JSON, and pixels whose query is an event.
//
// It reads requests and adds their events as they were written; the enricher maps
// them. Each event goes under its own app id, and an event that was sent again is
// known by its eid, which a tracker keeps. The network user id is a cookie that
// comes back with later requests: it is noted beside the events, never decides
// where they go, and neither it nor the client's address is kept of a tracker that
// asks for anonymity (SP-Anonymous).
package snowplow

import (
	"bytes"
	"net/http"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/slice"
	"touchline.dev/services/collector/internal/unwrap"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "snowplow"

// The endpoints: payloads of tracker protocol 2, and pixels.
const (
	tp2   = "tp2"
	pixel = "i"
)

// New returns the protocol.
func New() intake.Protocol {
	d := dialect{jsonlist.Shape{
		List: "data", Must: true, NoBare: true,
		Members: []string{
			eventID: "eid", appID: "aid", deviceID: "duid", userID: "uid",
			networkID: "nuid", sessionID: "sid", entities: "co", entities64: "cx",
		},
		Event: posted,
	}}
	return intake.Protocol{Name: Name, Dialect: d, Routes: []intake.Route{
		{Method: http.MethodPost, Path: "/com.snowplowanalytics.snowplow/tp2", Endpoint: tp2},
		{Method: http.MethodGet, Path: "/i", Endpoint: pixel},
		// Lists of paths to block name the vendor, so operators give another.
		{Method: http.MethodPost, Path: "/{vendor}/tp2", Endpoint: tp2},
	}}
}

// dialect reads and answers requests.
type dialect struct{ shape jsonlist.Shape }

// Key returns the app id of a pixel. Posted events name theirs themselves.
func (dialect) Key(r *http.Request, scratch []byte) []byte {
	if r.Method == http.MethodPost {
		return nil
	}
	return auth.Query(r, "aid", scratch)
}

// Slice adds the events of a payload, or the one of a pixel.
func (d dialect) Slice(b *intake.Batch) {
	if isAnonymous(b.Request) {
		b.Anonymous()
	} else {
		b.Note("network-userid", networkUser(b.Request))
	}
	switch {
	case b.Endpoint == pixel:
		b.Add(queried(b, b.Request.URL.RawQuery))
	case intake.IsBlank(b.Body):
		b.Refuse(http.StatusBadRequest, event.UnreadableBody, "the body is empty")
	default:
		d.shape.Walk(b)
	}
}

// Members that are read of an event, and their places.
const (
	eventID = iota
	appID
	deviceID
	userID
	networkID
	sessionID
	entities
	entities64
	members
)

// posted returns the ids of an element of a payload.
func posted(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
	e := intake.Event{
		MessageID: b.Text(found[eventID]), UserID: b.Text(found[userID]), Key: b.Text(found[appID]),
		AnonymousID: b.Text(found[deviceID]),
	}
	if isNobody(e.AnonymousID) {
		var in attached
		in.read(b, b.Text(found[entities]))
		in.decode(b, b.Text(found[entities64]))
		e.AnonymousID = in.device(b.Text(found[networkID]), b.Text(found[sessionID]))
	}
	oneApp(b, e.Key)
	return e
}

// oneApp makes the app id that all events of a payload have, as they do unless
// trackers share a queue, that of the payload: so what is broken or lacks one is
// kept as well. With two of them each event has its own, for which an empty key
// stands.
func oneApp(b *intake.Batch, key []byte) {
	switch {
	case len(key) == 0:
	case b.Key == nil:
		b.Key = key
	case !bytes.Equal(b.Key, key):
		b.Key = b.Key[:0]
	}
}

// queried returns the event of a pixel. Of parameters of the same name the last
// counts.
func queried(b *intake.Batch, query string) intake.Event {
	var found [members][]byte
	from := len(b.Scratch)
	b.Scratch = append(b.Scratch, query...)
	text := b.Scratch[from:len(b.Scratch):len(b.Scratch)]
	for rest := text; len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, []byte{'&'})
		name, value, _ := bytes.Cut(pair, []byte{'='})
		if i := member(name); i >= 0 {
			found[i] = plain(b, value)
		}
	}
	e := intake.Event{Bytes: text, MessageID: found[eventID], UserID: found[userID], AnonymousID: found[deviceID]}
	if isNobody(e.AnonymousID) {
		var in attached
		in.read(b, found[entities])
		in.decode(b, found[entities64])
		e.AnonymousID = in.device(found[networkID], found[sessionID])
	}
	if !utf8.Valid(text) {
		e.Fault = intake.Fault{Reason: event.InvalidUTF8, Message: "the query holds bytes that are not UTF-8"}
	}
	return e
}

// member returns the place of a parameter, -1 for those that are not read.
func member(name []byte) int {
	switch string(name) {
	case "eid":
		return eventID
	case "duid":
		return deviceID
	case "uid":
		return userID
	case "nuid":
		return networkID
	case "sid":
		return sessionID
	case "co":
		return entities
	case "cx":
		return entities64
	}
	return -1
}

// plain returns the text of an escaped value.
func plain(b *intake.Batch, value []byte) []byte {
	if bytes.IndexByte(value, '%') < 0 && bytes.IndexByte(value, '+') < 0 {
		return value
	}
	from := len(b.Scratch)
	b.Scratch = unwrap.Percent(b.Scratch, value)
	return b.Scratch[from:len(b.Scratch):len(b.Scratch)]
}
