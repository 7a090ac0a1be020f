package adapt

import (
	"bytes"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// plausible reads the events of Plausible's script and tracker, whose members have
// short names since its version 4 and long ones before. Its visitors have no ids.
type plausible struct{}

// plausibleEvent is the members that have fields.
type plausibleEvent struct {
	name, url, domain, referrer, props, revenue []byte
	interactive, version, scroll, engaged       []byte

	properties []byte
	in         details
}

// Adapt reads one event.
func (plausible) Adapt(of *pipeline.Event) pipeline.Verdict {
	e := &reader{of, bytes.IndexByte(of.Raw.Event, '\\') < 0}
	var p plausibleEvent
	verdict := p.read(e)
	if verdict == nil {
		verdict = p.identify(e)
	}
	if verdict != nil {
		return *verdict
	}
	t := e.Touchpoint
	p.fillProperties(e)
	p.fillRevenue(e)
	t.URL, t.Referrer, t.Channel = columnOf(e, "u", p.url, maxURL), columnOf(e, "r", p.referrer, maxURL), "web"
	readQuery(of, t.URL)
	t.Library, t.LibraryVersion = "plausible", columnOf(e, "v", p.version, maxWord)
	finishContext(of, contextOf(of, "interactive", p.interactive), nil)
	return pipeline.Verdict{}
}

// read notes the members; those without a field go to e.Extra, the domain nowhere.
func (p *plausibleEvent) read(e *reader) *pipeline.Verdict {
	m := jsonscan.MembersOf(e.Raw.Event)
	for m.Next() {
		raw := alias(m.RawName())
		switch string(m.Name()) {
		case "n", "name":
			either(e, &p.name, raw, m.Value())
		case "u", "url":
			either(e, &p.url, raw, m.Value())
		case "d", "domain":
			if !says(p.domain) {
				p.domain = m.Value()
			}
		case "r", "referrer":
			either(e, &p.referrer, raw, m.Value())
		case "p", "props", "m", "meta":
			either(e, &p.props, raw, m.Value())
		case "$", "revenue":
			either(e, &p.revenue, raw, m.Value())
		case "i", "interactive":
			either(e, &p.interactive, raw, m.Value())
		case "v":
			p.version = m.Value()
		case "sd":
			p.scroll = m.Value()
		case "e":
			p.engaged = m.Value()
		default:
			keep(e.Event, raw, m.Value())
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(e.Raw.Event, err)
	}
	return nil
}

// identify reads what was done and on which site.
func (p *plausibleEvent) identify(e *reader) *pipeline.Verdict {
	site, verdict := token(e, "d", p.domain)
	if verdict != nil {
		return verdict
	}
	if e.Site = site; site == "" {
		return refuse(event.MissingField, "d", "an event needs the domain of its site")
	}
	e.Touchpoint.Type = "track"
	if e.Touchpoint.Event, verdict = eventName(e, "n", p.name); e.Touchpoint.Event == "pageview" {
		viewed(e, "")
	}
	return verdict
}

// fillProperties sets the properties; those of the event that tells how long a page
// was looked at hold the two measures as well.
func (p *plausibleEvent) fillProperties(e *reader) {
	t := e.Touchpoint
	p.properties = objectOf(e, p.props)
	if p.properties == nil {
		keep(e.Event, "p", p.props)
	} else {
		m := jsonscan.MembersOf(p.properties)
		p.in.read(&m)
	}
	if t.Event != "engagement" {
		keep(e.Event, "sd", p.scroll)
		keep(e.Event, "e", p.engaged)
		t.Properties = p.properties
		return
	}
	from := beginObject(e.Event)
	if p.properties != nil {
		e.Scratch = append(append(e.Scratch, inside(p.properties)...), ',')
	}
	e.Scratch = appendMember(e.Scratch, "scroll_depth", p.scroll)
	e.Scratch = appendMember(e.Scratch, "engagement_ms", p.engaged)
	t.Properties = endObject(e.Event, from)
}

// fillRevenue reads the amount that an event is worth, and the order.
func (p *plausibleEvent) fillRevenue(e *reader) {
	if e.Touchpoint.Type != "track" {
		keep(e.Event, "$", p.revenue)
		return
	}
	if amount := objectOf(e, p.revenue); amount != nil {
		charged := pick(amount, "amount", "currency")
		p.in.revenue, p.in.currency = charged.name, charged.version
	}
	p.in.purchase(e)
	if t := e.Touchpoint; t.RevenueE4 == 0 || t.Currency == "" {
		keep(e.Event, "$", p.revenue)
	}
}
