package link

import (
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/session"
)

// Most is how many linked devices of a partition are remembered. They take 15 MiB.
const Most = 1 << 18

const keepMillis = int64(session.Keep / time.Millisecond)

// Links is the state of one partition. It is not safe for concurrent use.
type Links struct {
	secret ids.Secret
	places map[uint64]int32
	nodes  []node
	// free is the first node without a device, none when there is none.
	free int32
	// oldest and newest are the ends of the list of devices in the order of their last
	// events.
	oldest, newest int32
}

// node is a linked device.
type node struct {
	device, user uint64
	// touched is the partition's time at the device's last event.
	touched int64
	// newer is the next free node in one that has no device.
	older, newer int32
}

// none is the place of no node.
const none = -1

// New returns the state of a partition before its first record. secret keys the ids
// of persons.
func New(secret ids.Secret) *Links {
	return &Links{secret: secret, places: map[uint64]int32{}, free: none, oldest: none, newest: none}
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
			l.touch(place, clock)
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
		place = l.room()
		l.places[device] = place
		l.nodes[place] = node{device: device}
		l.append(place)
	}
	n := &l.nodes[place]
	changed = n.user != user
	n.user = user
	l.touch(place, clock)
	return changed
}

// room returns a node for another device.
func (l *Links) room() int32 {
	if len(l.places) == Most {
		l.remove(l.oldest)
	}
	if place := l.free; place != none {
		l.free = l.nodes[place].newer
		return place
	}
	l.nodes = append(l.nodes, node{})
	return int32(len(l.nodes) - 1)
}

// touch makes a device the one that sent something last.
func (l *Links) touch(place int32, clock int64) {
	n := &l.nodes[place]
	n.touched = max(n.touched, clock)
	if l.newest != place {
		l.unlink(place)
		l.append(place)
	}
}

// forget drops the devices that were touched before clock.
func (l *Links) forget(clock int64) {
	for l.oldest != none && l.nodes[l.oldest].touched < clock {
		l.remove(l.oldest)
	}
}

func (l *Links) remove(place int32) {
	l.unlink(place)
	delete(l.places, l.nodes[place].device)
	l.nodes[place].newer, l.free = l.free, place
}

func (l *Links) append(place int32) {
	n := &l.nodes[place]
	n.older, n.newer = l.newest, none
	if l.newest == none {
		l.oldest = place
	} else {
		l.nodes[l.newest].newer = place
	}
	l.newest = place
}

func (l *Links) unlink(place int32) {
	n := &l.nodes[place]
	if n.older == none {
		l.oldest = n.newer
	} else {
		l.nodes[n.older].newer = n.newer
	}
	if n.newer == none {
		l.newest = n.older
	} else {
		l.nodes[n.newer].older = n.older
	}
}
