package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size in bytes, never negative. It is written as a whole number
// with a unit: B, KB, MB, GB (powers of 1000), KiB, MiB, GiB (powers of 1024);
// without a unit it counts bytes.
type Bytes int64

// Sizes in bytes, for defaults such as 16 * config.MiB.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
)

// units is ordered so that String finds the largest unit that divides a size
// and UnmarshalText does not take the B of KiB for its own.
func units() []unit {
	return []unit{{"GiB", GiB}, {"GB", 1e9}, {"MiB", MiB}, {"MB", 1e6}, {"KiB", KiB}, {"KB", 1e3}, {"B", 1}}
}

type unit struct {
	name string
	size Bytes
}

// String returns the size in the largest unit that gives a whole number.
func (b Bytes) String() string {
	for _, u := range units() {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return "0B"
}

// MarshalText returns String.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText accepts what the type's documentation describes.
func (b *Bytes) UnmarshalText(text []byte) error {
	digits, size := string(text), Bytes(1)
	for _, u := range units() {
		if rest, ok := strings.CutSuffix(digits, u.name); ok {
			digits, size = rest, u.size
			break
		}
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(digits, " "), 10, 63)
	if err != nil || n > uint64(math.MaxInt64/size) {
		return fmt.Errorf("want a size such as 512KiB or 16MiB, got %q", clip(string(text)))
	}
	*b = Bytes(n) * size
	return nil
}
