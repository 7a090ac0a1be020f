// Package receipt makes receipt ids: UUIDs of version 7, which sort by the time
// of receipt. It costs a few nanoseconds where a system call for each event would
// cost more than the rest of its way through the collector.
package receipt

import (
	"encoding/binary"
	"math/rand/v2"
)

// New returns a receipt id for an event received at ms, in milliseconds since
// 1970 UTC. Its 74 random bits come from the runtime's ChaCha8 generator, which
// the operating system seeds: ids need to be unique, not secret.
func New(ms int64) [16]byte {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], uint64(ms)<<16|0x7000|rand.Uint64()&0x0fff)
	binary.BigEndian.PutUint64(id[8:], 1<<63|rand.Uint64()>>2)
	return id
}
