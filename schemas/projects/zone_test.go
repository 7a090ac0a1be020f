package projects

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// zones are those whose rules differ: none, summer time north and south, half
// hours, more than 12 hours, a skipped day, summer time at midnight.
var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Kiritimati",
	"Pacific/Apia", "Pacific/Niue", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Beirut",
}

// reference is the day by the calendar of package time.
func reference(ms int64, zone *time.Location) int64 {
	y, m, d := time.UnixMilli(ms).In(zone).Date()
	seconds := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	return seconds / 86400 // whole days: no rounding
}

func project(t interface {
	Helper()
	Fatalf(string, ...any)
}, zone string) *Project {
	t.Helper()
	s, err := Parse([]byte("projects: [{id: shop, time_zone: " + zone + ", write_keys: [k]}]"))
	if err != nil {
		t.Fatalf("parse projects: %v", err)
	}
	return s.All()[0]
}

func TestDayAtEveryTransition(t *testing.T) {
	for _, zone := range zones {
		p := project(t, zone)
		last := time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)
		for at := time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(last); {
			for _, around := range []int64{-86400_001, -3600_001, -1, 0, 1, 3599_999, 86400_000} {
				ms := at.UnixMilli() + around
				if got, want := p.Day(ms), reference(ms, p.zone); int64(got) != want {
					t.Fatalf("%s: Day(%d) = %d, want %d (%v)", zone, ms, got, want, time.UnixMilli(ms).In(p.zone))
				}
			}
			next := at.AddDate(0, 0, 197)
			if _, end := at.In(p.zone).ZoneBounds(); end.After(at) && end.Before(next) {
				next = end.UTC()
			}
			at = next
		}
	}
}

func TestDayAtAnyTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := project(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		// Years -9999 to 9999: as far as package time's calendar is of use.
		ms := rapid.Int64Range(-377_000_000_000_000, 253_000_000_000_000).Draw(t, "ms")
		if got, want := p.Day(ms), reference(ms, p.zone); int64(got) != want {
			t.Fatalf("Day(%d) in %s = %d, want %d", ms, p.TimeZone, got, want)
		}
	})
}

func TestDayFarOff(t *testing.T) {
	p := project(t, "Europe/Berlin")
	for _, tt := range []struct {
		ms   int64
		want int32
	}{
		{math.MinInt64, math.MinInt32}, {math.MaxInt64, math.MaxInt32},
		{0, 0}, {-1, 0}, {-3600_001, -1}, {1_711_846_800_000, 19813}, // 2024-03-31 01:00 UTC: clocks go forward
	} {
		if got := p.Day(tt.ms); got != tt.want {
			t.Errorf("Day(%d) = %d, want %d", tt.ms, got, tt.want)
		}
	}
}

func TestZoneChanges(t *testing.T) {
	s := mustParse(t, `projects:
- {id: c, time_zone: Asia/Tokyo, write_keys: [c]}
- {id: b, time_zone: Asia/Tokyo, write_keys: [b]}
- {id: a, write_keys: [a]}
`)
	if got := s.ZoneChanges(s.Zones()); got != nil {
		t.Errorf("ZoneChanges of its own zones = %v", got)
	}
	recorded := map[string]string{"a": "Etc/UTC", "c": "UTC", "gone": "UTC"}
	if got := s.ZoneChanges(recorded); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("ZoneChanges = %v, want a and c", got)
	}
}

func BenchmarkDay(b *testing.B) {
	p := project(b, "Europe/Berlin")
	ms := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).UnixMilli()
	b.ReportAllocs()
	for b.Loop() {
		ms += 1000
		p.Day(ms)
	}
}
