package adapt

import (
	"bytes"
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
			field, kept := c.p.field(name)
			if field != nil {
				*field = m.Value()
			} else {
				kept = !c.in.note(m)
			}
			if kept {
				keep(e.Event, alias(m.RawName()), m.Value())
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

// field returns where a property of the SDK is noted, nil for none, and whether it
// is kept all the same: the others are only if their fields cannot take them.
func (p *captured) field(name []byte) (place *[]byte, kept bool) {
	switch string(name) {
	case "$current_url":
		return &p.url, false
	case "$referrer":
		return &p.referrer, false
	case "$screen_name":
		return &p.screen, false
	case "$device_id":
		return &p.deviceID, false
	case "$user_id":
		return &p.userID, false
	case "$anon_distinct_id":
		return &p.anonymousID, false
	case "$insert_id":
		return &p.insertID, false
	case "$session_id":
		return &p.session, false
	case "$time":
		return &p.time, false
	case "$groups":
		return &p.groups, false
	case "$group_type":
		return &p.groupType, false
	case "$group_key":
		return &p.groupKey, false
	case "$group_set":
		return &p.groupSet, false
	case "$lib":
		return &p.library, false
	case "$lib_version":
		return &p.libraryVersion, false
	case "$raw_user_agent":
		return &p.userAgent, false
	case "$user_agent":
		return &p.agent, false
	case "$ip":
		return &p.ip, false
	case "$browser_language":
		return &p.language, false
	case "$locale":
		return &p.locale, false
	case "$timezone":
		return &p.timezone, false
	case "$os":
		return &p.os, false
	case "$os_version":
		return &p.osVersion, false
	case "$device_type":
		return &p.deviceType, false
	case "$app_version":
		return &p.appVersion, false
	case "$browser":
		return &p.browser, false
	case "$browser_version":
		return &p.browserVersion, false
	case "$is_identified":
		return &p.identified, true
	case "$process_person_profile":
		return &p.profile, true
	case "$is_server":
		return &p.server, true
	case "$host":
		return &p.host, true
	case "$device_model":
		return &p.model, true
	case "$session_entry_utm_source":
		return &p.entry.source, true
	case "$session_entry_utm_medium":
		return &p.entry.medium, true
	case "$session_entry_utm_campaign":
		return &p.entry.name, true
	case "$session_entry_utm_content":
		return &p.entry.content, true
	case "$session_entry_utm_term":
		return &p.entry.term, true
	}
	return nil, false
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
	if says(session) {
		keep(e.Event, "$session_id", p.session)
	} else {
		session, name = p.session, "$session_id"
	}
	if e.Session = columnOf(e, name, session, maxID); e.Session != "" && nobody(e.Session) {
		e.Session = ""
		keep(e.Event, name, session)
	}
}

// origin reads the campaign: what the event says, else the address of the page,
// else what the session began with.
func (c *capture) origin(e *reader) {
	t, p := e.Touchpoint, &c.p
	p.utm.fill(e)
	if t.UTMSource == "" && t.UTMMedium == "" && t.UTMCampaign == "" && t.UTMContent == "" && t.UTMTerm == "" && t.ClickID == "" {
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
	} else if !bytes.Equal(c.library, p.library) { // of posthog-go, which says both
		keep(e.Event, "library", c.library)
		keep(e.Event, "library_version", c.libraryVersion)
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
