package intake

import (
	"encoding/binary"
	"sync/atomic"
)

// recentSlots is how many message ids are remembered at most: 2 MiB. A retry comes
// within seconds as a rule, and at 10,000 events/s the half of them is overwritten
// after 18 s.
const recentSlots = 1 << 18

// fingerprint stands for a message of a project: 128 bits of SHA-256.
type fingerprint struct{ place, mark uint64 }

func fingerprintOf(hash []byte) fingerprint {
	return fingerprint{binary.LittleEndian.Uint64(hash), binary.LittleEndian.Uint64(hash[8:])}
}

// recent remembers messages that were acknowledged lately, as a hint for the
// answer: what it forgets is still a duplicate for the enricher, and what it
// knows was accepted. Each message has one place, where the last one stays. It may
// be used concurrently.
type recent struct{ slots []atomic.Uint64 }

func newRecent() *recent { return &recent{make([]atomic.Uint64, recentSlots)} }

func (r *recent) has(f fingerprint) bool {
	return r.slots[f.place%recentSlots].Load() == f.mark
}

func (r *recent) add(all []fingerprint) {
	for _, f := range all {
		r.slots[f.place%recentSlots].Store(f.mark)
	}
}
