package adapt

import (
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// mixpanelChange is the members of a change that have fields, as they were
// written.
type mixpanelChange struct {
	distinctID, userID, deviceID []byte
	groupKey, groupID            []byte
	time, ip                     []byte
	changes                      changes
}

// adapt reads a change of a person ("engage") or of a group ("groups").
func (c *mixpanelChange) adapt(e *reader, endpoint string) *pipeline.Verdict {
	if verdict := c.read(e); verdict != nil {
		return verdict
	}
	t := e.Touchpoint
	setCall(t, "identify")
	if endpoint == "groups" {
		setCall(t, "group")
	}
	if verdict := c.identify(e); verdict != nil {
		return verdict
	}
	t.OriginalTimestamp, t.HasOriginalTimestamp = timeOf(e, "$time", c.time)
	if t.IP = address(e.Event, text(e, c.ip, maxWord)); t.IP == "" {
		keep(e.Event, "$ip", c.ip)
	}
	t.Traits = c.changes.traits(e.Event)
	from := beginObject(e.Event)
	e.Scratch = c.changes.appendOps(e.Scratch)
	finishContext(e.Event, endObject(e.Event, from), nil)
	return nil
}

// read notes the members; those without a field go to e.Extra, the token
// nowhere.
func (c *mixpanelChange) read(e *reader) *pipeline.Verdict {
	m := jsonscan.MembersOf(e.Raw.Event)
	for m.Next() {
		switch string(m.Name()) {
		case "$distinct_id":
			c.distinctID = m.Value()
		case "$user_id":
			c.userID = m.Value()
		case "$device_id":
			c.deviceID = m.Value()
		case "$group_key":
			c.groupKey = m.Value()
		case "$group_id":
			c.groupID = m.Value()
		case "$time":
			c.time = m.Value()
		case "$ip":
			c.ip = m.Value()
		case "$token", "token":
		default:
			if !c.changes.note(&m) {
				keep(e.Event, alias(m.RawName()), m.Value())
			}
		}
	}
	if err := m.Err(); err != nil {
		return syntaxVerdict(e.Raw.Event, err)
	}
	return nil
}

// identify reads the ids. A change of a group names nobody: the group itself
// stands there for the device then, "$" with key and id, as PostHog writes it.
func (c *mixpanelChange) identify(e *reader) *pipeline.Verdict {
	t := e.Touchpoint
	distinct, verdict := identifier(e, "$distinct_id", c.distinctID)
	if verdict != nil {
		return verdict
	}
	if t.AnonymousID, verdict = identifier(e, "$device_id", c.deviceID); verdict != nil {
		return verdict
	}
	if t.UserID, verdict = identifier(e, "$user_id", c.userID); verdict != nil {
		return verdict
	}
	if t.GroupID, verdict = identifier(e, "$group_id", c.groupID); verdict != nil {
		return verdict
	}
	t.GroupType = columnOf(e, "$group_key", c.groupKey, maxWord)
	id, isDevice := strings.CutPrefix(distinct, devicePrefix)
	switch {
	case isDevice && t.AnonymousID == "":
		t.AnonymousID = id
	case !isDevice && t.UserID == "":
		t.UserID = id
	case id != t.UserID && id != t.AnonymousID:
		keep(e.Event, "$distinct_id", c.distinctID)
	}
	if t.Type == "group" {
		if t.GroupID == "" {
			return refuse(event.MissingField, "$group_id", "a change of a group needs a $group_id")
		}
		if t.AnonymousID == "" && t.UserID == "" {
			from := len(e.Scratch)
			e.Scratch = append(append(append(append(e.Scratch, '$'), t.GroupType...), '_'), t.GroupID...)
			t.AnonymousID = cut(alias(e.Scratch[from:]), maxID)
		}
	}
	if t.AnonymousID == "" && t.UserID == "" {
		return refuse(event.MissingIdentity, "", "neither $distinct_id nor $device_id nor $user_id names anybody")
	}
	return nil
}
