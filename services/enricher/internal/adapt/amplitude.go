package adapt

import (
	"bytes"
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/eventtime"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// amplitude reads the events of Amplitude's HTTP API, of version 2 and of the
// form that amplitude-js posts (endpoint "v1"), which differ in the names of a few
// members. The properties are in the file beside this one.
type amplitude struct{}

// amplitudeEvent is the members that have fields, as they were written.
type amplitudeEvent struct {
	kind, userID, deviceID, session, insertID, uuid []byte
	time, timestamp                                 []byte
	language, ip, userAgent, library                []byte
	platform, osName, osVersion, deviceModel        []byte
	appVersion, versionName                         []byte
	groups, userProperties, groupProperties         []byte
	charge                                          charge

	in amplitudeProperties
}

// Adapt reads one event.
func (amplitude) Adapt(of *pipeline.Event) pipeline.Verdict {
	var x amplitudeEvent
	e := &reader{of, bytes.IndexByte(of.Raw.Event, '\\') < 0}
	verdict := x.read(e)
	if verdict == nil {
		verdict = x.identify(e)
	}
	if verdict != nil {
		return *verdict
	}
	x.times(e)
	x.about(e)
	x.in.fill(e)
	own := x.traits(e)
	x.money(e)
	finishContext(of, own, nil)
	return pipeline.Verdict{}
}

// read notes the members; those without a field go to e.Extra, the API key
// nowhere.
func (x *amplitudeEvent) read(e *reader) *pipeline.Verdict {
	m := jsonscan.MembersOf(e.Raw.Event)
	for m.Next() {
		switch string(m.Name()) {
		case "event_type":
			x.kind = m.Value()
		case "user_id":
			x.userID = m.Value()
		case "device_id":
			x.deviceID = m.Value()
		case "session_id":
			x.session = m.Value()
		case "insert_id":
			x.insertID = m.Value()
		case "uuid":
			x.uuid = m.Value()
		case "time":
			x.time = m.Value()
		case "timestamp":
			x.timestamp = m.Value()
		case "language":
			x.language = m.Value()
		case "ip":
			x.ip = m.Value()
		case "user_agent":
			x.userAgent = m.Value()
		case "library":
			x.library = m.Value()
		case "platform":
			x.platform = m.Value()
		case "os_name":
			x.osName = m.Value()
		case "os_version":
			x.osVersion = m.Value()
		case "device_model":
			x.deviceModel = m.Value()
		case "app_version":
			x.appVersion = m.Value()
		case "version_name":
			x.versionName = m.Value()
		case "groups":
			x.groups = m.Value()
		case "user_properties":
			x.userProperties = m.Value()
		case "group_properties":
			x.groupProperties = m.Value()
		case "revenue":
			x.charge.revenue = m.Value()
		case "price":
			x.charge.price = m.Value()
		case "quantity":
			x.charge.quantity = m.Value()
		case "currency":
			x.charge.currency = m.Value()
		case "event_properties":
			x.in = amplitudeProperties{}
			inner := m.Enter()
			x.in.read(e, &m)
			m.Leave(inner)
			if m.Kind() != jsonscan.Object {
				keep(e.Event, "event_properties", m.Value())
			}
		case "api_key":
		default:
			keep(e.Event, alias(m.RawName()), m.Value())
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(e.Raw.Event, err)
	}
	return nil
}

// identify reads the kind of event and the ids.
func (x *amplitudeEvent) identify(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	name, verdict := eventName(e, "event_type", x.kind)
	if verdict != nil {
		return verdict
	}
	switch name {
	case "$identify":
		setCall(t, "identify")
	case "$groupidentify":
		setCall(t, "group")
	case "[Amplitude] Page Viewed":
		setCall(t, "page")
	case "[Amplitude] Screen Viewed":
		setCall(t, "screen")
	default:
		t.Type, t.Event = "track", name
	}
	if t.AnonymousID, verdict = identifier(e, "device_id", x.deviceID); verdict != nil {
		return verdict
	}
	if t.UserID, verdict = identifier(e, "user_id", x.userID); verdict != nil {
		return verdict
	}
	if t.AnonymousID == "" && t.UserID == "" {
		return refuse(event.MissingIdentity, "", "neither device_id nor user_id names anybody")
	}
	if t.MessageID, verdict = token(e, "insert_id", x.insertID); verdict != nil {
		return verdict
	}
	if t.MessageID != "" {
		keep(e.Event, "uuid", x.uuid)
	} else if t.MessageID, verdict = token(e, "uuid", x.uuid); verdict != nil {
		return verdict
	}
	x.group(e)
	if t.Type == "group" && t.GroupID == "" {
		return refuse(event.MissingField, "groups", "a group's properties need a group")
	}
	return nil
}

// group takes the first group; all of them are in the context.
func (x *amplitudeEvent) group(e *reader) {
	t := e.Touchpoint
	if jsonscan.KindOf(x.groups) != jsonscan.Object {
		keep(e.Event, "groups", x.groups)
		x.groups = nil
		return
	}
	m := jsonscan.MembersOf(x.groups)
	if !m.Next() {
		x.groups = nil
		return
	}
	id := m.Value()
	if m.Kind() == jsonscan.Array {
		several := jsonscan.ElementsOf(id)
		several.Next()
		id = several.Value()
	}
	if t.GroupID = text(e, id, maxID); nobody(t.GroupID) {
		t.GroupID = ""
		return
	}
	from := len(e.Scratch)
	e.Scratch = append(e.Scratch, m.Name()...)
	t.GroupType = cut(alias(e.Scratch[from:]), maxWord)
}

func (x *amplitudeEvent) times(e *reader) {
	t := e.Touchpoint
	if t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "time", x.time); !t.HasOriginalTimestamp {
		t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "timestamp", x.timestamp)
	} else {
		keep(e.Event, "timestamp", x.timestamp)
	}
	t.SentAt, t.HasSentAt = eventtime.Parse(bytesOf(e.Raw.SentAt))
	if e.Session = text(e, x.session, maxID); nobody(e.Session) { // -1: outside of any session
		e.Session = ""
	}
}

// about sets what the event says about page, device and software.
func (x *amplitudeEvent) about(e *reader) {
	t := e.Touchpoint
	t.Locale = columnOf(e, "language", x.language, maxWord)
	t.UserAgent = columnOf(e, "user_agent", x.userAgent, maxUserAgent)
	if string(x.ip) != `"$remote"` { // that of the socket
		if t.IP = address(e.Event, text(e, x.ip, maxWord)); t.IP == "" {
			keep(e.Event, "ip", x.ip)
		}
	}
	x.software(e)
	keep(e.Event, "platform", x.platform)
	platform := text(e, x.platform, maxWord)
	switch {
	case strings.EqualFold(platform, "web"), t.Type == "page":
		t.Channel = "web"
	case strings.EqualFold(platform, "ios"), strings.EqualFold(platform, "android"), t.Type == "screen":
		t.Channel = "app"
	}
	keep(e.Event, "device_model", x.deviceModel)
	if t.Channel != "web" {
		t.DeviceType = deviceType(platform, text(e, x.deviceModel, maxWord))
	}
	// A browser's os_name is the name of the browser: the user agent says more.
	if e.Raw.Endpoint == "v1" || t.Channel == "web" && t.UserAgent != "" {
		keep(e.Event, "os_name", x.osName)
		keep(e.Event, "os_version", x.osVersion)
	} else {
		t.OS, t.OSVersion = columnOf(e, "os_name", x.osName, maxWord), columnOf(e, "os_version", x.osVersion, maxWord)
	}
}

// software reads the versions of app and SDK. The SDK is one text,
// "amplitude-ts/2.44.0", or in version 1 an object.
func (x *amplitudeEvent) software(e *reader) {
	t := e.Touchpoint
	if t.AppVersion = columnOf(e, "app_version", x.appVersion, maxWord); t.AppVersion == "" {
		t.AppVersion = columnOf(e, "version_name", x.versionName, maxWord)
	} else {
		keep(e.Event, "version_name", x.versionName)
	}
	if jsonscan.KindOf(x.library) == jsonscan.Object {
		m := jsonscan.MembersOf(x.library)
		for m.Next() {
			switch string(m.Name()) {
			case "name":
				t.Library = text(e, m.Value(), maxWord)
			case "version":
				t.LibraryVersion = text(e, m.Value(), maxWord)
			}
		}
		return
	}
	t.Library = columnOf(e, "library", x.library, maxWord)
	if i := strings.LastIndexByte(t.Library, '/'); i > 0 && i+1 < len(t.Library) && t.Library[i+1]-'0' <= 9 {
		t.Library, t.LibraryVersion = t.Library[:i], t.Library[i+1:]
	}
}

// traits sets the traits of the person, or of the group where the event is about
// one, and returns the members of the context that are not the event's own.
func (x *amplitudeEvent) traits(e *reader) (own []byte) {
	t := e.Touchpoint
	object := x.userProperties
	if t.Type == "group" {
		keep(e.Event, "user_properties", x.userProperties)
		object = x.groupProperties
	} else {
		keep(e.Event, "group_properties", x.groupProperties)
	}
	if jsonscan.KindOf(object) != jsonscan.Object {
		if t.Type == "group" {
			keep(e.Event, "group_properties", object)
		} else {
			keep(e.Event, "user_properties", object)
		}
		object = nil
	}
	var c changes
	t.Traits = c.amplitude(e.Event, object)
	if t.Type == "identify" {
		x.origin(e, t.Traits)
	}
	from := beginObject(e.Event)
	if x.groups != nil {
		addMember(e.Event, []byte("groups"), x.groups)
	}
	e.Scratch = c.appendOps(e.Scratch)
	return endObject(e.Event, from)
}

// origin takes the campaign that the SDK found, which it writes into the person's
// properties, where the page's URL does not say it. amplitude-js says it nowhere
// else.
func (x *amplitudeEvent) origin(e *reader, traits []byte) {
	var found campaignMembers
	for m := jsonscan.MembersOf(traits); m.Next(); {
		found.note(&m)
	}
	found.fill(e)
}
