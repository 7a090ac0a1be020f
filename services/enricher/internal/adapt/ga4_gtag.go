package adapt

import (
	"strings"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

// tag is the fields of an event of gtag.js that are read, as text. What all events
// of a request have in common stands in its query, which is the event's context,
// unless the event is the query itself.
type tag struct {
	event, clientID, userID, session, screen string
	url, title, referrer, language           string
	container, consent                       string
	os, osVersion, mobile                    string
	value, currency, currencyCode, orderID   string

	hasProperties, hasTraits, hasItems bool
}

func (g *tag) adapt(e *pipeline.Event) *pipeline.Verdict {
	if !utf8.Valid(e.Raw.Context) {
		return refuse(event.InvalidUTF8, "context", "the query of the request is not valid UTF-8")
	}
	for _, fields := range [...][]byte{e.Raw.Context, e.Raw.Event} {
		for f := formOf(fields); f.next(); {
			g.field(e, &f)
		}
	}
	if verdict := g.identify(e); verdict != nil {
		return verdict
	}
	ga4Kind(e.Touchpoint, cut(g.title, maxName), cut(g.screen, maxName))
	g.fill(e)
	return nil
}

// field notes one field; the write key tid is kept nowhere.
func (g *tag) field(e *pipeline.Event, f *form) {
	name := f.name(e)
	switch name {
	case "tid":
		return
	case "en":
		g.event = f.whole(e)
		return
	case "cid":
		g.clientID = f.whole(e)
		return
	case "uid":
		g.userID = f.whole(e)
		return
	case "sid":
		g.session = f.whole(e)
		return
	case "dl":
		g.url = f.whole(e)
		return
	case "dt":
		g.title = f.whole(e)
		return
	case "dr":
		g.referrer = f.whole(e)
		return
	case "ul":
		g.language = f.whole(e)
		return
	case "gtm":
		g.container = f.whole(e)
		return
	case "gcs":
		g.consent = f.whole(e)
		return
	case "uap":
		g.os = f.whole(e)
		return
	case "uapv":
		g.osVersion = f.whole(e)
		return
	case "uamb":
		g.mobile = f.whole(e)
		return
	case "cu":
		g.currencyCode = f.whole(e)
		return
	}
	switch prefix, rest, _ := strings.Cut(name, "."); {
	case rest != "" && (prefix == "ep" || prefix == "epn"):
		g.hasProperties = true
		switch rest {
		case "value":
			g.value = f.whole(e)
		case "currency":
			g.currency = f.whole(e)
		case "transaction_id":
			g.orderID = f.whole(e)
		case "screen_name":
			g.screen = f.whole(e)
		}
	case rest != "" && (prefix == "up" || prefix == "upn"):
		g.hasTraits = true
	case isItem(name):
		g.hasItems = true
	default:
		f.keep(e)
	}
}

// isItem reports whether a field is an item: pr1, pr2 and so on.
func isItem(name string) bool {
	digits, ok := strings.CutPrefix(name, "pr")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// identify reads name and ids.
func (g *tag) identify(e *pipeline.Event) *pipeline.Verdict {
	t := e.Touchpoint
	var verdict *pipeline.Verdict
	if t.AnonymousID, verdict = idText(e, "cid", g.clientID); verdict != nil {
		return verdict
	}
	if t.UserID, verdict = idText(e, "uid", g.userID); verdict != nil {
		return verdict
	}
	if t.AnonymousID == "" && t.UserID == "" {
		return refuse(event.MissingIdentity, "", "neither cid nor uid names anybody")
	}
	if e.Session = cut(g.session, maxID); nobody(e.Session) {
		e.Session = ""
	}
	keepText(e, "sid", g.session) // the column holds a hash of it
	return eventText(e, "en", g.event)
}

// fill sets the fields that need no check.
func (g *tag) fill(e *pipeline.Event) {
	t := e.Touchpoint
	t.URL, t.Referrer = column(e, "dl", g.url, maxURL), column(e, "dr", g.referrer, maxURL)
	t.PageTitle, t.Locale = column(e, "dt", g.title, maxTitle), column(e, "ul", g.language, maxWord)
	t.OS, t.OSVersion = column(e, "uap", g.os, maxWord), column(e, "uapv", g.osVersion, maxWord)
	t.Channel = "web"
	readQuery(e, t.URL)
	if g.container != "" {
		t.Library, t.LibraryVersion = "gtag", column(e, "gtm", g.container, maxWord)
	}
	if g.mobile == "1" {
		t.DeviceType = "mobile"
	}
	keepText(e, "uamb", g.mobile)
	if g.currency == "" {
		g.currency = g.currencyCode
	}
	keepText(e, "cu", g.currencyCode)
	priceText(e, g.value, g.currency)
	t.OrderID = cut(g.orderID, maxTag)
	if g.hasProperties || g.hasItems {
		t.Properties = tagObject(e, "ep.", "epn.", g.hasItems)
	}
	if g.hasTraits {
		t.Traits = tagObject(e, "up.", "upn.", false)
	}
	t.Consent = tagConsent(g.consent)
	from := beginObject(e)
	if g.consent != "" {
		e.Scratch = append(e.Scratch, `"consent":{`...)
		e.Scratch = memberText(e.Scratch, "gcs", g.consent)
		e.Scratch = append(e.Scratch[:len(e.Scratch)-1], '}', ',')
	}
	finishContext(e, endObject(e, from), nil)
}

// tagConsent reads the Google Consent Status, G1xy: x is 1 where storage for ads
// is granted, y where storage for analytics is.
func tagConsent(gcs string) string {
	if len(gcs) != len("G1xy") || gcs[:2] != "G1" {
		return ""
	}
	switch ads, analytics := gcs[2] == '1', gcs[3] == '1'; {
	case ads && analytics:
		return "ad_storage,analytics_storage"
	case ads:
		return "ad_storage"
	case analytics:
		return "analytics_storage"
	}
	return ""
}
