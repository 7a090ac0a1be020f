package clickhouse_test

import (
	"math"
	"testing"
	"time"

	"touchline.dev/services/internal/clickhouse"
)

func TestValues_areMovedIntoTheRangeOfTheirColumns(t *testing.T) {
	first := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	last := time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
	for _, c := range []struct{ ms, want int64 }{{math.MinInt64, first}, {first, first}, {0, 0}, {last, last}, {last + 1, last}} {
		if got := int64(clickhouse.Millis(c.ms)); got != c.want {
			t.Errorf("Millis(%d) = %d, want %d", c.ms, got, c.want)
		}
		if got := clickhouse.InRange(c.ms); got != (c.ms == c.want) {
			t.Errorf("InRange(%d) = %v", c.ms, got)
		}
	}
	if clickhouse.Day(-1) != 0 || clickhouse.Day(70000) != 65535 || clickhouse.Day(20000) != 20000 {
		t.Error("Day leaves the range of Date")
	}
	if got := clickhouse.E4(math.MaxInt64); got != 999_999_999_999_999_999 {
		t.Errorf("E4(max) = %d", got)
	}
}
