package adapt

import (
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// ga4 reads the two protocols of Google Analytics 4: the Measurement Protocol of
// servers and apps, JSON whose ids stand beside the list of events, and what
// gtag.js sends, query strings (ga4_gtag.go).
type ga4 struct{}

// Adapt reads one event.
func (ga4) Adapt(of *pipeline.Event) pipeline.Verdict {
	e := &reader{of, false}
	var verdict *pipeline.Verdict
	if of.Raw.Endpoint == "gtag" {
		var t tag
		verdict = t.adapt(of)
	} else {
		var m measured
		verdict = m.adapt(e)
	}
	if verdict != nil {
		return *verdict
	}
	return pipeline.Verdict{}
}

// measured is the members of an event of the Measurement Protocol, and of its
// request, as they were written.
type measured struct {
	name, params, time []byte

	clientID, instanceID, userID, requestTime []byte
	traits, consent, userAgent, ip            []byte
	device                                    struct{ category, language, os, osVersion, model []byte }

	in parameters
}

// parameters is those of an event that have fields.
type parameters struct {
	details
	session, firebaseSession       []byte
	url, title, referrer, language []byte
	screen, firebaseScreen         []byte
}

func (g *measured) adapt(e *reader) *pipeline.Verdict {
	request, verdict := requestContext(e.Event)
	if verdict != nil {
		return verdict
	}
	if request != nil {
		g.readRequest(e, request)
	}
	if verdict = g.read(e); verdict != nil {
		return verdict
	}
	if verdict = g.identify(e); verdict != nil {
		return verdict
	}
	screen := text(e, g.in.screen, maxName)
	if screen == "" {
		screen = text(e, g.in.firebaseScreen, maxName)
	}
	ga4Kind(e.Touchpoint, text(e, g.in.title, maxName), screen)
	g.fill(e)
	return nil
}

// readRequest notes the members that the request gives for all its events.
func (g *measured) readRequest(e *reader, request []byte) {
	for m := jsonscan.MembersOf(request); m.Next(); {
		switch string(m.Name()) {
		case "client_id":
			g.clientID = m.Value()
		case "app_instance_id":
			g.instanceID = m.Value()
		case "user_id":
			g.userID = m.Value()
		case "timestamp_micros":
			g.requestTime = m.Value()
		case "user_properties":
			g.traits = m.Value()
		case "consent":
			g.consent = m.Value()
		case "user_agent":
			g.userAgent = m.Value()
		case "ip_override":
			g.ip = m.Value()
		case "device":
			g.readDevice(m.Value())
			keep(e.Event, "device", m.Value())
		default:
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
}

func (g *measured) readDevice(device []byte) {
	d := &g.device
	for m := jsonscan.MembersOf(device); m.Next(); {
		switch string(m.Name()) {
		case "category":
			d.category = m.Value()
		case "language":
			d.language = m.Value()
		case "operating_system":
			d.os = m.Value()
		case "operating_system_version":
			d.osVersion = m.Value()
		case "model":
			d.model = m.Value()
		}
	}
}

// read notes the members of the event.
func (g *measured) read(e *reader) *pipeline.Verdict {
	m := jsonscan.MembersOf(e.Raw.Event)
	for m.Next() {
		switch string(m.Name()) {
		case "name":
			g.name = m.Value()
		case "timestamp_micros":
			g.time = m.Value()
		case "params":
			g.in = parameters{}
			inner := m.Enter()
			g.in.read(&m)
			m.Leave(inner)
			g.params = m.Value()
		default:
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(e.Raw.Event, err)
	}
	var verdict *pipeline.Verdict
	g.params, verdict = wantObject("params", g.params)
	return verdict
}

func (p *parameters) read(params *jsonscan.Members) {
	for params.Next() {
		switch string(params.Name()) {
		case "value":
			p.value = params.Value()
		case "currency":
			p.currency = params.Value()
		case "transaction_id":
			p.orderID = params.Value()
		case "session_id":
			p.session = params.Value()
		case "ga_session_id":
			p.firebaseSession = params.Value()
		case "page_location":
			p.url = params.Value()
		case "page_title":
			p.title = params.Value()
		case "page_referrer":
			p.referrer = params.Value()
		case "language":
			p.language = params.Value()
		case "screen_name":
			p.screen = params.Value()
		case "firebase_screen":
			p.firebaseScreen = params.Value()
		}
	}
}

// identify reads name and ids.
func (g *measured) identify(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	var verdict *pipeline.Verdict
	if t.AnonymousID, verdict = identifier(e, "client_id", g.clientID); verdict != nil {
		return verdict
	}
	if t.AnonymousID != "" {
		keep(e.Event, "app_instance_id", g.instanceID)
	} else if t.AnonymousID, verdict = identifier(e, "app_instance_id", g.instanceID); verdict != nil {
		return verdict
	}
	if t.UserID, verdict = identifier(e, "user_id", g.userID); verdict != nil {
		return verdict
	}
	if t.AnonymousID == "" && t.UserID == "" {
		return refuse(event.MissingIdentity, "", "none of client_id, app_instance_id and user_id names anybody")
	}
	if t.Event, verdict = eventName(e, "name", g.name); verdict != nil {
		return verdict
	}
	if e.Session = text(e, g.in.session, maxID); nobody(e.Session) {
		if e.Session = text(e, g.in.firebaseSession, maxID); nobody(e.Session) {
			e.Session = ""
		}
	}
	return nil
}

// fill sets the fields that need no check.
func (g *measured) fill(e *reader) {
	t, of, p := e.Touchpoint, e.Event, &g.in
	if t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "timestamp_micros", g.time); !t.HasOriginalTimestamp {
		t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "timestamp_micros", g.requestTime)
	}
	if says(g.params) {
		t.Properties = g.params
	}
	p.purchase(e)
	t.URL, t.PageTitle, t.Referrer = text(e, p.url, maxURL), text(e, p.title, maxTitle), text(e, p.referrer, maxURL)
	readQuery(of, t.URL)
	if t.Locale = text(e, p.language, maxWord); t.Locale == "" {
		t.Locale = text(e, g.device.language, maxWord)
	}
	t.OS, t.OSVersion = text(e, g.device.os, maxWord), text(e, g.device.osVersion, maxWord)
	t.DeviceType = deviceType(text(e, g.device.category, maxWord), text(e, g.device.model, maxWord))
	t.UserAgent = columnOf(e, "user_agent", g.userAgent, maxUserAgent)
	if t.IP = address(of, text(e, g.ip, maxWord)); t.IP == "" {
		keep(of, "ip_override", g.ip)
	}
	switch {
	case t.Type == "page", t.URL != "":
		t.Channel = "web"
	case t.Type == "screen", says(g.instanceID):
		t.Channel = "app"
	}
	if t.Traits = g.values(e); t.Traits == nil {
		keep(of, "user_properties", g.traits)
	}
	t.Consent = g.purposes(e)
	from := beginObject(of)
	e.Scratch = appendMember(e.Scratch, "consent", g.consent)
	finishContext(of, endObject(of, from), nil)
}

// values returns the user properties without what is around them:
// {"plan":{"value":"pro"}} is {"plan":"pro"}.
func (g *measured) values(e *reader) []byte {
	if jsonscan.KindOf(g.traits) != jsonscan.Object {
		return nil
	}
	from := beginObject(e.Event)
	for m := jsonscan.MembersOf(g.traits); m.Next(); {
		value := m.Value()
		if m.Kind() == jsonscan.Object {
			if inner := pick(value, "value", "").name; inner != nil {
				value = inner
			}
		}
		addMember(e.Event, m.RawName(), value)
	}
	return endObject(e.Event, from)
}

// purposes returns what is granted, sorted, joined by commas.
func (g *measured) purposes(e *reader) string {
	if jsonscan.KindOf(g.consent) != jsonscan.Object {
		return ""
	}
	var names [maxPurposes]string
	granted := names[:0]
	for m := jsonscan.MembersOf(g.consent); m.Next() && len(granted) < maxPurposes; {
		if strings.EqualFold(text(e, m.Value(), maxWord), "granted") {
			from := len(e.Scratch)
			e.Scratch = append(e.Scratch, m.Name()...)
			granted = append(granted, cut(alias(e.Scratch[from:]), maxWord))
		}
	}
	return joined(e.Event, granted)
}

// ga4Kind sets what follows from the name of the event. A page is called by its
// title.
func ga4Kind(t *event.Touchpoint, title, screen string) {
	switch t.Event {
	case "page_view":
		t.Type, t.Kind, t.Name = "page", "page_view", title
	case "screen_view":
		t.Type, t.Kind, t.Name = "screen", "screen_view", screen
	default:
		t.Type = "track"
	}
}
