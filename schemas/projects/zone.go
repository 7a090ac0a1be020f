package projects

import (
	"math"
	"time"
	_ "time/tzdata" // the zones of machines that have no zone files
)

// Day returns the day on which an instant falls in the project's time zone, as
// days since 1970-01-01; ms is in milliseconds since 1970 UTC and may be
// negative. Days outside int32 (6 million years off) are its nearest end.
// It allocates nothing.
func (p *Project) Day(ms int64) int32 {
	_, offset := time.UnixMilli(ms).In(p.zone).Zone()
	day := floorDiv(floorDiv(ms, 1000)+int64(offset), 24*60*60)
	return int32(min(max(day, math.MinInt32), math.MaxInt32))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Zones returns the time zone of each project by its id: what ZoneChanges
// compares a later set with.
func (s *Set) Zones() map[string]string {
	zones := map[string]string{}
	if s != nil {
		for _, p := range s.projects {
			zones[p.ID] = p.TimeZone
		}
	}
	return zones
}

// ZoneChanges returns the ids, sorted, of the projects whose time zone is not
// the recorded one. Stored days were cut in the old zone, so such a set must not
// be used before the days are cut anew. Projects on one side only are no change.
func (s *Set) ZoneChanges(recorded map[string]string) []string {
	if s == nil {
		return nil
	}
	var changed []string
	for _, p := range s.projects {
		if zone, ok := recorded[p.ID]; ok && zone != p.TimeZone {
			changed = append(changed, p.ID)
		}
	}
	return changed
}
