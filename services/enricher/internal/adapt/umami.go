package adapt

import (
	"bytes"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// umami reads what Umami's script and its Node client send: a type and a payload.
// Its visitors have no ids unless the site names its users.
type umami struct{}

// umamiCall is the members that have fields.
type umamiCall struct {
	kind, payload                                 []byte
	website, id, name, data, tag, timestamp       []byte
	url, title, referrer, language, ip, userAgent []byte
	os, browser, device                           []byte

	in details
}

// Adapt reads one call.
func (umami) Adapt(of *pipeline.Event) pipeline.Verdict {
	e := &reader{of, bytes.IndexByte(of.Raw.Event, '\\') < 0}
	var c umamiCall
	verdict := c.read(e)
	if verdict == nil {
		verdict = c.identify(e)
	}
	if verdict == nil {
		verdict = c.fill(e)
	}
	if verdict != nil {
		return *verdict
	}
	c.fillAbout(e)
	finishContext(of, contextOf(of, "tag", c.tag), nil)
	return pipeline.Verdict{}
}

// read notes the members; those without a field go to e.Extra, the id of the site
// nowhere.
func (c *umamiCall) read(e *reader) *pipeline.Verdict {
	m := jsonscan.MembersOf(e.Raw.Event)
	for m.Next() {
		switch string(m.Name()) {
		case "type":
			c.kind = m.Value()
		case "payload":
			c.payload = m.Value()
		default:
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(e.Raw.Event, err)
	}
	if c.payload == nil {
		return refuse(event.MissingField, "payload", "a call needs a payload")
	}
	if jsonscan.KindOf(c.payload) != jsonscan.Object {
		return refuse(event.WrongType, "payload", "payload must be an object")
	}
	return nil
}

// identify reads the type and the payload. The measures of a performance call
// become its properties.
func (c *umamiCall) identify(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	kind := text(e, c.kind, maxWord)
	switch kind {
	case "event":
	case "identify":
		t.Type, t.Event, t.Kind = kind, kind, kind
	case "performance":
		t.Type, t.Event = "track", kind
	case "":
		return refuse(event.MissingField, "type", "a call needs a type")
	default:
		return refuse(event.UnknownType, "type", "type must be event, identify or performance, is "+quote(kind))
	}
	measured := 0
	if kind == "performance" {
		measured = beginObject(e.Event)
	}
	for m := jsonscan.MembersOf(c.payload); m.Next(); {
		if kind == "performance" && isMeasure(alias(m.Name())) {
			e.Scratch = appendMember(e.Scratch, alias(m.RawName()), m.Value())
		} else {
			c.member(e, &m)
		}
	}
	if kind == "performance" {
		t.Properties = endObject(e.Event, measured)
	}
	var verdict *pipeline.Verdict
	if e.Site, verdict = token(e, "payload.website", c.website); verdict != nil {
		return verdict
	}
	if e.Site == "" {
		return refuse(event.MissingField, "payload.website", "a call needs the id of its website")
	}
	if t.UserID, verdict = token(e, "payload.id", c.id); nobody(t.UserID) {
		t.UserID = ""
		keep(e.Event, "id", c.id)
	}
	return verdict
}

func (c *umamiCall) member(e *reader, m *jsonscan.Members) {
	switch string(m.Name()) {
	case "website":
		c.website = m.Value()
	case "id":
		c.id = m.Value()
	case "name":
		c.name = m.Value()
	case "data":
		c.data = m.Value()
	case "tag":
		c.tag = m.Value()
	case "timestamp":
		c.timestamp = m.Value()
	case "url":
		c.url = m.Value()
	case "title":
		c.title = m.Value()
	case "referrer":
		c.referrer = m.Value()
	case "language":
		c.language = m.Value()
	case "ip":
		c.ip = m.Value()
	case "userAgent":
		c.userAgent = m.Value()
	case "os":
		c.os = m.Value()
	case "browser":
		c.browser = m.Value()
	case "device":
		c.device = m.Value()
	default:
		keep(e.Event, alias(m.RawName()), m.Value())
	}
}

// isMeasure reports whether a member of a performance call's payload is one of
// what it measures, in milliseconds but for the shift.
func isMeasure(name string) bool {
	switch name {
	case "ttfb", "fcp", "lcp", "inp", "cls", "fid", "duration":
		return true
	}
	return false
}

// fill sets what was done and the data that came with it.
func (c *umamiCall) fill(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	data := objectOf(e, c.data)
	if data == nil {
		keep(e.Event, "data", c.data)
	}
	switch {
	case t.Type == "track": // a performance call, which has its measures only
		keep(e.Event, "name", c.name)
		keep(e.Event, "data", data)
		return nil
	case t.Type == "identify":
		t.Traits = data
		keep(e.Event, "name", c.name)
		return nil
	case !says(c.name):
		viewed(e, text(e, c.title, maxTitle))
		t.Properties = data
		return nil
	}
	if t.Properties = data; data != nil {
		m := jsonscan.MembersOf(data)
		c.in.read(&m)
		c.in.purchase(e)
	}
	t.Type = "track"
	var verdict *pipeline.Verdict
	t.Event, verdict = eventName(e, "payload.name", c.name)
	return verdict
}

// fillAbout sets the fields that say where and on what it was done.
func (c *umamiCall) fillAbout(e *reader) {
	t := e.Touchpoint
	t.URL, t.PageTitle = columnOf(e, "url", c.url, maxURL), columnOf(e, "title", c.title, maxTitle)
	t.Referrer, t.Locale = columnOf(e, "referrer", c.referrer, maxURL), columnOf(e, "language", c.language, maxWord)
	readQuery(e.Event, t.URL)
	t.Channel = "web"
	if t.IP = address(e.Event, text(e, c.ip, maxWord)); t.IP == "" {
		keep(e.Event, "ip", c.ip)
	}
	t.UserAgent = columnOf(e, "userAgent", c.userAgent, maxUserAgent)
	t.OS, t.Browser = columnOf(e, "os", c.os, maxWord), columnOf(e, "browser", c.browser, maxWord)
	device := text(e, c.device, maxWord)
	if t.DeviceType = deviceType(device, device); t.DeviceType == "" {
		keep(e.Event, "device", c.device)
	}
	t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "timestamp", c.timestamp)
}
