package adapt

import (
	"strings"

	"touchline.dev/services/internal/jsonscan"
)

// entities is what is attached to an event: lists of self-describing objects, and
// what those of Snowplow's own say that has a field.
type entities struct {
	// lists are the arrays as they are written, of co and of cx.
	lists [2][]byte

	deviceID, sessionID, pageViewID  string
	os, osVersion, model, appVersion []byte
	transaction                      selfDescribed
	hasTransaction                   bool
}

// readEntities reads co and cx. What cannot be read is kept as it is: the event
// means something without it.
func (h *hit) readEntities(e *reader) {
	if h.entities != "" && !h.about.read(e, 0, h.entities) {
		keepText(e.Event, "co", h.entities)
	}
	if h.entities64 != "" && !h.about.read(e, 1, unbase64(e.Event, h.entities64)) {
		keepText(e.Event, "cx", h.entities64)
	}
}

func (x *entities) read(e *reader, place int, document string) bool {
	_, list, err := selfDescribing(bytesOf(document))
	if err != nil || jsonscan.KindOf(list) != jsonscan.Array {
		return false
	}
	all := jsonscan.ElementsOf(list)
	for all.Next() {
		if schema, data, err := selfDescribing(all.Value()); err == nil && jsonscan.KindOf(data) == jsonscan.Object {
			x.entity(e, whole(e, schema), data)
		}
	}
	x.lists[place] = list
	return true
}

// entity reads one of Snowplow's own; others are kept and not read.
func (x *entities) entity(e *reader, schema string, data []byte) {
	if !strings.HasPrefix(schema, "iglu:com.snowplowanalytics.") {
		return
	}
	switch schemaName(schema) {
	case "client_session":
		session := pick(data, "userId", "sessionId")
		x.deviceID, x.sessionID = whole(e, session.name), whole(e, session.version)
	case "web_page":
		x.pageViewID = whole(e, pick(data, "id", "").name)
	case "mobile_context":
		os, device := pick(data, "osType", "osVersion"), pick(data, "deviceModel", "")
		x.os, x.osVersion, x.model = os.name, os.version, device.name
	case "application":
		x.appVersion = pick(data, "version", "").name
	case "transaction":
		x.transaction, x.hasTransaction = selfDescribed{}, true
		x.transaction.read(data)
	}
}

// pick returns two members of an object.
func pick(object []byte, name, version string) (p product) {
	for m := jsonscan.MembersOf(object); m.Next(); {
		switch string(m.Name()) {
		case name:
			p.name = m.Value()
		case version:
			p.version = m.Value()
		}
	}
	return p
}

// software sets the fields that mobile trackers describe.
func (x *entities) software(e *reader) {
	t := e.Touchpoint
	t.OS, t.OSVersion = text(e, x.os, maxWord), text(e, x.osVersion, maxWord)
	t.AppVersion = text(e, x.appVersion, maxWord)
	if len(x.os) > 0 {
		t.DeviceType = deviceType(t.OS, text(e, x.model, maxWord))
	}
}
