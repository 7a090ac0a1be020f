package adapt

import (
	"bytes"
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// snowplow reads events of Snowplow's tracker protocol: an object of strings, as
// trackers post them, or the query string of a pixel. Its short names are those of
// the protocol. What the event is about is in snowplow_event.go, the entities
// attached to it in snowplow_entities.go.
type snowplow struct{}

// hit is the fields of an event that are read, as text.
type hit struct {
	kind, eventID, appID                                string
	userID, deviceID, networkID, sessionID              string
	trueTime, deviceTime, sentTime                      string
	url, title, referrer                                string
	language, timezone, ip, userAgent, platform, client string

	structured struct{ category, action, label, property, value string }
	order      struct{ id, affiliation, total, tax, shipping, city, state, country, currency string }
	item       struct{ id, sku, name, category, price, quantity, currency string }
	scroll     struct{ minX, maxX, minY, maxY string }
	// A document is given as JSON or, under another name, in base64.
	event, event64, entities, entities64 string

	// Of the self-describing event, as it is written.
	schema, data []byte
	about        entities
}

// Adapt reads one event.
func (snowplow) Adapt(of *pipeline.Event) pipeline.Verdict {
	var h hit
	e := &reader{of, false}
	verdict := h.read(e)
	if verdict == nil {
		h.readEntities(e)
		verdict = h.identify(e)
	}
	if verdict == nil {
		verdict = h.describe(e)
	}
	if verdict != nil {
		return *verdict
	}
	h.times(of)
	h.fillAbout(e)
	h.keepOthers(of)
	finishContext(of, h.context(of), nil)
	return pipeline.Verdict{}
}

// field returns where the text of a field belongs, nil when it has no place.
func (h *hit) field(name string) *string {
	switch name {
	case "e":
		return &h.kind
	case "eid":
		return &h.eventID
	case "aid":
		return &h.appID // the write key: read so that it is kept nowhere
	case "uid":
		return &h.userID
	case "duid":
		return &h.deviceID
	case "nuid":
		return &h.networkID
	case "sid":
		return &h.sessionID
	case "ttm":
		return &h.trueTime
	case "dtm":
		return &h.deviceTime
	case "stm":
		return &h.sentTime
	case "url":
		return &h.url
	case "page":
		return &h.title
	case "refr":
		return &h.referrer
	case "lang":
		return &h.language
	case "tz":
		return &h.timezone
	case "ip":
		return &h.ip
	case "ua":
		return &h.userAgent
	case "p":
		return &h.platform
	case "tv":
		return &h.client
	case "co":
		return &h.entities
	case "cx":
		return &h.entities64
	case "ue_pr":
		return &h.event
	case "ue_px":
		return &h.event64
	}
	if len(name) < len("tr_id") || name[2] != '_' {
		return nil
	}
	return h.detail(name)
}

// detail is field for what only some kinds of events have.
func (h *hit) detail(name string) *string {
	switch name {
	case "se_ca":
		return &h.structured.category
	case "se_ac":
		return &h.structured.action
	case "se_la":
		return &h.structured.label
	case "se_pr":
		return &h.structured.property
	case "se_va":
		return &h.structured.value
	case "tr_id":
		return &h.order.id
	case "tr_af":
		return &h.order.affiliation
	case "tr_tt":
		return &h.order.total
	case "tr_tx":
		return &h.order.tax
	case "tr_sh":
		return &h.order.shipping
	case "tr_ci":
		return &h.order.city
	case "tr_st":
		return &h.order.state
	case "tr_co":
		return &h.order.country
	case "tr_cu":
		return &h.order.currency
	case "ti_id":
		return &h.item.id
	case "ti_sk":
		return &h.item.sku
	case "ti_nm":
		return &h.item.name
	case "ti_ca":
		return &h.item.category
	case "ti_pr":
		return &h.item.price
	case "ti_qu":
		return &h.item.quantity
	case "ti_cu":
		return &h.item.currency
	case "pp_mix":
		return &h.scroll.minX
	case "pp_max":
		return &h.scroll.maxX
	case "pp_miy":
		return &h.scroll.minY
	case "pp_may":
		return &h.scroll.maxY
	}
	return nil
}

// read notes the fields; those without a place go to e.Extra.
func (h *hit) read(e *reader) *pipeline.Verdict {
	if jsonscan.KindOf(e.Raw.Event) != jsonscan.Object && e.Raw.Endpoint == "i" {
		for f := formOf(e.Raw.Event); f.next(); {
			if field := h.field(f.name(e.Event)); field != nil {
				*field = f.whole(e.Event)
			} else {
				f.keep(e.Event)
			}
		}
		return nil
	}
	m := jsonscan.MembersOf(e.Raw.Event)
	for m.Next() {
		field := h.field(alias(m.Name()))
		if field == nil {
			keep(e.Event, alias(m.RawName()), m.Value())
			continue
		}
		if *field = whole(e, m.Value()); *field != "" {
			continue
		}
		if kind := m.Kind(); kind == jsonscan.Object && (field == &h.event || field == &h.entities) {
			*field = alias(m.Value()) // a tracker that leaves the document as it is
		} else {
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(e.Raw.Event, err)
	}
	return nil
}

// identify reads the ids. A tracker that was told to be anonymous names no device:
// its session, or else the page view, is then all that belongs together. The
// cookie counts last, as it does not come from the event itself.
func (h *hit) identify(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	var verdict *pipeline.Verdict
	if t.UserID, verdict = idText(e.Event, "uid", h.userID); verdict != nil {
		return verdict
	}
	if e.Session = cut(h.sessionID, maxID); nobody(e.Session) {
		e.Session = cut(h.about.sessionID, maxID)
	}
	for _, id := range [...]struct{ field, id string }{
		{"duid", h.deviceID}, {"co", h.about.deviceID}, {"nuid", h.networkID},
		{"sid", h.sessionID}, {"co", h.about.sessionID}, {"co", h.about.pageViewID}, {"", network(e.Event)},
	} {
		if len(id.id) > maxID {
			return refuse(event.FieldTooLong, id.field, "an id of the device is longer than 512 bytes")
		}
		if id.id != "" && !nobody(id.id) {
			t.AnonymousID = id.id
			break
		}
	}
	if nobody(e.Session) {
		e.Session = ""
	}
	if t.AnonymousID == "" && t.UserID == "" {
		return refuse(event.MissingIdentity, "", "none of duid, uid, nuid, sid and the context client_session names anybody")
	}
	if len(h.eventID) > maxID {
		return refuse(event.FieldTooLong, "eid", "eid is longer than 512 bytes")
	}
	t.MessageID = h.eventID
	if t.AnonymousID != h.deviceID {
		keepText(e.Event, "duid", h.deviceID) // it names nobody
	}
	keepText(e.Event, "sid", h.sessionID) // the column holds a hash of it
	return nil
}

// network returns what the collector's cookie says.
func network(e *pipeline.Event) string { return limited(e, e.Raw.Header("network-userid"), maxID) }

// times reads when the event happened and was sent; what is no time is kept.
func (h *hit) times(e *pipeline.Event) {
	t := e.Touchpoint
	if t.OriginalTimestamp, t.HasOriginalTimestamp = eventtime.Parse(bytesOf(h.trueTime)); t.HasOriginalTimestamp {
		keepText(e, "dtm", h.deviceTime)
	} else {
		keepText(e, "ttm", h.trueTime)
		if t.OriginalTimestamp, t.HasOriginalTimestamp = eventtime.Parse(bytesOf(h.deviceTime)); !t.HasOriginalTimestamp {
			keepText(e, "dtm", h.deviceTime)
		}
	}
	if t.SentAt, t.HasSentAt = eventtime.Parse(bytesOf(h.sentTime)); !t.HasSentAt {
		keepText(e, "stm", h.sentTime)
	}
}

// fillAbout sets the fields that say where the event comes from.
func (h *hit) fillAbout(e *reader) {
	t, of := e.Touchpoint, e.Event
	t.URL, t.Referrer = column(of, "url", h.url, maxURL), column(of, "refr", h.referrer, maxURL)
	t.PageTitle = column(of, "page", h.title, maxTitle)
	t.Locale, t.Timezone = column(of, "lang", h.language, maxWord), column(of, "tz", h.timezone, maxWord)
	t.UserAgent = column(of, "ua", h.userAgent, maxUserAgent)
	if t.IP = address(of, h.ip); t.IP == "" {
		keepText(of, "ip", h.ip)
	}
	readQuery(of, t.URL)
	name, version, _ := strings.Cut(h.client, "-") // js-4.10.1
	t.Library, t.LibraryVersion = cut(name, maxWord), cut(version, maxWord)
	if len(name) > maxWord || len(version) > maxWord {
		keepText(of, "tv", h.client)
	}
	h.about.software(e)
	device := ""
	switch h.platform {
	case "web":
		t.Channel = "web"
		return // says no more than that
	case "mob":
		t.Channel, device = "app", "mobile"
	case "pc":
		t.Channel, device = "app", "desktop"
	case "app", "tv", "cnsl", "iot":
		t.Channel = "app"
	}
	if t.DeviceType == "" {
		t.DeviceType = device
	}
	keepText(of, "p", h.platform)
}

// keepOthers keeps the fields that belong to another kind of event.
func (h *hit) keepOthers(e *pipeline.Event) {
	if s := &h.structured; h.kind != "se" {
		keepText(e, "se_ca", s.category)
		keepText(e, "se_ac", s.action)
		keepText(e, "se_la", s.label)
		keepText(e, "se_pr", s.property)
		keepText(e, "se_va", s.value)
	}
	if o := &h.order; h.kind != "tr" {
		keepText(e, "tr_id", o.id)
		keepText(e, "tr_af", o.affiliation)
		keepText(e, "tr_tt", o.total)
		keepText(e, "tr_tx", o.tax)
		keepText(e, "tr_sh", o.shipping)
		keepText(e, "tr_ci", o.city)
		keepText(e, "tr_st", o.state)
		keepText(e, "tr_co", o.country)
		keepText(e, "tr_cu", o.currency)
	}
	if i := &h.item; h.kind != "ti" {
		keepText(e, "ti_id", i.id)
		keepText(e, "ti_sk", i.sku)
		keepText(e, "ti_nm", i.name)
		keepText(e, "ti_ca", i.category)
		keepText(e, "ti_pr", i.price)
		keepText(e, "ti_qu", i.quantity)
		keepText(e, "ti_cu", i.currency)
	}
	if s := &h.scroll; h.kind != "pp" {
		keepText(e, "pp_mix", s.minX)
		keepText(e, "pp_max", s.maxX)
		keepText(e, "pp_miy", s.minY)
		keepText(e, "pp_may", s.maxY)
	}
	if h.kind != "ue" {
		keepText(e, "ue_pr", h.event)
	}
	if h.kind != "ue" || h.event != "" {
		keepText(e, "ue_px", h.event64)
	}
}

// context returns what the event says besides its properties under names of its
// own: the entities, the schema of the event, and the network user id.
func (h *hit) context(e *pipeline.Event) []byte {
	user := h.networkID
	if user == "" {
		user = network(e)
	}
	from := beginObject(e)
	if len(h.about.lists[0])+len(h.about.lists[1]) > 0 {
		e.Scratch = append(e.Scratch, `"contexts":[`...)
		for _, list := range h.about.lists {
			if says(list) {
				e.Scratch = append(append(e.Scratch, inside(list)...), ',')
			}
		}
		e.Scratch = append(bytes.TrimSuffix(e.Scratch, []byte{','}), ']', ',')
	}
	e.Scratch = appendMember(e.Scratch, "schema", h.schema)
	e.Scratch = memberText(e.Scratch, "network_userid", user)
	return endObject(e, from)
}
