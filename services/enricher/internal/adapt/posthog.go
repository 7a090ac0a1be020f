package adapt

import (
	"bytes"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// posthog reads the events of PostHog's SDKs in all the forms that their server
// takes: what identifies an event and when it was here, who did it and what it
// says about them in posthog_person.go, and what stands in its properties, which
// hold nearly everything, in posthog_properties.go.
type posthog struct{}

// capture is an event with its members that have fields, as they were written.
// The event is walked once; its own properties are copied on the way.
type capture struct {
	event, uuid, messageID, distinctID    []byte
	timestamp, sentAt, offset, session    []byte
	library, libraryVersion               []byte // of posthog-go, beside the properties
	requestLibrary, requestLibraryVersion []byte
	given                                 []byte // properties, as written
	top, in                               changes
	p                                     captured
	name                                  string // what happened
	own                                   []byte // the properties that are no SDK's
}

// Adapt reads one event.
func (posthog) Adapt(of *pipeline.Event) pipeline.Verdict {
	var c capture
	request, verdict := requestContext(of)
	e := &reader{of, bytes.IndexByte(of.Raw.Event, '\\') < 0 && bytes.IndexByte(request, '\\') < 0}
	if verdict == nil {
		verdict = c.read(e, request)
	}
	if verdict == nil {
		verdict = c.kind(e)
	}
	if verdict == nil {
		verdict = c.person(e)
	}
	if verdict == nil {
		verdict = c.relations(e)
	}
	if verdict != nil {
		return *verdict
	}
	c.times(e)
	c.page(e)
	c.origin(e)
	c.software(e)
	if e.Touchpoint.Type == "track" {
		c.p.money.purchase(e)
	}
	finishContext(of, c.context(e), nil)
	return pipeline.Verdict{}
}

// read notes the members; those without a field go to e.Extra, keys nowhere.
func (c *capture) read(e *reader, request []byte) *pipeline.Verdict {
	if len(request) > 0 {
		c.readRequest(e, request)
	}
	m := jsonscan.MembersOf(e.Raw.Event)
	for m.Next() {
		switch string(m.Name()) {
		case "event":
			c.event = m.Value()
		case "properties":
			c.readProperties(e, &m)
		case "distinct_id", "$distinct_id":
			c.distinctID = m.Value()
		case "uuid":
			c.uuid = m.Value()
		case "messageId", "message_id":
			c.messageID = m.Value()
		case "timestamp":
			c.timestamp = m.Value()
		case "sent_at":
			c.sentAt = m.Value()
		case "offset":
			c.offset = m.Value()
		case "session_id":
			c.session = m.Value()
		case "library":
			c.library = m.Value()
		case "library_version":
			c.libraryVersion = m.Value()
		case "options":
			c.readOptions(&m)
			keep(e.Event, "options", m.Value())
		case "api_key", "token", "$token":
		default:
			if !c.top.note(&m) {
				keep(e.Event, alias(m.RawName()), m.Value())
			}
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(e.Raw.Event, err)
	}
	_, verdict := wantObject("properties", c.given)
	return verdict
}

// readRequest reads what the headers of the request said about the SDK.
func (c *capture) readRequest(e *reader, request []byte) {
	m := jsonscan.MembersOf(request)
	for m.Next() {
		switch string(m.Name()) {
		case "$lib":
			c.requestLibrary = m.Value()
		case "$lib_version":
			c.requestLibraryVersion = m.Value()
		default:
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
}

// readOptions reads the member that version 1 of the interface has in place of
// some properties.
func (c *capture) readOptions(m *jsonscan.Members) {
	inner := m.Enter()
	for m.Next() {
		if string(m.Name()) == "process_person_profile" {
			c.p.profile = m.Value()
		}
	}
	m.Leave(inner)
}

// kind reads what happened, and leaves out what is no touchpoint.
func (c *capture) kind(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	if e.Raw.Endpoint == "engage" && !says(c.event) {
		c.name = "$identify" // what the path is for
	} else {
		var verdict *pipeline.Verdict
		if c.name, verdict = eventName(e, "event", c.event); verdict != nil {
			return verdict
		}
	}
	switch c.name {
	case "$pageview":
		setCall(t, "page")
	case "$screen":
		setCall(t, "screen")
	case "$identify":
		setCall(t, "identify")
	case "$set", "$unset":
		setCall(t, "identify")
		keep(e.Event, "event", c.event)
	case "$groupidentify":
		setCall(t, "group")
	case "$create_alias":
		setCall(t, "alias")
	case "$merge_dangerously":
		setCall(t, "alias")
		keep(e.Event, "event", c.event)
	case "$snapshot", "$snapshot_items", "$performance_event", "$$heatmap":
		return &pipeline.Verdict{Outcome: event.Dropped, Reason: event.SessionRecording}
	case "$$client_ingestion_warning":
		return &pipeline.Verdict{Outcome: event.Dropped, Reason: event.Diagnostics}
	default:
		t.Type, t.Event = "track", c.name
	}
	var verdict *pipeline.Verdict
	if t.MessageID, verdict = token(e, "uuid", c.uuid); verdict != nil {
		return verdict
	}
	for _, id := range [...]struct {
		name  string
		value []byte
	}{{"messageId", c.messageID}, {"$insert_id", c.p.insertID}} {
		if t.MessageID != "" {
			keep(e.Event, id.name, id.value)
		} else if t.MessageID, verdict = token(e, id.name, id.value); verdict != nil {
			return verdict
		}
	}
	return nil
}

// maxOffset bounds how long before its sending an event may have been, in
// milliseconds: ten years.
const maxOffset = 10 * 365 * 24 * 60 * 60 * 1000

// times reads what the SDK says about time: the time itself, else the one in
// seconds that the SDK keeps beside it, else how long before the sending it was.
func (c *capture) times(e *reader) {
	t := e.Touchpoint
	if t.SentAt, t.HasSentAt = timeOf(e, "sent_at", c.sentAt); !t.HasSentAt {
		t.SentAt, t.HasSentAt = eventtime.Parse(bytesOf(e.Raw.SentAt))
	}
	if t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "timestamp", c.timestamp); t.HasOriginalTimestamp {
		keep(e.Event, "$time", c.p.time)
	} else {
		t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "$time", c.p.time)
	}
	before, ok := jsonscan.Decimal(bytesOf(whole(e, c.offset)), 0)
	if t.HasOriginalTimestamp || !ok || max(before, -before) > maxOffset {
		keep(e.Event, "offset", c.offset)
		return
	}
	t.OriginalTimestamp, t.HasOriginalTimestamp = e.Raw.ReceivedAt-before, true
	if t.HasSentAt {
		t.OriginalTimestamp = t.SentAt - before
	}
}

// context returns what is stored as the context under names of its own.
func (c *capture) context(e *reader) []byte {
	from := beginObject(e.Event)
	e.Scratch = appendMember(e.Scratch, "groups", c.p.groups)
	if c.top.count == 0 {
		c.top.ops, c.top.count = c.in.ops, c.in.count
	} else {
		for _, op := range c.in.ops[:c.in.count] {
			c.top.operate(op.name, op.value)
		}
	}
	e.Scratch = c.top.appendOps(e.Scratch)
	return endObject(e.Event, from)
}
