package adapt

import (
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// matomo reads hits of Matomo's trackers: query strings, from a URL, a form or an
// element of a bulk request. A visitor who takes no cookies has no id.
type matomo struct{}

// matomoHit is the parameters that have fields, unescaped.
type matomoHit struct {
	site, device, override, user               string
	url, referrer, title, pageView             string
	consent, at, address, agent, lang, hints   string
	ping, custom, link, download               string
	category, action, name, value              string
	goal, revenue                              string
	order, subtotal, tax, shipping, discount   string
	items                                      string
	search, searchCategory, searchCount        string
	content, piece, target, contentInteraction string
}

// Adapt reads one hit.
func (matomo) Adapt(of *pipeline.Event) pipeline.Verdict {
	var h matomoHit
	e := &reader{of, false}
	h.read(of)
	verdict := h.identify(e)
	if verdict == nil {
		verdict = h.describe(e)
	}
	if verdict != nil {
		return *verdict
	}
	h.fillAbout(of)
	var own []byte
	if h.pageView != "" {
		from := beginObject(of)
		of.Scratch = memberText(of.Scratch, "page_view_id", h.pageView)
		own = endObject(of, from)
	}
	finishContext(of, own, nil)
	return pipeline.Verdict{}
}

// read notes the parameters; those without a field go to e.Extra, the site's
// number and the token nowhere. A tracker puts a parameter in once; of several the
// first counts.
func (h *matomoHit) read(e *pipeline.Event) {
	for f := formOf(e.Raw.Event); f.next(); {
		name := f.name(e)
		field := h.field(name)
		switch {
		case field == nil && name == "token_auth":
		case field == nil || *field != "":
			keepJSON(e, name, f.whole(e))
		default:
			*field = f.whole(e)
		}
	}
}

// field returns where the text of a parameter belongs, nil when it has no place.
func (h *matomoHit) field(name string) *string {
	switch name {
	case "idsite":
		return &h.site
	case "_id":
		return &h.device
	case "cid":
		return &h.override
	case "uid":
		return &h.user
	case "url":
		return &h.url
	case "urlref":
		return &h.referrer
	case "action_name":
		return &h.title
	case "pv_id":
		return &h.pageView
	case "consent":
		return &h.consent
	case "cdt":
		return &h.at
	case "cip":
		return &h.address
	case "ua":
		return &h.agent
	case "lang":
		return &h.lang
	case "uadata":
		return &h.hints
	case "ping":
		return &h.ping
	case "ca":
		return &h.custom
	case "link":
		return &h.link
	case "download":
		return &h.download
	case "revenue":
		return &h.revenue
	case "idgoal":
		return &h.goal
	}
	return h.detail(name)
}

// detail is field for what only some kinds of hits have.
func (h *matomoHit) detail(name string) *string {
	switch name {
	case "e_c":
		return &h.category
	case "e_a":
		return &h.action
	case "e_n":
		return &h.name
	case "e_v":
		return &h.value
	case "ec_id":
		return &h.order
	case "ec_st":
		return &h.subtotal
	case "ec_tx":
		return &h.tax
	case "ec_sh":
		return &h.shipping
	case "ec_dt":
		return &h.discount
	case "ec_items":
		return &h.items
	case "search":
		return &h.search
	case "search_cat":
		return &h.searchCategory
	case "search_count":
		return &h.searchCount
	case "c_n":
		return &h.content
	case "c_p":
		return &h.piece
	case "c_t":
		return &h.target
	case "c_i":
		return &h.contentInteraction
	}
	return nil
}

// keepJSON is keepText for what may be an object or array that was written into a
// parameter.
func keepJSON(e *pipeline.Event, name, text string) {
	if kind := jsonscan.KindOf(bytesOf(text)); (kind == jsonscan.Object || kind == jsonscan.Array) && jsonscan.Valid(bytesOf(text)) == nil {
		e.Extra = append(jsonscan.AppendString(e.Extra, bytesOf(name)), ':')
		e.Extra = append(append(e.Extra, text...), ',')
		return
	}
	keepText(e, name, text)
}

// identify reads the ids. cid is set by hand and counts for more than the
// cookie's.
func (h *matomoHit) identify(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	if h.site == "" {
		return refuse(event.MissingField, "idsite", "a hit needs the number of its site")
	}
	e.Site = cut(h.site, maxID)
	var verdict *pipeline.Verdict
	if t.AnonymousID, verdict = idText(e.Event, "cid", h.override); verdict != nil {
		return verdict
	}
	if t.AnonymousID == "" {
		if t.AnonymousID, verdict = idText(e.Event, "_id", h.device); verdict != nil {
			return verdict
		}
	} else {
		keepText(e.Event, "_id", h.device)
	}
	t.UserID, verdict = idText(e.Event, "uid", h.user)
	return verdict
}

// fillAbout sets the fields that say where, when and on what it was done.
func (h *matomoHit) fillAbout(e *pipeline.Event) {
	t := e.Touchpoint
	t.URL, t.Referrer = column(e, "url", h.url, maxURL), column(e, "urlref", h.referrer, maxURL)
	t.PageTitle = column(e, "action_name", h.title, maxTitle)
	readQuery(e, t.URL)
	readMatomoQuery(e, t.URL)
	if t.URL != "" {
		t.Channel = "web"
	}
	if h.consent == "1" {
		t.Consent = "matomo"
	} else {
		keepText(e, "consent", h.consent)
	}
	if t.OriginalTimestamp, t.HasOriginalTimestamp = eventtime.Parse(bytesOf(h.at)); !t.HasOriginalTimestamp {
		keepText(e, "cdt", h.at)
	}
	if t.IP = address(e, h.address); t.IP == "" {
		keepText(e, "cip", h.address)
	}
	t.UserAgent = column(e, "ua", h.agent, maxUserAgent)
	t.Locale = h.lang
	if i := strings.IndexAny(h.lang, ",;"); i >= 0 { // a list by preference
		t.Locale = h.lang[:i]
		keepText(e, "lang", h.lang)
	}
	t.Locale = cut(t.Locale, maxWord)
	h.hinted(e)
}

// hinted reads the system that the browser names of itself, as Segment's adapter
// does.
func (h *matomoHit) hinted(e *pipeline.Event) {
	t, hints := e.Touchpoint, bytesOf(h.hints)
	if jsonscan.KindOf(hints) == jsonscan.Object && jsonscan.Valid(hints) == nil {
		said := pick(hints, "platform", "mobile")
		if platform := text(&reader{e, false}, said.name, maxWord); platform != "Unknown" {
			t.OS = platform
		}
		if string(said.version) == "true" {
			t.DeviceType = "mobile"
		}
	}
	keepJSON(e, "uadata", h.hints)
}
