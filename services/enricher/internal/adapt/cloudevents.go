package adapt

import (
	"bytes"

	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// cloudevents reads CloudEvents in their structured form. Extensions name the
// person (anonymousid, userid), the session (sessionid), the group (groupid) and
// the consent; without them the data is searched for the usual names, then the
// subject is who the event is about.
type cloudevents struct{}

// cloudEvent is the attributes that have a place, as they were written.
type cloudEvent struct {
	id, source, kind, subject, time, schema []byte
	anonymousID, userID, session, group     []byte
	consent, traceparent, data, base64      []byte
	in                                      details
	who                                     someone
}

// Adapt reads one event.
func (cloudevents) Adapt(of *pipeline.Event) pipeline.Verdict {
	var c cloudEvent
	e := reader{of, bytes.IndexByte(of.Raw.Event, '\\') < 0}
	verdict := c.read(&e)
	if verdict == nil {
		verdict = c.identify(&e)
	}
	if verdict != nil {
		return *verdict
	}
	t := of.Touchpoint
	t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(&e, "time", c.time)
	if e.Session = text(&e, c.session, maxID); nobody(e.Session) {
		e.Session = ""
	}
	if says(c.consent) {
		if t.Consent = consentOf(&e, c.consent); t.Consent == "" {
			keep(of, "consent", c.consent)
		}
	}
	if jsonscan.KindOf(c.data) == jsonscan.Object {
		t.Properties = c.data
		t.URL, t.PageTitle, t.Referrer = text(&e, c.in.url, maxURL), text(&e, c.in.title, maxTitle), text(&e, c.in.referrer, maxURL)
		readQuery(of, t.URL)
		c.in.purchase(&e)
	}
	finishContext(of, c.context(of), nil)
	return pipeline.Verdict{}
}

func (c *cloudEvent) read(e *reader) *pipeline.Verdict {
	m := jsonscan.MembersOf(e.Raw.Event)
	for m.Next() {
		switch string(m.Name()) {
		case "id":
			c.id = m.Value()
		case "source":
			c.source = m.Value()
		case "type":
			c.kind = m.Value()
		case "subject":
			c.subject = m.Value()
		case "time":
			c.time = m.Value()
		case "dataschema":
			c.schema = m.Value()
		case "anonymousid":
			c.anonymousID = m.Value()
		case "userid":
			c.userID = m.Value()
		case "sessionid":
			c.session = m.Value()
		case "groupid":
			c.group = m.Value()
		case "consent":
			c.consent = m.Value()
		case "traceparent":
			c.traceparent = m.Value()
		case "data":
			c.in, c.who = details{}, someone{}
			c.data = c.readData(&m)
		case "data_base64":
			c.base64 = m.Value()
		case "writekey":
		default:
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(e.Raw.Event, err)
	}
	return nil
}

// readData notes who and what the data is about.
func (c *cloudEvent) readData(m *jsonscan.Members) []byte {
	data := m.Value()
	if jsonscan.KindOf(data) != jsonscan.Object {
		return data
	}
	inner := jsonscan.MembersOf(data)
	c.in.read(&inner)
	inner = jsonscan.MembersOf(data)
	for inner.Next() {
		c.who.read(&inner, 0)
	}
	return data
}

func (c *cloudEvent) identify(e *reader) (verdict *pipeline.Verdict) {
	t := e.Touchpoint
	t.Type = "track"
	if t.Event, verdict = eventName(e, "type", c.kind); verdict != nil {
		return verdict
	}
	if t.AnonymousID, verdict = identifier(e, "anonymousid", c.anonymousID); verdict != nil {
		return verdict
	}
	if t.UserID, verdict = identifier(e, "userid", c.userID); verdict != nil {
		return verdict
	}
	if t.GroupID, verdict = identifier(e, "groupid", c.group); verdict != nil {
		return verdict
	}
	if t.MessageID, verdict = token(e, "id", c.id); verdict != nil {
		return verdict
	}
	if t.AnonymousID == "" && t.UserID == "" {
		c.who.fill(e)
	}
	if t.AnonymousID == "" && t.UserID == "" {
		if t.AnonymousID = usualID(e, c.subject); t.AnonymousID == "" {
			stranger(e.Event)
		}
	}
	return nil
}

// context returns what has no column: where the event came from, what it is
// about, and data that is no object.
func (c *cloudEvent) context(e *pipeline.Event) []byte {
	from := beginObject(e)
	e.Scratch = appendMember(e.Scratch, "source", c.source)
	e.Scratch = appendMember(e.Scratch, "subject", c.subject)
	e.Scratch = appendMember(e.Scratch, "schema", c.schema)
	e.Scratch = appendMember(e.Scratch, "traceparent", c.traceparent)
	e.Scratch = appendMember(e.Scratch, "data_base64", c.base64)
	switch jsonscan.KindOf(c.data) {
	case jsonscan.Object:
	case jsonscan.String:
		e.Scratch = appendMember(e.Scratch, "data_text", c.data)
	default:
		e.Scratch = appendMember(e.Scratch, "data", c.data)
	}
	return endObject(e, from)
}
