package session

// none is the place of no node.
const none = -1

// node is one session. It stands in two lists: that of all sessions in the order of
// their last events, and that of its device, the last touched first.
type node struct {
	Session
	device uint64
	// touched is the partition's time at the session's last event.
	touched      int64
	older, newer int32
	// next is the device's session before this one, or the next free node.
	next int32
}

// table holds the sessions of a partition, at most as many as it was made for: each
// new one then takes the place of the one that was touched least recently. All its
// memory is used again.
type table struct {
	nodes []node
	// free is the first node without a session, -1 when there is none.
	free int32
	// oldest and newest are the ends of the list of all.
	oldest, newest int32
	len, most      int
	crowded        int64
	// heads is a hash table with linear probing: 1 + the place of the first session
	// of a device, or 0. Less than half of it is used. Ids of devices are keyed
	// hashes, so their low bits are as good as a hash of them.
	heads []uint32
}

// leastHeads is a power of two, as every length of heads.
const leastHeads = 1 << 8

func newTable(most int) table {
	return table{free: none, oldest: none, newest: none, most: most, heads: make([]uint32, leastHeads)}
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
	if t.len == t.most {
		t.remove(t.oldest)
		t.crowded++
	}
	if 2*(t.len+1) > len(t.heads) {
		t.grow()
	}
	place := t.free
	if place == none {
		place = int32(len(t.nodes))
		t.nodes = append(t.nodes, node{})
	} else {
		t.free = t.nodes[place].next
	}
	slot := t.slot(device)
	t.nodes[place] = node{Session: s, device: device, older: none, newer: none, next: int32(t.heads[slot]) - 1}
	t.heads[slot] = uint32(place) + 1
	t.len++
	t.append(place)
	return place
}

// lengthen makes a session reach from start to end at least, and the one that was
// touched last.
func (t *table) lengthen(place int32, start, end, clock int64) Session {
	n := &t.nodes[place]
	n.Start, n.End = min(n.Start, start), max(n.End, end)
	n.touched = max(n.touched, clock)
	if t.newest != place {
		t.unlink(place)
		t.append(place)
	}
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
	for t.oldest != none && t.nodes[t.oldest].touched < clock {
		t.remove(t.oldest)
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
	t.unlink(place)
	n.next, t.free = t.free, place
	t.len--
}

// leave takes a session that is not the device's first one out of its list.
func (t *table) leave(head, place int32) {
	for t.nodes[head].next != place {
		head = t.nodes[head].next
	}
	t.nodes[head].next = t.nodes[place].next
}

// append makes a session the newest of all.
func (t *table) append(place int32) {
	n := &t.nodes[place]
	n.older, n.newer = t.newest, none
	if t.newest == none {
		t.oldest = place
	} else {
		t.nodes[t.newest].newer = place
	}
	t.newest = place
}

// unlink takes a session out of the list of all.
func (t *table) unlink(place int32) {
	n := &t.nodes[place]
	if n.older == none {
		t.oldest = n.newer
	} else {
		t.nodes[n.older].newer = n.newer
	}
	if n.newer == none {
		t.newest = n.older
	} else {
		t.nodes[n.newer].older = n.older
	}
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
