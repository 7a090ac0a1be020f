package session

import (
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/pipeline"
)

// What bounds a session.
const (
	// Gap is the longest time without an event within a session.
	Gap = 30 * time.Minute
	// Longest is the longest session that is found by gaps.
	Longest = 24 * time.Hour
	// Keep is how long after its last event a session is remembered, by the
	// partition's time: Gap, and 15 minutes for events that a device or a collector
	// held back.
	Keep = Gap + 15*time.Minute
	// PerDevice is how many sessions of a device are remembered.
	PerDevice = 4
	// PerPartition is how many sessions of a partition are remembered: 145 new ones a
	// second for Keep would be needed to fill it. It takes 20 MiB.
	PerPartition = 1 << 18
)

const (
	gapMillis     = int64(Gap / time.Millisecond)
	longestMillis = int64(Longest / time.Millisecond)
	keepMillis    = int64(Keep / time.Millisecond)
)

// Session is what an event's session was with it.
type Session struct {
	// ID is 0 where the event is in none.
	ID uint64
	// Start and End are the times of its first and last event, in milliseconds since
	// 1970; 0 where the event does not count for them.
	Start, End int64
}

// Role is what an event says about the presence of somebody.
type Role uint8

// The roles.
const (
	// Active: somebody did something. It begins sessions and lengthens them.
	Active Role = iota
	// Present: somebody was still there. It lengthens sessions and begins none.
	Present
	// Passive: it says nothing. It is in a session and changes none.
	Passive
)

// Visit is one event of a device.
type Visit struct {
	Project string
	// Device is the person id that the device has, or the user who has none.
	Device uint64
	// At is when it happened, Clock the partition's time at its record, both in
	// milliseconds since 1970. Clock never falls.
	At, Clock int64
	// Own is the session that the SDK named, 0 for none.
	Own  uint64
	Role Role
}

// Sessions is the state of one partition. It is not safe for concurrent use.
type Sessions struct {
	secret ids.Secret
	table  table
}

// New returns the state of a partition before its first record. secret keys the ids
// of sessions.
func New(secret ids.Secret) *Sessions { return &Sessions{secret, newTable(PerPartition)} }

// Len returns the number of sessions that are remembered.
func (s *Sessions) Len() int { return s.table.recent.Len() }

// Crowded returns how many sessions were forgotten before their time because there
// were PerPartition others.
func (s *Sessions) Crowded() int64 { return s.table.crowded }

// Find returns the session of an event, and counts it for the session's times as its
// role says.
func (s *Sessions) Find(v Visit) Session {
	s.table.forget(v.Clock - keepMillis)
	var place int32
	if v.Own != 0 {
		place = s.table.named(v.Device, v.Own)
	} else {
		place = s.table.nearest(v.Device, v.At)
	}
	found := Session{ID: v.Own}
	if place != none {
		found.ID = s.table.nodes[place].ID
	}
	switch {
	case v.Role == Passive || place == none && v.Role == Present && v.Own == 0:
		return found
	case place == none:
		if found.ID == 0 {
			found.ID = s.secret.SessionOf(v.Project, v.Device, v.At)
		}
		place = s.table.add(v.Device, Session{found.ID, v.At, v.At})
	}
	return s.table.lengthen(place, v.At, v.At, v.Clock)
}

// Restore takes over what a record of the dense log says: of a stored event of that
// project, at the partition's time clock. A record that is given again moves no
// times.
func (s *Sessions) Restore(project string, t *event.Touchpoint, clock int64) {
	if t.SessionStart == 0 {
		return
	}
	end := t.SessionEnd
	if end == 0 {
		end = t.EventTime
	}
	s.table.forget(clock - keepMillis)
	device := s.device(project, t)
	place := s.table.named(device, t.SessionID)
	if place == none {
		place = s.table.add(device, Session{t.SessionID, t.SessionStart, end})
	}
	s.table.lengthen(place, t.SessionStart, end, clock)
}

// device returns the person id of an event's device, or of its user.
func (s *Sessions) device(project string, t *event.Touchpoint) uint64 {
	if t.AnonymousID == "" {
		return s.secret.User(project, t.UserID)
	}
	return s.secret.Device(project, t.AnonymousID)
}

// Step returns the step "session". It stands behind every step that may refuse an
// event, and refuses none.
func (s *Sessions) Step() pipeline.Step {
	return pipeline.Step{Name: "session", Run: func(e *pipeline.Event) pipeline.Verdict {
		t := e.Touchpoint
		found := s.Find(Visit{
			Project: e.Raw.Project, Device: s.device(e.Raw.Project, t), At: t.EventTime, Clock: e.Clock, Own: t.SessionID, Role: RoleOf(t),
		})
		t.SessionID, t.SessionStart = found.ID, found.Start
		if t.SessionEnd = found.End; found.End == t.EventTime {
			t.SessionEnd = 0
		}
		return pipeline.Verdict{}
	}}
}

// RoleOf returns the role of an event, by its type, its channel and the name that
// the SDK's own signs of life have: Plausible's, Google Analytics' and Snowplow's.
func RoleOf(t *event.Touchpoint) Role {
	switch t.Type {
	case "identify", "group", "alias":
		return Passive
	}
	switch t.Channel {
	case "email", "sms", "push", "ad", "crm":
		return Passive
	}
	switch t.Event {
	case "engagement", "user_engagement", "page_ping":
		return Present
	}
	return Active
}
