package adapt

import (
	"bytes"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// person says who did it. PostHog has one id, distinct_id, for a device before
// the user is known and for the user afterwards; what says which of the two it is
// differs between SDKs. The collector decides in the same way what an event's
// device is (collector/internal/posthog).
func (c *capture) person(e *reader) *pipeline.Verdict {
	t, p := e.Touchpoint, &c.p
	written := c.distinctID
	if !says(written) {
		written = p.distinctID
	} else if !bytes.Equal(written, p.distinctID) {
		keep(e.Event, "properties.distinct_id", p.distinctID)
	}
	id, verdict := identifier(e, "distinct_id", written)
	if verdict != nil {
		return verdict
	}
	if id == "$posthog_cookieless" { // the same one for all who do not want to be known
		keep(e.Event, "distinct_id", written)
		if id, e.Site = "", text(e, p.host, maxID); e.Site == "" {
			e.Site = "posthog"
		}
	}
	device, user, before := c.someone(e, "$device_id", p.deviceID), c.someone(e, "$user_id", p.userID), c.someone(e, "$anon_distinct_id", p.anonymousID)
	anonymous := id == "" || c.anonymous(e, id, device, before)
	if t.UserID = user; user == "" && !anonymous {
		t.UserID = id
	}
	switch {
	case device != "":
		t.AnonymousID = device
	case before != "":
		t.AnonymousID = before
	case anonymous:
		t.AnonymousID = id
	}
	if t.AnonymousID == "" && t.UserID == "" && e.Site == "" {
		return refuse(event.MissingIdentity, "", "neither distinct_id nor $device_id names anybody")
	}
	if id != "" && id != t.UserID && id != t.AnonymousID {
		keep(e.Event, "distinct_id", written)
	}
	if before != "" && before != t.AnonymousID {
		keep(e.Event, "$anon_distinct_id", p.anonymousID)
	}
	return nil
}

// someone returns an id that may be missing; what is none is kept.
func (c *capture) someone(e *reader, name string, value []byte) string {
	if len(value) == 0 {
		return ""
	}
	id := whole(e, value)
	if len(id) > maxID || nobody(id) {
		keep(e.Event, name, value)
		return ""
	}
	return id
}

// anonymous reports whether distinct_id is that of a device: it is the device's
// own, or the SDK says that nobody is known, or that there shall be no profile of
// a person. SDKs of clients that say nothing make ids of a certain look for their
// devices; a server that says nothing names users.
func (c *capture) anonymous(e *reader, id, device, before string) bool {
	p := &c.p
	switch {
	case id == device, id == before:
		return true
	case c.name == "$identify", says(p.userID), string(p.identified) == "true":
		return false
	case c.name == "$groupidentify" && id[0] == '$':
		return true // what servers invent for a group of which nobody is named: $company_acme
	case string(p.identified) == "false", string(p.profile) == "false":
		return true
	case device != "":
		return false
	}
	return isClientLibrary(text(e, p.library, maxWord)) && isGenerated(id)
}

// isClientLibrary reports whether the SDK runs where its user is.
func isClientLibrary(name string) bool {
	switch name {
	case "web", "js", "posthog-js-lite", "posthog-ios", "posthog-android", "posthog-react-native", "posthog-flutter", "posthog-kmp", "posthog-unity":
		return true
	}
	return false
}

// isGenerated reports whether an id looks like those that SDKs of clients make:
// five groups of hex digits, 36 characters at least.
func isGenerated(id string) bool {
	dashes := 0
	for i := range len(id) {
		switch {
		case id[i] == '-':
			dashes++
		case hex(id[i]) > 15:
			return false
		}
	}
	return dashes == 4 && len(id) >= len("01a1ffa5-b304-7589-a4ea-ff9a136b1407")
}

// relations reads groups, former ids and traits.
func (c *capture) relations(e *reader) *pipeline.Verdict {
	t, p := e.Touchpoint, &c.p
	c.firstGroup(e)
	switch t.Type {
	case "group":
		var verdict *pipeline.Verdict
		if t.GroupID, verdict = identifier(e, "$group_key", p.groupKey); verdict != nil {
			return verdict
		}
		if t.GroupID == "" {
			return refuse(event.MissingField, "$group_key", "a $groupidentify event needs a $group_key")
		}
		t.GroupType = columnOf(e, "$group_type", p.groupType, maxWord)
		p.groupType, p.groupKey = nil, nil
		if jsonscan.KindOf(p.groupSet) == jsonscan.Object {
			t.Traits, p.groupSet = p.groupSet, nil
		}
	case "alias":
		var verdict *pipeline.Verdict
		if t.PreviousID, verdict = identifier(e, "alias", p.alias); verdict != nil {
			return verdict
		}
		if t.PreviousID == "" {
			return refuse(event.MissingField, "alias", "a $create_alias event needs an alias")
		}
		c.own = withoutMember(e.Event, c.own, "alias")
	}
	t.Properties = c.own
	keep(e.Event, "$group_type", p.groupType)
	keep(e.Event, "$group_key", p.groupKey)
	keep(e.Event, "$group_set", p.groupSet)
	c.traits(e)
	return nil
}

// firstGroup takes the first of the groups that an event belongs to; all of them
// stand in the context.
func (c *capture) firstGroup(e *reader) {
	if jsonscan.KindOf(c.p.groups) != jsonscan.Object {
		keep(e.Event, "$groups", c.p.groups)
		c.p.groups = nil
		return
	}
	t := e.Touchpoint
	for m := jsonscan.MembersOf(c.p.groups); m.Next(); {
		id := whole(e, m.Value())
		if id == "" || len(id) > maxID {
			continue
		}
		from := len(e.Scratch)
		e.Scratch = append(e.Scratch, m.Name()...) // holds longer than the walk
		t.GroupID, t.GroupType = id, cut(alias(e.Scratch[from:]), maxWord)
		return
	}
}

// traits reads what the event says about its person: beside the properties in
// some SDKs, among them in others.
func (c *capture) traits(e *reader) {
	t := e.Touchpoint
	if c.top.set == nil {
		c.top.set = c.in.set
	} else {
		keep(e.Event, "properties.$set", c.in.set)
	}
	if c.top.setOnce == nil {
		c.top.setOnce, c.top.once = c.in.setOnce, c.in.once
	} else {
		keep(e.Event, "properties.$set_once", c.in.setOnce)
	}
	switch t.Type {
	case "group": // whose traits are the group's
		keep(e.Event, "$set", c.top.set)
		keep(e.Event, "$set_once", c.top.setOnce)
	case "identify":
		t.Traits = c.top.traits(e.Event)
	default: // what counts the first time only is here that of every first event
		keep(e.Event, "$set_once", c.top.setOnce)
		c.top.setOnce = nil
		t.Traits = c.top.traits(e.Event)
	}
}
