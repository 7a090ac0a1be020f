package adapt

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// about is the members of the context that have fields: the event's own, and
// where it lacks one that of the request's context.
type about struct {
	page                                     page
	campaign                                 campaign
	os, device, library, app                 product
	brands                                   product // Client Hints: platform and mobile
	ip, userAgent, locale, timezone          []byte
	consent, session, group, channel, traits []byte
	allowed                                  []byte // RudderStack's list of consents
	referrerURL, libraryText                 []byte
}

// page is where the browser was; given says that there was such an object.
type page struct {
	given                        bool
	url, search, title, referrer []byte
}

type campaign struct{ source, medium, name, content, term []byte }

// product is a piece of soft- or hardware: name or type, and version or model.
type product struct {
	given         bool
	name, version []byte
}

// requestContext returns the context that the request gives for all its events,
// nil when there is none.
func requestContext(e *pipeline.Event) ([]byte, *pipeline.Verdict) {
	request := bytes.Trim(e.Raw.Context, " \t\r\n")
	if len(request) == 0 {
		return nil, nil
	}
	if !utf8.Valid(request) || jsonscan.KindOf(request) != jsonscan.Object || jsonscan.Valid(request) != nil {
		return nil, refuse(event.MalformedBatch, "context", "the context of the request is not a JSON object")
	}
	return request, nil
}

func (x *about) readAll(context []byte) {
	if len(context) > 0 {
		m := jsonscan.MembersOf(context)
		x.read(&m)
	}
}

// read notes the members; of a member that was there before the new one counts.
func (x *about) read(context *jsonscan.Members) {
	for context.Next() {
		switch string(context.Name()) {
		case "page":
			inner := context.Enter()
			x.page = readPage(context)
			context.Leave(inner)
			x.page.given = says(context.Value())
		case "campaign":
			inner := context.Enter()
			x.campaign = readCampaign(context)
			context.Leave(inner)
		case "os":
			x.os = readProduct(context, "name", "version")
		case "device":
			x.device = readProduct(context, "type", "model")
		case "app":
			x.app = readProduct(context, "name", "version")
		case "library":
			x.library = readProduct(context, "name", "version")
			x.libraryText = nil
			if context.Kind() == jsonscan.String {
				x.libraryText = context.Value()
			}
		case "userAgentData":
			x.brands = readProduct(context, "platform", "mobile")
		case "referrer":
			x.referrerURL = readProduct(context, "url", "type").name
		case "ip":
			x.ip = context.Value()
		case "userAgent":
			x.userAgent = context.Value()
		case "locale":
			x.locale = context.Value()
		case "timezone":
			x.timezone = context.Value()
		case "consent":
			x.consent = readProduct(context, "categoryPreferences", "").name
		case "consentManagement":
			x.allowed = readProduct(context, "allowedConsentIds", "").name
		case "sessionId":
			x.session = context.Value()
		case "groupId":
			x.group = context.Value()
		case "channel":
			x.channel = context.Value()
		case "traits":
			x.traits = context.Value()
		}
	}
}

func readPage(m *jsonscan.Members) (p page) {
	for m.Next() {
		switch string(m.Name()) {
		case "url":
			p.url = m.Value()
		case "search":
			p.search = m.Value()
		case "title":
			p.title = m.Value()
		case "referrer":
			p.referrer = m.Value()
		}
	}
	return p
}

// or takes what a page call's properties say about the page where p says
// nothing.
func (p *page) or(url, title, referrer []byte) {
	if !says(p.url) {
		p.url = url
	}
	if !says(p.title) {
		p.title = title
	}
	if !says(p.referrer) {
		p.referrer = referrer
	}
}

func readCampaign(m *jsonscan.Members) (c campaign) {
	for m.Next() {
		switch string(m.Name()) {
		case "source":
			c.source = m.Value()
		case "medium":
			c.medium = m.Value()
		case "name":
			c.name = m.Value()
		case "content":
			c.content = m.Value()
		case "term":
			c.term = m.Value()
		}
	}
	return c
}

// readProduct reads two members of the object that is the member's value.
func readProduct(m *jsonscan.Members, name, version string) (p product) {
	inner := m.Enter()
	for m.Next() {
		switch string(m.Name()) {
		case name:
			p.name = m.Value()
		case version:
			p.version = m.Value()
		}
	}
	m.Leave(inner)
	p.given = says(m.Value())
	return p
}

// fillAbout sets the fields that stand in the context.
func (c *call) fillAbout(e *reader) {
	t, x := e.Touchpoint, &c.about
	x.page.or(nil, nil, x.referrerURL)
	t.URL, t.PageTitle, t.Referrer = text(e, x.page.url, maxURL), text(e, x.page.title, maxTitle), text(e, x.page.referrer, maxURL)
	t.Locale, t.Timezone = text(e, x.locale, maxWord), text(e, x.timezone, maxWord)
	t.IP, t.UserAgent = address(e.Event, text(e, x.ip, maxWord)), text(e, x.userAgent, maxUserAgent)
	if e.Session = text(e, x.session, maxID); nobody(e.Session) {
		e.Session = ""
	}
	if t.GroupID == "" {
		if t.GroupID = text(e, x.group, maxID); nobody(t.GroupID) {
			t.GroupID = ""
		}
	}
	if t.Consent = consent(e.Event, x.consent); t.Consent == "" {
		t.Consent = purposes(e.Event, x.allowed)
	}
	x.origin(e)
	x.software(e)
	c.place(e)
}

// origin sets the campaign and the click id.
func (x *about) origin(e *reader) {
	t, c := e.Touchpoint, &x.campaign
	t.UTMSource, t.UTMMedium, t.UTMCampaign = text(e, c.source, maxTag), text(e, c.medium, maxTag), text(e, c.name, maxTag)
	t.UTMContent, t.UTMTerm = text(e, c.content, maxTag), text(e, c.term, maxTag)
	if !readQuery(e.Event, t.URL) && says(x.page.search) {
		readQuery(e.Event, text(e, x.page.search, maxURL)) // a canonical URL comes without its query
	}
}

func (x *about) software(e *reader) {
	t := e.Touchpoint
	t.OS, t.OSVersion = text(e, x.os.name, maxWord), text(e, x.os.version, maxWord)
	if x.device.given {
		t.DeviceType = deviceType(text(e, x.device.name, maxWord), text(e, x.device.version, maxWord))
	}
	if x.app.name == nil || !bytes.Equal(x.app.name, x.library.name) { // else it is the SDK that calls itself an app
		t.AppVersion = text(e, x.app.version, maxWord)
	}
	t.Library, t.LibraryVersion = text(e, x.library.name, maxWord), text(e, x.library.version, maxWord)
	if x.libraryText != nil {
		t.Library = text(e, x.libraryText, maxWord)
	}
	if t.OS == "" && jsonscan.KindOf(x.brands.name) == jsonscan.String {
		if platform := text(e, x.brands.name, maxWord); platform != "Unknown" {
			t.OS = platform
		}
	}
	if t.DeviceType == "" && string(x.brands.version) == "true" {
		t.DeviceType = "mobile"
	}
}

// deviceType reads what SDKs say about a device: mobile ones name their system
// and the model.
func deviceType(kind, model string) string {
	switch {
	case strings.EqualFold(kind, "tablet"), strings.HasPrefix(model, "iPad"):
		return "tablet"
	case strings.EqualFold(kind, "ios"), strings.EqualFold(kind, "android"), strings.EqualFold(kind, "mobile"),
		strings.EqualFold(kind, "phone"), strings.EqualFold(kind, "smartphone"):
		return "mobile"
	case strings.EqualFold(kind, "desktop"), strings.EqualFold(kind, "computer"), strings.EqualFold(kind, "pc"):
		return "desktop"
	}
	return ""
}

// place sets the channel: what the SDK says if that is one, else a page makes it
// web and a device, an app or a screen makes it app. An event of a server that
// says nothing has none.
func (c *call) place(e *reader) {
	t, x := e.Touchpoint, &c.about
	if c.channel != nil {
		if t.Channel = channel(text(e, c.channel, maxWord)); t.Channel == "" {
			keep(e.Event, "channel", c.channel)
		}
	}
	if t.Channel == "" && x.channel != nil {
		t.Channel = channel(text(e, x.channel, maxWord))
	}
	switch {
	case t.Channel != "":
	case x.page.given, t.Library == "analytics.js":
		t.Channel = "web"
	case t.Type == "screen", x.device.given, x.app.given:
		t.Channel = "app"
	case t.Type == "page":
		t.Channel = "web"
	}
}

func channel(given string) string {
	switch given {
	case "web", "browser":
		return "web"
	case "app", "mobile":
		return "app"
	case "email", "ad", "support", "chat", "social", "survey", "purchase", "crm", "sms", "push":
		return given
	}
	return ""
}

// maxPurposes is how many consent purposes are kept.
const maxPurposes = 32

// consent returns the purposes granted, sorted, joined by commas. Where a purpose
// stands twice the last word counts.
func consent(e *pipeline.Event, preferences []byte) string {
	if jsonscan.KindOf(preferences) != jsonscan.Object {
		return ""
	}
	var names [maxPurposes]string
	granted := names[:0]
	for m := jsonscan.MembersOf(preferences); m.Next(); {
		if i := slices.Index(granted, cut(alias(m.Name()), maxWord)); i >= 0 {
			granted = slices.Delete(granted, i, i+1)
		}
		if string(m.Value()) == "true" && len(granted) < maxPurposes {
			from := len(e.Scratch)
			e.Scratch = append(e.Scratch, m.Name()...)
			granted = append(granted, cut(alias(e.Scratch[from:]), maxWord))
		}
	}
	return joined(e, granted)
}

// consentOf reads consent however it is told: as an object of purposes that are
// true, a list of the granted ones, or a text that joins them by commas.
func consentOf(e *reader, value []byte) string {
	switch jsonscan.KindOf(value) {
	case jsonscan.Object:
		return consent(e.Event, value)
	case jsonscan.Array:
		return purposes(e.Event, value)
	}
	var names [maxPurposes]string
	granted := names[:0]
	for name := range strings.SplitSeq(whole(e, value), ",") {
		if name = cut(strings.TrimSpace(name), maxWord); name != "" && len(granted) < maxPurposes && !slices.Contains(granted, name) {
			granted = append(granted, name)
		}
	}
	return joined(e.Event, granted)
}

// purposes returns the purposes that a list of granted ones names, sorted, joined
// by commas.
func purposes(e *pipeline.Event, list []byte) string {
	if jsonscan.KindOf(list) != jsonscan.Array {
		return ""
	}
	var names [maxPurposes]string
	granted := names[:0]
	r := reader{Event: e}
	for elements := jsonscan.ElementsOf(list); elements.Next() && len(granted) < maxPurposes; {
		if name := text(&r, elements.Value(), maxWord); name != "" && !slices.Contains(granted, name) {
			granted = append(granted, name)
		}
	}
	return joined(e, granted)
}

func joined(e *pipeline.Event, names []string) string {
	slices.Sort(names)
	from := len(e.Scratch)
	for i, name := range names {
		if i > 0 {
			e.Scratch = append(e.Scratch, ',')
		}
		e.Scratch = append(e.Scratch, name...)
	}
	return alias(e.Scratch[from:])
}
