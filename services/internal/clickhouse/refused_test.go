package clickhouse_test

import (
	"errors"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"touchline.dev/services/internal/clickhouse"
)

// refusesSome answers as a table does that refuses these things.
func refusesSome(bad []int, probes, asked *int) func(lo, hi int) error {
	return func(lo, hi int) error {
		*probes++
		*asked += hi - lo
		for _, b := range bad {
			if lo <= b && b < hi {
				return violated
			}
		}
		return nil
	}
}

var violated = &clickhouse.Error{Code: 469, Status: 500, Message: "Constraint `has_project` is violated"}

func TestFindRefused_findsThemAllInFewProbes(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 500 {
		n := 1 + r.IntN(3000)
		k := r.IntN(min(n, 20) + 1)
		bad := r.Perm(n)[:k]
		slices.Sort(bad)
		var probes, asked int
		found, err := clickhouse.FindRefused(n, 20, refusesSome(bad, &probes, &asked))
		if err != nil || !slices.Equal(found, bad) {
			t.Fatalf("seed %d: found %v of %v among %d: %v", seed, found, bad, n, err)
		}
		if most := 1 + 2*k*bits.Len(uint(n-1)); probes > most {
			t.Errorf("seed %d: %d probes for %d of %d, want at most %d", seed, probes, k, n, most)
		}
		if k == 1 && asked >= 3*n+bits.Len(uint(n)) {
			t.Errorf("seed %d: %d things were asked about for one of %d", seed, asked, n)
		}
	}
}

func TestFindRefused_givesUp(t *testing.T) {
	var probes, asked int
	all := make([]int, 1000)
	for i := range all {
		all[i] = i
	}
	found, err := clickhouse.FindRefused(1000, 200, refusesSome(all, &probes, &asked))
	if !errors.Is(err, clickhouse.ErrManyRefused) || found != nil {
		t.Errorf("%d of 1000 found: %v, want ErrManyRefused", len(found), err)
	}
	if probes > 600 {
		t.Errorf("%d probes before it gave up", probes)
	}
	found, err = clickhouse.FindRefused(200, 200, refusesSome(all, &probes, &asked))
	if err != nil || len(found) != 200 {
		t.Errorf("as many as allowed: %d found, %v", len(found), err)
	}

	_, err = clickhouse.FindRefused(8, 200, func(lo, hi int) error {
		if hi-lo >= 3 {
			return violated
		}
		return nil
	})
	if !errors.Is(err, clickhouse.ErrRefusedTogether) {
		t.Errorf("refused together: %v, want ErrRefusedTogether", err)
	}

	trouble := &clickhouse.Error{Code: 241, Status: 500}
	_, err = clickhouse.FindRefused(8, 200, func(lo, _ int) error {
		if lo == 4 {
			return trouble
		}
		return violated
	})
	if !errors.Is(err, trouble) {
		t.Errorf("trouble in between: %v", err)
	}

	if found, err := clickhouse.FindRefused(0, 200, func(int, int) error { return violated }); found != nil || err != nil {
		t.Errorf("of nothing: %v, %v", found, err)
	}
}
