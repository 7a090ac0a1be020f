package session

import "touchline.dev/services/enricher/internal/recency"

// none is the place of no node.
const none = recency.None

// node is one session. It stands in the list of its device, the last touched first.
type node struct {
	Session
	device uint64
	// next is the device's session before this one.
	next int32
}

// table holds the sessions of a partition, at most as many as it was made for: each
// new one then takes the place of the one that was touched least recently. All its
// memory is used again.
type table struct {
	// nodes are by their numbers in recent, where a session's last event is its last
	// use.
	nodes   []node
	recent  *recency.List
	most    int
	crowded int64
	// heads is a hash table with linear probing: 1 + the place of the first session
	// of a device, or 0. Less than half of it is used. Ids of devices are keyed
	// hashes, so their low bits are as good as a hash of them.
	heads []uint32
}

// leastHeads is a power of two, as every length of heads.
const leastHeads = 1 << 8

func newTable(most int) table {
	return table{recent: recency.New(), most: most, heads: make([]uint32, leastHeads)}
}

// slot returns where the device's first session is found, or would be.
func (t *table) slot(device uint64) int {
	mask := len(t.heads) - 1
	i := int(device) & mask
	for t.heads[i] != 0 && t.nodes[t.heads[i]-1].device != device {
		i = (i + 1) & mask
	}
	return i
}

// first returns the device's session that was touched last.
func (t *table) first(device uint64) int32 { return int32(t.heads[t.slot(device)]) - 1 }

// named returns the device's session of that id.
func (t *table) named(device, id uint64) int32 {
	place := t.first(device)
	for place != none && t.nodes[place].ID != id {
		place = t.nodes[place].next
	}
	return place
}

// before orders sessions, also those that began at the same time.
func (s *Session) before(other *Session) bool {
	return s.Start < other.Start || s.Start == other.Start && s.ID < other.ID
}

// nearest returns the device's session that an event of that time belongs to. Of two
// that are equally near it is the earlier one.
func (t *table) nearest(device uint64, at int64) int32 {
	best, away := int32(none), gapMillis+1
	for place := t.first(device); place != none; place = t.nodes[place].next {
		n := &t.nodes[place]
		from := max(n.Start-at, at-n.End, 0)
		if max(n.End, at)-min(n.Start, at) > longestMillis || from > away {
			continue
		}
		if from < away || best != none && n.before(&t.nodes[best].Session) {
			best, away = place, from
		}
	}
	return best
}

// add makes room for a session of a device and puts it there. It counts as touched
// only by lengthen, which must follow.
func (t *table) add(device uint64, s Session) int32 {
	last, count := int32(none), 0
	for place := t.first(device); place != none; place = t.nodes[place].next {
		last, count = place, count+1
	}
	if count == PerDevice {
		t.remove(last)
	}
	if t.recent.Len() == t.most {
		t.remove(t.recent.Oldest())
		t.crowded++
	}
	if 2*(t.recent.Len()+1) > len(t.heads) {
		t.grow()
	}
	place := t.recent.Add()
	if int(place) == len(t.nodes) {
		t.nodes = append(t.nodes, node{})
	}
	slot := t.slot(device)
	t.nodes[place] = node{Session: s, device: device, next: int32(t.heads[slot]) - 1}
	t.heads[slot] = uint32(place) + 1
	return place
}

// lengthen makes a session reach from start to end at least, and the one that was
// touched last.
func (t *table) lengthen(place int32, start, end, clock int64) Session {
	n := &t.nodes[place]
	n.Start, n.End = min(n.Start, start), max(n.End, end)
	t.recent.Touch(place, clock)
	slot := t.slot(n.device)
	if head := int32(t.heads[slot]) - 1; head != place {
		t.leave(head, place)
		n.next = head
		t.heads[slot] = uint32(place) + 1
	}
	return n.Session
}

// forget drops the sessions that were touched before clock.
func (t *table) forget(clock int64) {
	for {
		place := t.recent.OldestBefore(clock)
		if place == none {
			return
		}
		t.remove(place)
	}
}

func (t *table) remove(place int32) {
	n := &t.nodes[place]
	slot := t.slot(n.device)
	switch head := int32(t.heads[slot]) - 1; {
	case head != place:
		t.leave(head, place)
	case n.next != none:
		t.heads[slot] = uint32(n.next) + 1
	default:
		t.vacate(slot)
	}
	t.recent.Remove(place)
}

// leave takes a session that is not the device's first one out of its list.
func (t *table) leave(head, place int32) {
	for t.nodes[head].next != place {
		head = t.nodes[head].next
	}
	t.nodes[head].next = t.nodes[place].next
}

// vacate empties a slot and moves those behind it up that would not be found any
// more.
func (t *table) vacate(hole int) {
	mask := len(t.heads) - 1
	for i := (hole + 1) & mask; t.heads[i] != 0; i = (i + 1) & mask {
		home := int(t.nodes[t.heads[i]-1].device) & mask
		if (i-home)&mask >= (i-hole)&mask {
			t.heads[hole], hole = t.heads[i], i
		}
	}
	t.heads[hole] = 0
}

// grow doubles the hash table.
func (t *table) grow() {
	old := t.heads
	t.heads = make([]uint32, 2*len(old))
	for _, head := range old {
		if head != 0 {
			t.heads[t.slot(t.nodes[head-1].device)] = head
		}
	}
}
