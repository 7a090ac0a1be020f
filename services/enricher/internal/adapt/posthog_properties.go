package adapt

import (
	"strings"

	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// captured is the members of properties that have fields.
type captured struct {
	distinctID, deviceID, userID, anonymousID, insertID []byte
	identified, profile, server, host, session, time    []byte
	groups, groupType, groupKey, groupSet, alias        []byte
	url, title, referrer, screen                        []byte
	library, libraryVersion, userAgent, agent, ip       []byte
	language, locale, timezone                          []byte
	os, osVersion, deviceType, model, appVersion        []byte
	browser, browserVersion                             []byte
	utm                                                 campaignMembers
	entry                                               campaign // of the session
	money                                               details
}

// readProperties reads the value that the walk is at. What the customer put there
// is copied to c.own, what the SDK did is read or kept.
func (c *capture) readProperties(e *reader, m *jsonscan.Members) {
	profile := c.p.profile // may stand in the options
	c.p, c.in = captured{profile: profile}, changes{}
	c.p.utm.spare = e.Event
	inner := m.Enter()
	from := beginObject(e.Event)
	for m.Next() {
		name := m.Name()
		if len(name) > 0 && name[0] == '$' {
			if field := c.p.field(name); field != nil {
				*field = m.Value()
			} else if !c.in.note(m) {
				keep(e.Event, alias(m.RawName()), m.Value())
				c.p.flag(name, m)
			}
			continue
		}
		switch string(name) {
		case "distinct_id":
			c.p.distinctID = m.Value()
		case "token", "api_key":
		default:
			if c.p.utm.note(m) {
				continue
			}
			if isAttribution(name) {
				keep(e.Event, alias(m.RawName()), m.Value())
				continue
			}
			if field := c.p.detail(name); field != nil {
				*field = m.Value()
			}
			addMember(e.Event, m.RawName(), m.Value())
		}
	}
	c.own = endObject(e.Event, from)
	m.Leave(inner)
	c.given = m.Value()
}

// field returns where a property of the SDK is noted that is kept only if its
// field cannot take it; nil for all others.
func (p *captured) field(name []byte) *[]byte {
	switch string(name) {
	case "$current_url":
		return &p.url
	case "$referrer":
		return &p.referrer
	case "$screen_name":
		return &p.screen
	case "$device_id":
		return &p.deviceID
	case "$user_id":
		return &p.userID
	case "$anon_distinct_id":
		return &p.anonymousID
	case "$insert_id":
		return &p.insertID
	case "$session_id":
		return &p.session
	case "$time":
		return &p.time
	case "$groups":
		return &p.groups
	case "$group_type":
		return &p.groupType
	case "$group_key":
		return &p.groupKey
	case "$group_set":
		return &p.groupSet
	case "$lib":
		return &p.library
	case "$lib_version":
		return &p.libraryVersion
	case "$raw_user_agent":
		return &p.userAgent
	case "$user_agent":
		return &p.agent
	case "$ip":
		return &p.ip
	case "$browser_language":
		return &p.language
	case "$locale":
		return &p.locale
	case "$timezone":
		return &p.timezone
	case "$os":
		return &p.os
	case "$os_version":
		return &p.osVersion
	case "$device_type":
		return &p.deviceType
	case "$app_version":
		return &p.appVersion
	case "$browser":
		return &p.browser
	case "$browser_version":
		return &p.browserVersion
	}
	return nil
}

// flag notes what else of the SDK's properties is asked for. They are kept all
// the same.
func (p *captured) flag(name []byte, m *jsonscan.Members) {
	switch string(name) {
	case "$is_identified":
		p.identified = m.Value()
	case "$process_person_profile":
		p.profile = m.Value()
	case "$is_server":
		p.server = m.Value()
	case "$host":
		p.host = m.Value()
	case "$device_model":
		p.model = m.Value()
	case "$session_entry_utm_source":
		p.entry.source = m.Value()
	case "$session_entry_utm_medium":
		p.entry.medium = m.Value()
	case "$session_entry_utm_campaign":
		p.entry.name = m.Value()
	case "$session_entry_utm_content":
		p.entry.content = m.Value()
	case "$session_entry_utm_term":
		p.entry.term = m.Value()
	}
}

// isAttribution reports whether the SDK takes a property from the address of the
// page that has no field here.
func isAttribution(name []byte) bool {
	switch string(name) {
	case "gad_source", "mc_cid", "gclsrc", "igshid", "rdt_cid", "epik", "qclid", "sccid", "oppref", "bfcid", "irclid", "_kx":
		return true
	}
	return false
}

// detail returns where one of the customer's properties that has a field is noted.
func (p *captured) detail(name []byte) *[]byte {
	switch string(name) {
	case "title":
		return &p.title
	case "alias":
		return &p.alias
	case "revenue":
		return &p.money.revenue
	case "total":
		return &p.money.total
	case "value":
		return &p.money.value
	case "currency":
		return &p.money.currency
	case "order_id":
		return &p.money.orderID
	case "orderId":
		return &p.money.orderID2
	}
	return nil
}

// withoutMember returns an object without the members of that name, nil when
// there are no others.
func withoutMember(e *pipeline.Event, object []byte, name string) []byte {
	if object == nil {
		return nil
	}
	from := beginObject(e)
	for m := jsonscan.MembersOf(object); m.Next(); {
		if string(m.Name()) != name {
			addMember(e, m.RawName(), m.Value())
		}
	}
	return endObject(e, from)
}

// page reads where it happened.
func (c *capture) page(e *reader) {
	t, p := e.Touchpoint, &c.p
	t.URL = columnOf(e, "$current_url", p.url, maxURL)
	if t.Referrer = columnOf(e, "$referrer", p.referrer, maxURL); t.Referrer == "$direct" { // there is none
		t.Referrer = ""
		keep(e.Event, "$referrer", p.referrer)
	}
	switch t.Type {
	case "page":
		t.PageTitle = text(e, p.title, maxTitle)
		t.Name = cut(t.PageTitle, maxName)
		keep(e.Event, "$screen_name", p.screen)
	case "screen":
		t.Name = columnOf(e, "$screen_name", p.screen, maxName)
	default:
		keep(e.Event, "$screen_name", p.screen)
	}
	session, name := c.session, "session_id"
	if !says(session) {
		session, name = p.session, "$session_id"
	}
	if e.Session = columnOf(e, name, session, maxID); nobody(e.Session) {
		e.Session = ""
	}
}

// origin reads the campaign: what the event says, else the address of the page,
// else what the session began with.
func (c *capture) origin(e *reader) {
	t, p := e.Touchpoint, &c.p
	p.utm.fill(e)
	if t.UTMSource == "" && t.UTMMedium == "" && t.UTMCampaign == "" && t.ClickID == "" {
		entry := &p.entry
		t.UTMSource, t.UTMMedium = text(e, entry.source, maxTag), text(e, entry.medium, maxTag)
		t.UTMCampaign, t.UTMContent, t.UTMTerm = text(e, entry.name, maxTag), text(e, entry.content, maxTag), text(e, entry.term, maxTag)
	}
}

// software reads what the person used, and the channel.
func (c *capture) software(e *reader) {
	t, p := e.Touchpoint, &c.p
	t.Library, t.LibraryVersion = columnOf(e, "$lib", p.library, maxWord), columnOf(e, "$lib_version", p.libraryVersion, maxWord)
	if t.Library == "" {
		t.Library, t.LibraryVersion = columnOf(e, "library", c.library, maxWord), columnOf(e, "library_version", c.libraryVersion, maxWord)
	}
	if t.Library == "" {
		t.Library, t.LibraryVersion = text(e, c.requestLibrary, maxWord), text(e, c.requestLibraryVersion, maxWord)
	}
	t.Locale, t.Timezone = columnOf(e, "$browser_language", p.language, maxWord), columnOf(e, "$timezone", p.timezone, maxWord)
	if t.Locale == "" {
		t.Locale = columnOf(e, "$locale", p.locale, maxWord)
	} else {
		keep(e.Event, "$locale", p.locale)
	}
	if t.UserAgent = columnOf(e, "$raw_user_agent", p.userAgent, maxUserAgent); t.UserAgent == "" {
		t.UserAgent = columnOf(e, "$user_agent", p.agent, maxUserAgent)
	} else {
		keep(e.Event, "$user_agent", p.agent)
	}
	if t.IP = address(e.Event, text(e, p.ip, maxWord)); t.IP == "" {
		keep(e.Event, "$ip", p.ip)
	}
	t.AppVersion = columnOf(e, "$app_version", p.appVersion, maxWord)
	if t.DeviceType = deviceType(text(e, p.deviceType, maxWord), text(e, p.model, maxWord)); t.DeviceType == "" {
		keep(e.Event, "$device_type", p.deviceType)
	}
	// The names of browsers are not those of the user agent's rules, which knows
	// as much.
	keep(e.Event, "$browser", p.browser)
	keep(e.Event, "$browser_version", p.browserVersion)
	c.place(e)
}

// place reads the operating system, which is that of the person only where no
// server speaks for them, and where it happened.
func (c *capture) place(e *reader) {
	t, p := e.Touchpoint, &c.p
	client := isClientLibrary(t.Library)
	if string(p.server) == "true" || !client && strings.HasPrefix(t.Library, "posthog-") {
		keep(e.Event, "$os", p.os)
		keep(e.Event, "$os_version", p.osVersion)
	} else {
		t.OS, t.OSVersion = columnOf(e, "$os", p.os, maxWord), columnOf(e, "$os_version", p.osVersion, maxWord)
		if t.OS == "Mac OS X" {
			t.OS = "macOS"
		}
	}
	switch {
	case t.Type == "screen", client && t.Library != "web" && t.Library != "js":
		t.Channel = "app"
	case client, t.Type == "page":
		t.Channel = "web"
	}
}
