package snapshot

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// generationShift leaves the lower half of an epoch to takeovers: four billion
// of them within one generation.
const generationShift = 32

// Stamp says how far a snapshot reaches: to the source offset Src, in the
// generation of the raw log that its writer read. Offsets of two generations have
// nothing to do with each other; the later generation goes on where the earlier
// one ended.
type Stamp struct {
	Generation uint64
	Src        int64
}

// Before reports whether s reaches less far than o.
func (s Stamp) Before(o Stamp) bool {
	return s.Generation < o.Generation || s.Generation == o.Generation && s.Src < o.Src
}

// Generation returns the generation of the raw log that an epoch belongs to.
func Generation(epoch uint64) uint64 { return epoch >> generationShift }

// NextGeneration returns the first epoch of the generation after that of epoch.
func NextGeneration(epoch uint64) uint64 { return (Generation(epoch) + 1) << generationShift }

// Stamp returns the stamp of a snapshot under the key whose last event has the
// source offset src.
func (k Key) Stamp(src uint64) Stamp { return Stamp{Generation(k.Epoch), int64(src)} }

// Src returns the offset in the bytes of a fragment's snapshot without decoding the
// rest of it: most snapshots that are read back are never looked at again.
func Src(wire []byte) (src uint64, err error) {
	const field = 4
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return 0, fmt.Errorf("decode fragment: %w", protowire.ParseError(n))
		}
		wire = wire[n:]
		if number == field && kind == protowire.VarintType {
			if src, n = protowire.ConsumeVarint(wire); n < 0 {
				return 0, fmt.Errorf("decode fragment: %w", protowire.ParseError(n))
			}
		} else if n = protowire.ConsumeFieldValue(number, kind, wire); n < 0 {
			return 0, fmt.Errorf("decode fragment: %w", protowire.ParseError(n))
		}
		wire = wire[n:]
	}
	return src, nil
}
