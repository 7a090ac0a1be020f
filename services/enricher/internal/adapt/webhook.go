package adapt

import (
	"bytes"
	"strconv"

	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// webhook reads the payloads of webhooks, whoever sends them: a JSON object or a
// form. All of it is the properties; the context is the headers that the collector
// kept. The name of the event, its time and whom it is about are looked for under
// the names that the usual senders have for them.
type webhook struct{}

// hook is what is read of a payload and its headers.
type hook struct {
	topic, delivery, triggered, sent []byte // headers
	name, time                       []byte
	nameRank, timeRank               int
	id                               []byte
	in                               details
	who                              someone
}

// Adapt reads one payload.
func (webhook) Adapt(of *pipeline.Event) pipeline.Verdict {
	data := bytes.TrimLeft(of.Raw.Event, " \t\r\n")
	if len(data) > 0 && data[0] != '{' && data[0] != '[' && bytes.IndexByte(data, '=') > 0 {
		data = queryObject(of, data)
	}
	headers, verdict := requestContext(of)
	e := reader{of, bytes.IndexByte(data, '\\') < 0 && bytes.IndexByte(headers, '\\') < 0}
	var h hook
	if verdict == nil {
		verdict = h.read(data, headers)
	}
	if verdict == nil {
		verdict = h.fill(&e)
	}
	if verdict != nil {
		return *verdict
	}
	of.Touchpoint.Properties = data
	finishContext(of, nil, headers)
	return pipeline.Verdict{}
}

func (h *hook) read(data, headers []byte) *pipeline.Verdict {
	if headers != nil {
		for m := jsonscan.MembersOf(headers); m.Next(); {
			h.header(&m)
		}
	}
	m := jsonscan.MembersOf(data)
	for m.Next() {
		h.member(&m)
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(data, err)
	}
	m = jsonscan.MembersOf(data)
	h.in.read(&m)
	return nil
}

// header reads one of the headers that the collector keeps, of each sort the first.
func (h *hook) header(m *jsonscan.Members) {
	switch string(m.Name()) {
	case "x-shopify-topic", "x-github-event", "x-gitlab-event", "x-wc-webhook-topic", "x-event-key", "x-event-type":
		if h.topic == nil {
			h.topic = m.Value()
		}
	case "x-shopify-webhook-id", "svix-id", "webhook-id", "x-github-delivery", "idempotency-key":
		if h.delivery == nil {
			h.delivery = m.Value()
		}
	case "x-shopify-triggered-at":
		h.triggered = m.Value()
	case "svix-timestamp", "webhook-timestamp":
		h.sent = m.Value()
	}
}

// member reads a member of the payload.
func (h *hook) member(m *jsonscan.Members) {
	h.who.read(m, 0)
	switch name := m.Name(); string(name) {
	case "id":
		h.id = m.Value()
	case "data":
		h.inner(m.Value(), 1)
	default:
		if rank := nameRank(string(name)); rank > h.nameRank && m.Kind() == jsonscan.String && says(m.Value()) {
			h.name, h.nameRank = m.Value(), rank
		}
		if rank := timeRank(string(name)); rank > h.timeRank && says(m.Value()) {
			h.time, h.timeRank = m.Value(), rank
		}
	}
}

// inner looks for people in data and data.object.
func (h *hook) inner(value []byte, level int) {
	if jsonscan.KindOf(value) != jsonscan.Object {
		return
	}
	for m := jsonscan.MembersOf(value); m.Next(); {
		h.who.read(&m, level)
		if level == 1 && string(m.Name()) == "object" {
			h.inner(m.Value(), 2)
		}
	}
}

// nameRank tells the members that say what happened; others have 0.
func nameRank(name string) int {
	switch name {
	case "event":
		return 5
	case "event_type", "eventType":
		return 4
	case "type":
		return 3
	case "subscriptionType":
		return 2
	case "topic":
		return 1
	}
	return 0
}

// timeRank tells the members that say when it happened; others have 0.
func timeRank(name string) int {
	switch name {
	case "occurred_at", "occurredAt":
		return 4
	case "timestamp":
		return 3
	case "created":
		return 2
	case "created_at":
		return 1
	}
	return 0
}

func (h *hook) fill(e *reader) (verdict *pipeline.Verdict) {
	t := e.Touchpoint
	t.Type, t.Event = "track", "webhook"
	name, field := h.topic, "the header of the topic"
	if !says(name) {
		name, field = h.name, "event"
	}
	if says(name) {
		if t.Event, verdict = eventName(e, field, name); verdict != nil {
			return verdict
		}
	}
	if t.OriginalTimestamp, t.HasOriginalTimestamp = eventtime.Parse(bytesOf(whole(e, h.triggered))); !t.HasOriginalTimestamp {
		t.OriginalTimestamp, t.HasOriginalTimestamp = eventtime.Parse(bytesOf(whole(e, h.time)))
	}
	if t.SentAt, t.HasSentAt = eventtime.Parse(bytesOf(whole(e, h.sent))); !t.HasSentAt {
		t.SentAt, t.HasSentAt = eventtime.Parse(bytesOf(e.Raw.SentAt))
	}
	t.MessageID = h.messageID(e)
	if h.who.fill(e); t.AnonymousID == "" && t.UserID == "" {
		stranger(e.Event)
	}
	h.in.purchase(e)
	return nil
}

// messageID returns what the sender calls this delivery, the same however often it
// is sent: the payload's id where it is known to be that of the event, else the
// header's, with the position where one delivery holds several.
func (h *hook) messageID(e *reader) string {
	if id := text(e, h.id, maxID); len(id) > len(stripeEvent) && id[:len(stripeEvent)] == stripeEvent {
		return id
	}
	id := text(e, h.delivery, maxID)
	if id == "" || e.Raw.Index == 0 {
		return id
	}
	from := len(e.Scratch)
	e.Scratch = append(append(e.Scratch, id...), '#')
	e.Scratch = strconv.AppendUint(e.Scratch, uint64(e.Raw.Index), 10)
	return alias(e.Scratch[from:])
}

// stripeEvent begins the ids of Stripe's events.
const stripeEvent = "evt_"
