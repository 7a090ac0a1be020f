package posthog

import (
	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/slice"
)

// Members that are read of an event, and their places; behind them those of its
// properties.
const (
	eventName = iota
	uuid
	messageID
	distinctID
	distinctID2
	properties
	apiKey
	token
	token2
	options

	innerID
	deviceID
	anonymousID
	userID
	insertID
	innerToken
	identified
	profile
	library
	end
)

func newShape() jsonlist.Shape {
	names := []string{
		eventName: "event", uuid: "uuid", messageID: "messageId", distinctID: "distinct_id", distinctID2: "$distinct_id",
		properties: "properties", apiKey: "api_key", token: "token", token2: "$token", options: "options",
		innerID: "distinct_id", deviceID: "$device_id", anonymousID: "$anon_distinct_id", userID: "$user_id", insertID: "$insert_id",
		innerToken: "token", identified: "$is_identified", profile: "$process_person_profile", library: "$lib",
	}
	return jsonlist.Shape{
		List: "batch", Members: names[:innerID], Inner: properties, InnerMembers: names[innerID:end],
		Request: requestMember, Event: ids,
	}
}

// requestMember reads a member of the request besides its events.
func requestMember(b *intake.Batch, name []byte, v slice.Value) {
	switch string(name) {
	case "api_key", "token", "$token":
		if key := b.Text(v); len(key) > 0 {
			b.Key = key
		}
	case "sent_at":
		readSentAt(b, v)
	case "historical_migration":
		if v.Kind == slice.Bool && b.Body[v.Start] == 't' {
			b.Endpoint = imports
		}
	}
}

// requestMemberV1 is requestMember for version 1, where keys and times are in the
// headers.
func requestMemberV1(b *intake.Batch, name []byte, v slice.Value) {
	switch string(name) {
	case "created_at":
		if b.SentAt == "" {
			readSentAt(b, v)
		}
	case "historical_migration":
		requestMember(b, name, v)
	}
}

func readSentAt(b *intake.Batch, v slice.Value) {
	if text := b.Text(v); isPlain(string(text), maxTime) {
		b.SentAt = string(text)
	}
}

// ids returns the ids of an event.
func ids(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
	e := intake.Event{MessageID: b.Text(found[uuid]), Key: first(b, found[apiKey], found[token], found[token2], found[innerToken])}
	if len(e.MessageID) == 0 {
		e.MessageID = first(b, found[messageID], found[insertID])
	}
	who(b, &e, found)
	return e
}

// idsV1 is ids for version 1, where each event needs a UUID: the answer goes by it.
func idsV1(b *intake.Batch, v slice.Value, found []slice.Value) intake.Event {
	e := intake.Event{MessageID: b.Text(found[uuid])}
	who(b, &e, found)
	if v.Kind == slice.Object && !v.Malformed && !isUUID(e.MessageID) {
		e.Fault = intake.Fault{Reason: event.WrongType, Message: "uuid is not a UUID"}
		if len(e.MessageID) == 0 {
			e.Fault = intake.Fault{Reason: event.MissingField, Message: "an event needs a uuid"}
		}
	}
	return e
}

// first returns the text of the first of the values that has one.
func first(b *intake.Batch, values ...slice.Value) []byte {
	for _, v := range values {
		if text := b.Text(v); len(text) > 0 {
			return text
		}
	}
	return nil
}

// who finds the device of an event, else its user, as the enricher does (its
// adapt/posthog_person.go says why).
func who(b *intake.Batch, e *intake.Event, found []slice.Value) {
	if e.AnonymousID = first(b, found[deviceID], found[anonymousID]); len(e.AnonymousID) > 0 {
		return
	}
	id := first(b, found[distinctID], found[distinctID2], found[innerID])
	if string(id) == "$posthog_cookieless" { // the same one for all who do not want to be known
		id = nil
	}
	if isAnonymous(b, id, found) {
		e.AnonymousID = id
	} else if e.UserID = b.Text(found[userID]); len(e.UserID) == 0 {
		e.UserID = id
	}
}

func isAnonymous(b *intake.Batch, id []byte, found []slice.Value) bool {
	name := string(b.Text(found[eventName]))
	switch {
	case len(id) == 0, name == "$identify", len(b.Text(found[userID])) > 0, is(b, found[identified], 't'):
		return false
	case name == "$groupidentify" && id[0] == '$', is(b, found[identified], 'f'), is(b, found[profile], 'f'):
		return true
	}
	if v := found[options]; v.Kind == slice.Object {
		var option [1]slice.Value
		b.Nested.At(b.Body, v.Start)
		b.Nested.Members([]string{"process_person_profile"}, option[:])
		if is(b, option[0], 'f') {
			return true
		}
	}
	return isClient(b.Text(found[library])) && isGenerated(id)
}

// is reports whether the value is true (t) or false (f).
func is(b *intake.Batch, v slice.Value, letter byte) bool {
	return v.Kind == slice.Bool && b.Body[v.Start] == letter
}

// isClient reports whether the SDK runs where its user is.
func isClient(library []byte) bool {
	switch string(library) {
	case "web", "js", "posthog-js-lite", "posthog-ios", "posthog-android", "posthog-react-native", "posthog-flutter", "posthog-kmp", "posthog-unity":
		return true
	}
	return false
}

// isGenerated reports whether an id looks like those that SDKs of clients make:
// five groups of hex digits, 36 characters at least.
func isGenerated(id []byte) bool {
	dashes := 0
	for _, c := range id {
		switch {
		case c == '-':
			dashes++
		case !isHex(c):
			return false
		}
	}
	return dashes == 4 && len(id) >= len("01a1ffa5-b304-7589-a4ea-ff9a136b1407")
}

// isUUID reports whether id is a UUID of 36 characters.
func isUUID(id []byte) bool {
	for i, c := range id {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !isHex(c) {
			return false
		}
	}
	return len(id) == 36
}

func isHex(c byte) bool { return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f' }
