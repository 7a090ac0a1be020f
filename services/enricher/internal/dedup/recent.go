package dedup

import "hash/maphash"

// entry says that the event at an offset, at the partition's time clock, makes
// later ones of the same id duplicates.
type entry struct {
	id            [IDBytes]byte
	offset, clock int64
}

// recent holds the entries that no table has yet: 32 bytes each, and 8 to 16 more
// for finding them. An id may have several, of different windows.
type recent struct {
	entries []entry // in the order in which they were added
	// slots is a hash table with linear probing: 1 + the place in entries, or 0.
	// At least half of it is free.
	slots []uint32
	// Clients choose ids, so the hash has a seed that they do not know.
	seed maphash.Seed
}

// minSlots is a power of two, as every length of slots.
const minSlots = 1 << 10

func newRecent() recent {
	return recent{seed: maphash.MakeSeed(), slots: make([]uint32, minSlots)}
}

func (r *recent) slot(id *[IDBytes]byte) int {
	return int(maphash.Bytes(r.seed, id[:])) & (len(r.slots) - 1)
}

// first returns the entry of id that answers at that offset and time, or nil.
func (r *recent) first(id *[IDBytes]byte, offset, clock int64) *entry {
	for i := r.slot(id); r.slots[i] != 0; i = (i + 1) & (len(r.slots) - 1) {
		if e := &r.entries[r.slots[i]-1]; e.id == *id && e.answers(offset, clock) {
			return e
		}
	}
	return nil
}

// add notes e, unless it is there already.
func (r *recent) add(e entry) {
	if 2*len(r.entries) >= len(r.slots) {
		r.slots = make([]uint32, 2*len(r.slots))
		r.index()
	}
	i := r.slot(&e.id)
	for ; r.slots[i] != 0; i = (i + 1) & (len(r.slots) - 1) {
		if r.entries[r.slots[i]-1] == e {
			return
		}
	}
	r.entries = append(r.entries, e)
	r.slots[i] = uint32(len(r.entries))
}

// index fills empty slots.
func (r *recent) index() {
	for n := range r.entries {
		i := r.slot(&r.entries[n].id)
		for r.slots[i] != 0 {
			i = (i + 1) & (len(r.slots) - 1)
		}
		r.slots[i] = uint32(n + 1)
	}
}

// forget drops the entries of offsets before next.
func (r *recent) forget(next int64) {
	kept := r.entries[:0]
	for _, e := range r.entries {
		if e.offset >= next {
			kept = append(kept, e)
		}
	}
	r.entries = kept
	clear(r.slots)
	r.index()
}

// clear drops all.
func (r *recent) clear() {
	r.entries = r.entries[:0]
	clear(r.slots)
}
