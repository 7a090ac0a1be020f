package adapt

import (
	"bytes"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// segment reads the calls of Segment's HTTP API, alone or out of a batch, from
// everybody who speaks it: what identifies the event and when it was here, its
// properties and its context in the two files beside this one.
type segment struct{}

// Adapt reads one call.
func (segment) Adapt(e *pipeline.Event) pipeline.Verdict {
	c := call{data: e.Raw.Event, endpoint: e.Raw.Endpoint}
	return c.adapt(e)
}

// call is an event and its members that have fields, as they were written. The
// event is walked once; everything keeps the spans of its values.
type call struct {
	data []byte
	// endpoint is the type of a call that names none.
	endpoint string
	// snake says that members are called anonymous_id rather than anonymousId.
	snake bool

	kind, event, name, channel                          []byte
	anonymousID, userID, previousID, groupID, messageID []byte
	timestamp, originalTimestamp, sentAt                []byte
	properties, traits, context                         []byte

	in    details
	about about
}

func (c *call) adapt(of *pipeline.Event) pipeline.Verdict {
	e, request, verdict := c.open(of)
	if verdict == nil {
		verdict = c.read(&e, request)
	}
	if verdict == nil {
		verdict = c.identify(&e)
	}
	if verdict == nil {
		verdict = c.required(&e)
	}
	if verdict != nil {
		return *verdict
	}
	c.fill(&e)
	finishContext(of, c.context, request)
	return pipeline.Verdict{}
}

// open returns the reader of the call and the context of its request.
func (c *call) open(of *pipeline.Event) (reader, []byte, *pipeline.Verdict) {
	request, verdict := requestContext(of)
	return reader{of, bytes.IndexByte(c.data, '\\') < 0 && bytes.IndexByte(request, '\\') < 0}, request, verdict
}

// fill sets the fields of a call that can be used.
func (c *call) fill(e *reader) {
	c.times(e)
	c.fillDetails(e)
	c.fillAbout(e)
}

// read notes the members; those without a field go to e.Extra, the write key
// nowhere.
func (c *call) read(e *reader, request []byte) *pipeline.Verdict {
	c.about.readAll(request)
	m := jsonscan.MembersOf(c.data)
	for m.Next() {
		switch string(m.Name()) {
		case "type":
			c.kind = m.Value()
		case "event":
			c.event = m.Value()
		case "name":
			c.name = m.Value()
		case "channel":
			c.channel = m.Value()
		case "anonymousId":
			c.anonymousID = m.Value()
		case "userId":
			c.userID = m.Value()
		case "previousId":
			c.previousID = m.Value()
		case "groupId":
			c.groupID = m.Value()
		case "messageId":
			c.messageID = m.Value()
		case "timestamp":
			c.timestamp = m.Value()
		case "originalTimestamp":
			c.originalTimestamp = m.Value()
		case "sentAt":
			c.sentAt = m.Value()
		case "traits":
			c.traits = m.Value()
		case "properties":
			c.in = details{}
			inner := m.Enter()
			c.in.read(&m)
			m.Leave(inner)
			c.properties = m.Value()
		case "context":
			if c.context != nil { // a second one counts alone
				c.about = about{}
				c.about.readAll(request)
			}
			inner := m.Enter()
			c.about.read(&m)
			m.Leave(inner)
			c.context = m.Value()
		case "writeKey":
		default:
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(c.data, err)
	}
	return c.objects()
}

// objects checks the members that must be objects.
func (c *call) objects() *pipeline.Verdict {
	var verdict *pipeline.Verdict
	if c.properties, verdict = wantObject("properties", c.properties); verdict != nil {
		return verdict
	}
	if c.traits, verdict = wantObject("traits", c.traits); verdict != nil {
		return verdict
	}
	c.context, verdict = wantObject("context", c.context)
	return verdict
}

// wantObject returns nil for what stands for an object without members: null, or
// the empty array that PHP makes of one.
func wantObject(field string, value []byte) ([]byte, *pipeline.Verdict) {
	switch kind := jsonscan.KindOf(value); {
	case kind == jsonscan.Object:
		return value, nil
	case kind == jsonscan.Absent || kind == jsonscan.Null || kind == jsonscan.Array && !says(value):
		return nil, nil
	}
	return nil, refuse(event.WrongType, field, field+" must be an object")
}

// identify reads type and ids.
func (c *call) identify(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	kind := c.endpoint
	switch jsonscan.KindOf(c.kind) {
	case jsonscan.String:
		if s := whole(e, c.kind); s != "" {
			kind = s
		}
	case jsonscan.Absent, jsonscan.Null:
	default:
		return refuse(event.WrongType, "type", "type must be a string")
	}
	switch kind {
	case "track":
		t.Type = "track"
	case "page":
		setCall(t, "page")
	case "screen":
		setCall(t, "screen")
	case "identify":
		setCall(t, "identify")
	case "group":
		setCall(t, "group")
	case "alias":
		setCall(t, "alias")
	case "batch", "import":
		return refuse(event.MissingField, "type", "an event in a batch needs a type")
	default:
		return refuse(event.UnknownType, "type", "type must be one of track, page, screen, identify, group, alias, is "+quote(kind))
	}
	var verdict *pipeline.Verdict
	if t.AnonymousID, verdict = identifier(e, c.label("anonymousId", "anonymous_id"), c.anonymousID); verdict != nil {
		return verdict
	}
	if t.UserID, verdict = identifier(e, c.label("userId", "user_id"), c.userID); verdict != nil {
		return verdict
	}
	if t.PreviousID, verdict = identifier(e, c.label("previousId", "previous_id"), c.previousID); verdict != nil {
		return verdict
	}
	if t.GroupID, verdict = identifier(e, c.label("groupId", "group_id"), c.groupID); verdict != nil {
		return verdict
	}
	t.MessageID, verdict = token(e, c.label("messageId", "message_id"), c.messageID)
	return verdict
}

// label returns what the sender calls a member.
func (c *call) label(camel, snake string) string {
	if c.snake {
		return snake
	}
	return camel
}

// required checks what the call cannot do without, and takes the names.
func (c *call) required(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	if t.AnonymousID == "" && t.UserID == "" {
		return refuse(event.MissingIdentity, "", c.label("neither anonymousId nor userId names anybody", "neither anonymous_id nor user_id names anybody"))
	}
	switch t.Type {
	case "track":
		var verdict *pipeline.Verdict
		t.Event, verdict = eventName(e, "event", c.event)
		return verdict
	case "group":
		if t.GroupID == "" {
			return refuse(event.MissingField, c.label("groupId", "group_id"), c.label("a group call needs a groupId", "a group call needs a group_id"))
		}
	case "alias":
		if t.PreviousID == "" {
			return refuse(event.MissingField, c.label("previousId", "previous_id"), c.label("an alias call needs a previousId", "an alias call needs a previous_id"))
		}
	}
	keep(e.Event, "event", c.event) // only a track call has a field for it
	return nil
}

// times reads what the SDK says about time; what is no time stays in e.Extra.
func (c *call) times(e *reader) {
	t := e.Touchpoint
	if t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "timestamp", c.timestamp); !t.HasOriginalTimestamp {
		t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "originalTimestamp", c.originalTimestamp)
	} else {
		keep(e.Event, "originalTimestamp", c.originalTimestamp)
	}
	if t.SentAt, t.HasSentAt = timeOf(e, c.label("sentAt", "sent_at"), c.sentAt); !t.HasSentAt {
		t.SentAt, t.HasSentAt = eventtime.Parse(bytesOf(e.Raw.SentAt))
	}
}
