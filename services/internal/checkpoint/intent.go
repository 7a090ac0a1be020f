package checkpoint

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Intent is a chunk that was about to be inserted when it was committed: one range
// of offsets for each partition that it combines. It stands in the metadata of one of
// them, the leader, so that one commit decides about all of it whatever the broker
// does with commits of several partitions. The others take part in it from that
// commit on: they may not go on behind their range before it has landed, and the
// leader may not drop it before they have.
type Intent struct {
	// At is when it was committed first, milliseconds since 1970, wall clock.
	At int64 `json:"at"`
	// Parts is a count of ClickHouse's parts that was not higher then, 0 when it is
	// not known. With the count of later it says how many came since, which is the
	// age of the intent that no clock can get wrong.
	Parts int64 `json:"parts,omitempty"`
	// Landed says that it was inserted, and is kept for partitions that have not
	// committed so far.
	Landed bool `json:"landed,omitempty"`
	// Shares are the ranges, the leader's first, at most MaxShares of different
	// partitions.
	Shares []Share `json:"of"`
}

// Share is what one partition adds to a chunk.
type Share struct {
	Partition int32
	// Lo and Hi are the first and last offset.
	Lo, Hi int64
	// Mark and Cut are the reader's marks before and after them, both -1 when the
	// log is not dense.
	Mark, Cut int64
	// Excluded are the records whose rows ClickHouse refuses, as distances from
	// Lo, ascending, at most MaxExcluded in all shares together.
	Excluded []int64
}

const (
	// MaxExcluded is how many records of a chunk may be excluded, and MaxShares how
	// many partitions it may combine: 8 bytes and 66 bytes each keep the metadata
	// within MaxBytes.
	MaxExcluded = 200
	MaxShares   = 24
)

// Of returns the share of a partition, nil when it has none.
func (i *Intent) Of(partition int32) *Share {
	at := slices.IndexFunc(i.Shares, func(s Share) bool { return s.Partition == partition })
	if at < 0 {
		return nil
	}
	return &i.Shares[at]
}

// Excludes reports whether the record at the offset is excluded.
func (s *Share) Excludes(offset int64) bool {
	_, found := slices.BinarySearch(s.Excluded, offset-s.Lo)
	return found
}

// MarshalJSON writes a share as [partition, lo, hi-lo, mark, cut-mark, excluded...].
func (s Share) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]int64{int64(s.Partition), s.Lo, s.Hi - s.Lo, s.Mark, s.Cut - s.Mark}, s.Excluded...))
}

// UnmarshalJSON reads what MarshalJSON has written.
func (s *Share) UnmarshalJSON(text []byte) error {
	var n []int64
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	if len(n) < 5 || n[0] != int64(int32(n[0])) {
		return fmt.Errorf("%d numbers are no share", len(n))
	}
	*s = Share{Partition: int32(n[0]), Lo: n[1], Hi: n[1] + n[2], Mark: n[3], Cut: n[3] + n[4], Excluded: slices.Clip(n[5:])}
	return nil
}

func (i *Intent) valid() bool {
	if len(i.Shares) == 0 || len(i.Shares) > MaxShares {
		return false
	}
	excluded := 0
	for at, s := range i.Shares {
		excluded += len(s.Excluded)
		if !s.valid() || i.Of(s.Partition) != &i.Shares[at] {
			return false
		}
	}
	return excluded <= MaxExcluded
}

func (s *Share) valid() bool {
	if s.Partition < 0 || s.Lo < 0 || s.Hi < s.Lo || s.Mark < -1 || s.Cut < s.Mark {
		return false
	}
	last := int64(-1)
	for _, e := range s.Excluded {
		if e <= last || e > s.Hi-s.Lo {
			return false
		}
		last = e
	}
	return true
}
