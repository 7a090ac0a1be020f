package link

import (
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/recency"
	"touchline.dev/services/enricher/internal/session"
)

// Most is how many linked devices of a partition are remembered. They take 15 MiB.
const Most = 1 << 18

const keepMillis = int64(session.Keep / time.Millisecond)

// Links is the state of one partition. It is not safe for concurrent use.
type Links struct {
	secret ids.Secret
	places map[uint64]int32
	// nodes are by their numbers in recent, where a device's last event is its last use.
	nodes  []node
	recent *recency.List
}

// node is a linked device.
type node struct{ device, user uint64 }

// New returns the state of a partition before its first record. secret keys the ids
// of persons.
func New(secret ids.Secret) *Links {
	return &Links{secret: secret, places: map[uint64]int32{}, recent: recency.New()}
}

// Len returns the number of devices that are remembered.
func (l *Links) Len() int { return len(l.places) }

// Step returns the step "link". It stands behind every step that may refuse an event,
// and refuses none.
func (l *Links) Step() pipeline.Step {
	return pipeline.Step{Name: "link", Run: func(e *pipeline.Event) pipeline.Verdict {
		l.decide(e.Raw.Project, e.Touchpoint, e.Clock)
		return pipeline.Verdict{}
	}}
}

func (l *Links) decide(project string, t *event.Touchpoint, clock int64) {
	l.forget(clock - keepMillis)
	if t.Type == "alias" && t.PreviousID != "" && t.UserID != "" && t.PreviousID != t.UserID {
		t.LinkedPrevious = l.secret.Device(project, t.PreviousID)
	}
	if t.AnonymousID == "" {
		return
	}
	if t.UserID == "" {
		if place, ok := l.places[t.PersonID]; ok {
			t.PersonID = l.nodes[place].user
			l.recent.Touch(place, clock)
		}
		return
	}
	device := l.secret.Device(project, t.AnonymousID)
	if l.set(device, t.PersonID, clock) {
		t.LinkedPerson = device
	}
}

// Restore takes over what a record of the dense log says: of a stored event of that
// project, at the partition's time clock.
func (l *Links) Restore(project string, t *event.Touchpoint, clock int64) {
	if t.AnonymousID == "" {
		return
	}
	l.forget(clock - keepMillis)
	if device := l.secret.Device(project, t.AnonymousID); t.PersonID != device {
		l.set(device, t.PersonID, clock)
	}
}

// set links a device and reports whether it was not linked to that user.
func (l *Links) set(device, user uint64, clock int64) (changed bool) {
	place, ok := l.places[device]
	if !ok {
		place = l.add(device)
	}
	n := &l.nodes[place]
	changed = n.user != user
	n.user = user
	l.recent.Touch(place, clock)
	return changed
}

// add makes room for a device that is not remembered.
func (l *Links) add(device uint64) int32 {
	if len(l.places) == Most {
		l.remove(l.recent.Oldest())
	}
	place := l.recent.Add()
	if int(place) == len(l.nodes) {
		l.nodes = append(l.nodes, node{})
	}
	l.places[device], l.nodes[place] = place, node{device: device}
	return place
}

// forget drops the devices that were touched before clock.
func (l *Links) forget(clock int64) {
	for {
		place := l.recent.OldestBefore(clock)
		if place == recency.None {
			return
		}
		l.remove(place)
	}
}

func (l *Links) remove(place int32) {
	l.recent.Remove(place)
	delete(l.places, l.nodes[place].device)
}
