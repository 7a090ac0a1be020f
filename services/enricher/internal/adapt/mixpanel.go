package adapt

import (
	"bytes"
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// mixpanel reads the events of Mixpanel's /track and /import, which keep
// everything in their properties, and the changes of persons and groups that
// /engage and /groups take, which are in the file beside this one.
type mixpanel struct{}

// devicePrefix begins a distinct_id that stands for a device.
const devicePrefix = "$device:"

// mixpanelEvent is the members that have fields, as they were written.
type mixpanelEvent struct {
	event                                              []byte
	distinctID, userID, deviceID, anonID, alias, merge []byte
	insertID, time, ip                                 []byte
	url, referrer, title                               []byte
	library, libraryVersion, appVersion                []byte
	os, osVersion, browser, browserVersion             []byte
	model, device, timezone                            []byte
	revenue, currency, orderID, orderID2               []byte
	campaign                                           campaignMembers
	own                                                []byte // the event's own properties
}

// Adapt reads one event or one change.
func (mixpanel) Adapt(of *pipeline.Event) pipeline.Verdict {
	e := &reader{of, bytes.IndexByte(of.Raw.Event, '\\') < 0}
	of.Touchpoint.SentAt, of.Touchpoint.HasSentAt = eventtime.Parse(bytesOf(of.Raw.SentAt))
	var verdict *pipeline.Verdict
	if kind := of.Raw.Endpoint; kind == "engage" || kind == "groups" {
		var c mixpanelChange
		verdict = c.adapt(e, kind)
	} else {
		x := mixpanelEvent{campaign: campaignMembers{spare: of}}
		verdict = x.adapt(e)
	}
	if verdict != nil {
		return *verdict
	}
	return pipeline.Verdict{}
}

func (x *mixpanelEvent) adapt(e *reader) *pipeline.Verdict {
	verdict := x.read(e)
	if verdict == nil {
		verdict = x.kind(e)
	}
	if verdict == nil {
		verdict = x.identify(e)
	}
	if verdict != nil {
		return verdict
	}
	t := e.Touchpoint
	t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "time", x.time)
	x.about(e)
	x.money(e)
	t.Properties = x.own
	finishContext(e.Event, nil, nil)
	return nil
}

// read notes the members; those without a field go to e.Extra, the token
// nowhere.
func (x *mixpanelEvent) read(e *reader) *pipeline.Verdict {
	given := jsonscan.Absent
	m := jsonscan.MembersOf(e.Raw.Event)
	for m.Next() {
		switch string(m.Name()) {
		case "event":
			x.event = m.Value()
		case "properties":
			name := x.event
			*x = mixpanelEvent{event: name, campaign: campaignMembers{spare: e.Event}}
			inner := m.Enter()
			x.properties(e, &m)
			m.Leave(inner)
			given = m.Kind()
		case "token":
		default:
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(e.Raw.Event, err)
	}
	if given != jsonscan.Absent && given != jsonscan.Null && given != jsonscan.Object {
		return refuse(event.WrongType, "properties", "properties must be an object")
	}
	return nil
}

// properties notes the members and builds the object of those that are the
// event's own: without the ones that the SDK adds, which begin with $ or mp_ or
// have a meaning of their own.
func (x *mixpanelEvent) properties(e *reader, m *jsonscan.Members) {
	from := beginObject(e.Event)
	for m.Next() {
		name := m.Name()
		if len(name) > 0 && name[0] == '$' {
			x.reserved(e, m)
			continue
		}
		switch string(name) {
		case "distinct_id":
			x.distinctID = m.Value()
		case "time":
			x.time = m.Value()
		case "ip":
			x.ip = m.Value()
		case "token":
		case "alias":
			x.alias = m.Value()
			addMember(e.Event, m.RawName(), m.Value())
		case "mp_lib":
			x.library = m.Value()
		case "current_page_title":
			x.title = m.Value()
		case "revenue":
			x.revenue = m.Value()
			addMember(e.Event, m.RawName(), m.Value())
		case "currency":
			x.currency = m.Value()
			addMember(e.Event, m.RawName(), m.Value())
		case "order_id":
			x.orderID = m.Value()
			addMember(e.Event, m.RawName(), m.Value())
		case "orderId":
			x.orderID2 = m.Value()
			addMember(e.Event, m.RawName(), m.Value())
		default:
			switch {
			case bytes.HasPrefix(name, []byte("mp_")):
				keep(e.Event, alias(m.RawName()), m.Value())
			case !x.campaign.note(m):
				addMember(e.Event, m.RawName(), m.Value())
			}
		}
	}
	x.own = endObject(e.Event, from)
}

// reserved notes a member whose name begins with $.
func (x *mixpanelEvent) reserved(e *reader, m *jsonscan.Members) {
	switch string(m.Name()) {
	case "$user_id":
		x.userID = m.Value()
	case "$device_id":
		x.deviceID = m.Value()
	case "$anon_distinct_id":
		x.anonID = m.Value()
	case "$distinct_ids":
		x.merge = m.Value()
	case "$insert_id":
		x.insertID = m.Value()
	case "$current_url":
		x.url = m.Value()
	case "$referrer":
		x.referrer = m.Value()
	case "$lib_version":
		x.libraryVersion = m.Value()
	case "$app_version_string":
		x.appVersion = m.Value()
	case "$os":
		x.os = m.Value()
	case "$os_version":
		x.osVersion = m.Value()
	case "$browser":
		x.browser = m.Value()
	case "$browser_version":
		x.browserVersion = m.Value()
	case "$model":
		x.model = m.Value()
	case "$device":
		x.device = m.Value()
	case "$timezone":
		x.timezone = m.Value()
	case "$token":
	default:
		keep(e.Event, alias(m.RawName()), m.Value())
	}
}

// kind reads the event's name.
func (x *mixpanelEvent) kind(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	name, verdict := eventName(e, "event", x.event)
	if verdict != nil {
		return verdict
	}
	switch name {
	case "$mp_web_page_view":
		setCall(t, "page")
	case "$identify":
		setCall(t, "identify")
	case "$create_alias", "$merge":
		setCall(t, "alias")
	default:
		t.Type, t.Event = "track", name
	}
	return nil
}

// identify reads the ids. distinct_id is the user's or, with a prefix or in old
// SDKs without, that of the device; $device_id and $user_id tell them apart.
func (x *mixpanelEvent) identify(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	distinct, verdict := identifier(e, "distinct_id", x.distinctID)
	if verdict != nil {
		return verdict
	}
	if t.AnonymousID, verdict = identifier(e, "$device_id", x.deviceID); verdict != nil {
		return verdict
	}
	if t.UserID, verdict = identifier(e, "$user_id", x.userID); verdict != nil {
		return verdict
	}
	if t.MessageID, verdict = token(e, "$insert_id", x.insertID); verdict != nil {
		return verdict
	}
	id, isDevice := strings.CutPrefix(distinct, devicePrefix)
	switch {
	case isDevice && t.AnonymousID == "":
		t.AnonymousID = id
	case !isDevice && t.UserID == "":
		t.UserID = id
	case t.Type != "alias" && id != t.UserID && id != t.AnonymousID:
		keep(e.Event, "distinct_id", x.distinctID)
	}
	switch t.Type {
	case "identify":
		verdict = x.anonymous(e)
	case "alias":
		verdict = x.link(e, id)
	}
	if verdict != nil {
		return verdict
	}
	if t.AnonymousID == "" && t.UserID == "" {
		return refuse(event.MissingIdentity, "", "neither distinct_id nor $device_id nor $user_id names anybody")
	}
	return nil
}

// anonymous reads whom an $identify makes known: it is not the device where the
// user had another name before.
func (x *mixpanelEvent) anonymous(e *reader) *pipeline.Verdict {
	id, verdict := identifier(e, "$anon_distinct_id", x.anonID)
	if verdict != nil || id == "" {
		return verdict
	}
	id = strings.TrimPrefix(id, devicePrefix)
	if t := e.Touchpoint; t.AnonymousID != id {
		keep(e.Event, "$device_id", x.deviceID)
		t.AnonymousID = id
	}
	return nil
}

// link reads a $create_alias, which gives the person distinct another name, or a
// $merge of two.
func (x *mixpanelEvent) link(e *reader, distinct string) *pipeline.Verdict {
	t := e.Touchpoint
	field, name := "alias", x.alias
	if jsonscan.KindOf(x.merge) == jsonscan.Array {
		two := jsonscan.ElementsOf(x.merge)
		two.Next()
		first, verdict := identifier(e, "$distinct_ids", two.Value())
		if verdict != nil {
			return verdict
		}
		distinct = strings.TrimPrefix(first, devicePrefix)
		two.Next()
		field, name = "$distinct_ids", two.Value()
		keep(e.Event, field, x.merge)
	}
	user, verdict := identifier(e, field, name)
	if verdict != nil {
		return verdict
	}
	if t.PreviousID = distinct; user == "" || distinct == "" {
		return refuse(event.MissingField, field, "an alias needs two ids")
	}
	if t.UserID != distinct {
		keep(e.Event, "$user_id", x.userID)
	}
	t.UserID = user
	return nil
}

// about sets what the event says about page, device and software.
func (x *mixpanelEvent) about(e *reader) {
	t := e.Touchpoint
	t.URL, t.Referrer = columnOf(e, "$current_url", x.url, maxURL), columnOf(e, "$referrer", x.referrer, maxURL)
	t.PageTitle = columnOf(e, "current_page_title", x.title, maxTitle)
	if t.Type == "page" {
		t.Name = cut(t.PageTitle, maxName)
	}
	x.campaign.fill(e)
	if t.IP = address(e.Event, text(e, x.ip, maxWord)); t.IP == "" {
		keep(e.Event, "ip", x.ip)
	}
	t.Timezone = columnOf(e, "$timezone", x.timezone, maxWord)
	t.Library, t.LibraryVersion = columnOf(e, "mp_lib", x.library, maxWord), columnOf(e, "$lib_version", x.libraryVersion, maxWord)
	t.AppVersion = columnOf(e, "$app_version_string", x.appVersion, maxWord)
	t.OS, t.OSVersion = columnOf(e, "$os", x.os, maxWord), columnOf(e, "$os_version", x.osVersion, maxWord)
	t.Browser, t.BrowserVersion = columnOf(e, "$browser", x.browser, maxWord), columnOf(e, "$browser_version", x.browserVersion, maxWord)
	keep(e.Event, "$model", x.model)
	keep(e.Event, "$device", x.device)
	switch t.Library {
	case "web":
		t.Channel = "web"
	case "iphone", "swift", "android", "react-native", "flutter", "unity":
		t.Channel = "app"
		t.DeviceType = deviceType(t.OS, text(e, x.model, maxWord))
	default:
		if t.Type == "page" {
			t.Channel = "web"
		}
	}
}

// money reads the revenue of a track event.
func (x *mixpanelEvent) money(e *reader) {
	if e.Touchpoint.Type != "track" {
		return
	}
	paid := details{revenue: x.revenue, currency: x.currency, orderID: x.orderID, orderID2: x.orderID2}
	paid.purchase(e)
}
