package adapt

import (
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// touchline reads touchpoints as they are written for Touchline itself: members
// are called as the columns are, a context is read as Segment's is, and what a
// member at the top says counts for more than the same in the context.
//
// Columns that the service fills itself (ids of rows and persons, times of
// receipt, what enrichment finds out) are never read from an event; such members
// are kept like any other that is not known.
type touchline struct{}

// Adapt reads one touchpoint, or the parameters of a pixel.
func (touchline) Adapt(e *pipeline.Event) pipeline.Verdict {
	p := touchpoint{call: call{data: e.Raw.Event, endpoint: "track", snake: true}}
	if e.Raw.Endpoint == "pixel" {
		p.data = queryObject(e, p.data)
	}
	return p.adapt(e)
}

// touchpoint is a call and the members that stand at its top only here.
type touchpoint struct {
	call
	utm, groups, consent []byte
	top                  [tops][]byte
	network              string // the click id's name, where it is the member's
}

func (p *touchpoint) adapt(of *pipeline.Event) pipeline.Verdict {
	e, request, verdict := p.open(of)
	if verdict == nil {
		verdict = p.read(&e, request)
	}
	if verdict == nil {
		verdict = p.identify(&e)
	}
	if verdict == nil {
		verdict = p.required(&e)
	}
	if verdict != nil {
		return *verdict
	}
	p.overlay(&e)
	p.fill(&e)
	p.columns(&e)
	finishContext(of, p.own(&e), request)
	return pipeline.Verdict{}
}

// read notes the members; those without a field go to e.Extra, write keys nowhere.
func (p *touchpoint) read(e *reader, request []byte) *pipeline.Verdict {
	m := jsonscan.MembersOf(p.data)
	for m.Next() {
		if field := p.field(m.Name()); field != nil {
			*field = m.Value()
		} else if name := m.Name(); string(name) != "write_key" && string(name) != "writeKey" {
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(p.data, err)
	}
	if verdict := p.objects(); verdict != nil {
		return verdict
	}
	p.about.readAll(request)
	p.about.readAll(p.context)
	if p.properties != nil {
		inner := jsonscan.MembersOf(p.properties)
		p.in.read(&inner)
	}
	if jsonscan.KindOf(p.utm) == jsonscan.Object {
		p.campaign(e, jsonscan.MembersOf(p.utm))
	} else {
		keep(e.Event, "utm", p.utm)
	}
	return nil
}

// field returns where the member of that name is noted, nil when it is not known.
func (p *touchpoint) field(name []byte) *[]byte {
	switch string(name) {
	case "type":
		return &p.kind
	case "event":
		return &p.event
	case "name":
		return &p.name
	case "channel":
		return &p.channel
	case "anonymous_id":
		return &p.anonymousID
	case "user_id":
		return &p.userID
	case "previous_id":
		return &p.previousID
	case "group_id":
		return &p.groupID
	case "groups":
		return &p.groups
	case "message_id":
		return &p.messageID
	case "timestamp":
		return &p.timestamp
	case "sent_at":
		return &p.sentAt
	case "properties":
		return &p.properties
	case "traits":
		return &p.traits
	case "context":
		return &p.context
	case "consent":
		return &p.consent
	case "utm":
		return &p.utm
	}
	if i := topOf(name); i < tops {
		return &p.top[i]
	}
	return nil
}

// campaign reads the members of utm, which may have the names of the columns, and
// one that is called as a click id is in a URL.
func (p *touchpoint) campaign(e *reader, m jsonscan.Members) {
	best := noClickID
	for m.Next() {
		switch name := m.Name(); string(name) {
		case "source", "utm_source":
			p.top[topSource] = m.Value()
		case "medium", "utm_medium":
			p.top[topMedium] = m.Value()
		case "campaign", "name", "utm_campaign":
			p.top[topCampaign] = m.Value()
		case "content", "utm_content":
			p.top[topContent] = m.Value()
		case "term", "utm_term":
			p.top[topTerm] = m.Value()
		default:
			rank := clickIDRank(string(name))
			if rank >= best || best == noClickID && p.top[topClickID] != nil {
				keep(e.Event, alias(m.RawName()), m.Value())
				continue
			}
			if best != noClickID { // a network of a higher rank was taken before
				keep(e.Event, p.network, p.top[topClickID])
			}
			best = rank
			from := len(e.Scratch)
			e.Scratch = append(e.Scratch, name...)
			p.top[topClickID], p.network = m.Value(), alias(e.Scratch[from:])
		}
	}
}

// columns sets the fields that only this protocol has a member for.
func (p *touchpoint) columns(e *reader) {
	t := e.Touchpoint
	if v := p.top[topGroupType]; v != nil {
		t.GroupType = text(e, v, maxWord)
	}
	if v := p.top[topDevice]; v != nil {
		t.DeviceType = deviceType(text(e, v, maxWord), "")
	}
	p.unread(e, topDevice, "device_type", t.DeviceType == "")
	p.unread(e, topIP, "ip", t.IP == "")
	p.unread(e, topSession, "session_id", e.Session == "")
	if t.Type == "track" {
		p.unread(e, topValue, "value", t.RevenueE4 == 0)
		p.unread(e, topCurrency, "currency", t.Currency == "")
	}
	if v := p.top[topClickID]; v != nil {
		t.ClickID, t.ClickIDName = text(e, v, maxTag), p.network
		if p.network == "" {
			t.ClickIDName = text(e, p.top[topClickIDName], maxWord)
		}
	}
	if says(p.consent) {
		if t.Consent = consentOf(e, p.consent); t.Consent == "" {
			keep(e.Event, "consent", p.consent)
		}
	}
}

// unread keeps a member at the top that was not understood.
func (p *touchpoint) unread(e *reader, i int, name string, lost bool) {
	if lost {
		keep(e.Event, name, p.top[i])
	}
}

// own returns the context of the touchpoint with what has no column of its own.
func (p *touchpoint) own(e *reader) []byte {
	if !says(p.groups) {
		return p.context
	}
	from := beginObject(e.Event)
	if says(p.context) {
		e.Scratch = append(append(e.Scratch, inside(p.context)...), ',')
	}
	e.Scratch = appendMember(e.Scratch, "groups", p.groups)
	return endObject(e.Event, from)
}
