package snowplow

import (
	"bytes"
	"strings"

	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/slice"
	"touchline.dev/services/collector/internal/unwrap"
)

// attached is the ids that stand in entities: mobile trackers name the device only
// there, and anonymous ones only the session or the page view.
type attached struct{ deviceID, sessionID, pageViewID []byte }

// device returns the id that stands for the device of an event without duid: the
// first that names somebody, in the order in which the adapter takes them.
func (a *attached) device(network, session []byte) []byte {
	for _, id := range [...][]byte{a.deviceID, network, session, a.sessionID, a.pageViewID} {
		if !isNobody(id) {
			return id
		}
	}
	return nil
}

// isNobody reports whether an id says nothing; anonymous trackers write a UUID of
// zeros.
func isNobody(id []byte) bool { return len(bytes.Trim(id, "0- ")) == 0 }

// decode is read for a document in base64.
func (a *attached) decode(b *intake.Batch, text []byte) {
	if len(text) == 0 {
		return
	}
	from := len(b.Scratch)
	b.Scratch = append(b.Scratch, text...) // to be overwritten: text may alias the body
	document, err := unwrap.Base64(b.Scratch, b.Scratch[from:])
	if err != nil {
		return
	}
	from = len(b.Scratch)
	b.Scratch = document
	a.read(b, document[from:len(document):len(document)])
}

// read notes the ids of a document {"data":[{"schema":..,"data":{..}}]}. What it
// cannot read says nothing.
func (a *attached) read(b *intake.Batch, document []byte) {
	if len(document) == 0 {
		return
	}
	var list [1]slice.Value
	c := &b.Nested
	c.Reset(document)
	if _, ok := c.Members([]string{"data"}, list[:]); !ok || list[0].Kind != slice.Array {
		return
	}
	c.At(document, list[0].Start)
	c.Enter('[')
	for first := true; ; first = false {
		var found [2]slice.Value
		if more, ok := c.Next(']', first); !ok || !more {
			return
		}
		if _, ok := c.Members([]string{"schema", "data"}, found[:]); !ok {
			return
		}
		var schema []byte
		schema, b.Scratch = c.Text(found[0], b.Scratch)
		a.entity(b, string(schema), document, found[1])
	}
}

func (a *attached) entity(b *intake.Batch, schema string, document []byte, data slice.Value) {
	const own = "iglu:com.snowplowanalytics.snowplow/"
	name, _, _ := strings.Cut(strings.TrimPrefix(schema, own), "/")
	if !strings.HasPrefix(schema, own) || data.Kind != slice.Object || data.Malformed {
		return
	}
	switch name {
	case "client_session":
		ids := pick(b, document, data, "userId", "sessionId")
		a.deviceID, a.sessionID = ids[0], ids[1]
	case "web_page":
		a.pageViewID = pick(b, document, data, "id", "")[0]
	}
}

// pick returns the text of two members of an object.
func pick(b *intake.Batch, document []byte, object slice.Value, names ...string) (texts [2][]byte) {
	var c slice.Cursor
	var found [2]slice.Value
	c.At(document, object.Start)
	c.Members(names, found[:])
	for i := range found {
		texts[i], b.Scratch = c.Text(found[i], b.Scratch)
	}
	return texts
}
