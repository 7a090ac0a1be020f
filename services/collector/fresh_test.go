package collector_test

import (
	"cmp"
	"slices"
	"testing"
)

// fresh returns a function that returns the records that came since it was called
// last, in the order of their places in their requests.
func (s *service) fresh() func(t testing.TB) []raw {
	seen := map[string]bool{}
	return func(t testing.TB) []raw {
		t.Helper()
		var got []raw
		for _, r := range s.records(t) {
			if !seen[r.RID] {
				seen[r.RID] = true
				got = append(got, r)
			}
		}
		slices.SortStableFunc(got, func(a, b raw) int { return cmp.Compare(a.Index, b.Index) })
		return got
	}
}
