package adapt

import (
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// campaignMembers is the members called utm_* and the click ids, of an SDK that
// reads them off the page's URL itself.
type campaignMembers struct {
	source, medium, name, content, term []byte
	clickName, click                    []byte
	// spare is set where the members are stored nowhere else: what has no room in
	// its column is kept in its Extra then.
	spare *pipeline.Event
}

// note takes the member if it is one of them and reports whether it is. Of click
// ids the one with the lowest rank counts.
func (c *campaignMembers) note(m *jsonscan.Members) bool {
	switch name := m.Name(); string(name) {
	case "utm_source":
		c.source = m.Value()
	case "utm_medium":
		c.medium = m.Value()
	case "utm_campaign":
		c.name = m.Value()
	case "utm_content":
		c.content = m.Value()
	case "utm_term":
		c.term = m.Value()
	default:
		rank := clickIDRank(alias(name))
		if rank == noClickID {
			return false
		}
		if !says(m.Value()) {
			return true
		}
		if c.click == nil || rank < clickIDRank(alias(c.clickName)) {
			c.keep(alias(c.clickName), c.click)
			c.clickName, c.click = m.RawName(), m.Value()
		} else {
			c.keep(alias(m.RawName()), m.Value())
		}
	}
	return true
}

func (c *campaignMembers) keep(rawName string, value []byte) {
	if c.spare != nil {
		keep(c.spare, rawName, value)
	}
}

// fill sets the campaign's fields, from the page's URL where no member says them.
// The URL's click id counts for more: it is not from an earlier visit.
func (c *campaignMembers) fill(e *reader) {
	t := e.Touchpoint
	t.UTMSource, t.UTMMedium = c.column(e, "utm_source", c.source), c.column(e, "utm_medium", c.medium)
	t.UTMCampaign = c.column(e, "utm_campaign", c.name)
	t.UTMContent, t.UTMTerm = c.column(e, "utm_content", c.content), c.column(e, "utm_term", c.term)
	readQuery(e.Event, t.URL)
	if c.click == nil {
		return
	}
	name, id := alias(c.clickName), whole(e, c.click)
	if t.ClickID == "" {
		t.ClickIDName, t.ClickID = name, cut(id, maxTag)
	}
	if t.ClickIDName != name || t.ClickID != id {
		c.keep(name, c.click)
	}
}

func (c *campaignMembers) column(e *reader, rawName string, value []byte) string {
	if c.spare != nil {
		return columnOf(e, rawName, value, maxTag)
	}
	return text(e, value, maxTag)
}
