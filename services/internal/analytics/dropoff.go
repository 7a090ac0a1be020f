package analytics

import (
	"cmp"
	"fmt"
	"slices"
)

// DropOffQuery is the parameters of analytics.drop_off_next.
type DropOffQuery struct {
	FunnelQuery
	// AfterStep is the last step that the persons asked for have reached, from
	// 1 to the number of steps less one.
	AfterStep      int
	HorizonSeconds int64
}

// DropOffRow is a row of analytics.drop_off_next.
type DropOffRow struct {
	NextEvent     string
	Persons       int64
	MedianSeconds float64
}

// String returns the columns as text.
func (r DropOffRow) String() string {
	return fmt.Sprintf("%s %d %.9g", r.NextEvent, r.Persons, r.MedianSeconds)
}

// nothing is the next event of those who did none.
const nothing = "(nothing)"

// DropOffNext answers q: of the persons whom Funnel counts as dropped after
// AfterStep, what they did first after the last step of their path, within the
// horizon, inclusive. Any event counts, also one at the start of another attempt.
// Of simultaneous ones the first in the log counts. The most frequent is first.
func DropOffNext(s Stream, q DropOffQuery) []DropOffRow {
	persons := s.Persons()
	seconds := map[string][]float64{}
	for id, p := range q.paths(s) {
		if p.Level != q.AfterStep || q.open(p) {
			continue
		}
		left := p.Times[len(p.Times)-1]
		did, after := nothing, 0.0
		for _, e := range persons[id] {
			if e.Time > left {
				if e.Time <= left+q.HorizonSeconds*1000 {
					did, after = e.Name, float64(e.Time-left)/1000
				}
				break
			}
		}
		seconds[did] = append(seconds[did], after)
	}
	var rows []DropOffRow
	for did, values := range seconds {
		rows = append(rows, DropOffRow{did, int64(len(values)), quantile(values, 0.5)})
	}
	slices.SortFunc(rows, func(a, b DropOffRow) int {
		return cmp.Or(cmp.Compare(b.Persons, a.Persons), cmp.Compare(a.NextEvent, b.NextEvent))
	})
	return rows
}
