package clickhouse

import (
	"math"
	"testing"
)

func TestMinute(t *testing.T) {
	for ms, want := range map[int64]uint32{
		0: 0, 59_999: 0, 60_000: 60, 1_795_290_315_405: 1_795_290_300, -1: 0, math.MinInt64: 0,
		4_294_967_279_999: 4_294_967_220, 4_294_967_280_000: 4_294_967_280, 4_294_967_340_000: 4_294_967_280, math.MaxInt64: 4_294_967_280,
	} {
		if got := Minute(ms); got != want {
			t.Errorf("Minute(%d) = %d, want %d", ms, got, want)
		}
	}
}
