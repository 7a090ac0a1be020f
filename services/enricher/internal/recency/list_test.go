package recency_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"touchline.dev/services/enricher/internal/recency"
)

// A list behaves like a plain slice in the order of use.
func TestList(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	type used struct {
		number  int32
		touched int64
	}
	var want []used
	list := recency.New()
	most, clock := 0, int64(0)
	for range 20_000 {
		clock += rnd.Int64N(3)
		switch action := rnd.IntN(5); {
		case action < 2 && len(want) < 40:
			n := list.Add()
			if slices.ContainsFunc(want, func(u used) bool { return u.number == n }) || int(n) > most {
				t.Fatalf("Add gave %d while %v are in use, of %d ever", n, want, most)
			}
			most = max(most, len(want)+1)
			want = append(want, used{n, clock})
			list.Touch(n, clock)
		case action < 4 && len(want) > 0:
			i := rnd.IntN(len(want))
			u := want[i]
			late := clock - rnd.Int64N(5)
			u.touched = max(u.touched, late)
			want = append(slices.Delete(want, i, i+1), u)
			list.Touch(u.number, late)
		case len(want) > 0:
			i := rnd.IntN(len(want))
			list.Remove(want[i].number)
			want = slices.Delete(want, i, i+1)
		}
		oldest, before := int32(recency.None), int32(recency.None)
		limit := clock - rnd.Int64N(60)
		if len(want) > 0 {
			oldest = want[0].number
			if want[0].touched < limit {
				before = oldest
			}
		}
		if list.Len() != len(want) || list.Oldest() != oldest || list.OldestBefore(limit) != before {
			t.Fatalf("Len %d, Oldest %d, OldestBefore(%d) %d; want %d, %d, %d of %v",
				list.Len(), list.Oldest(), limit, list.OldestBefore(limit), len(want), oldest, before, want)
		}
	}
	for list.Len() > 0 {
		if list.Oldest() != want[0].number {
			t.Fatalf("oldest is %d, want %v", list.Oldest(), want)
		}
		list.Remove(want[0].number)
		want = want[1:]
	}
	if list.Oldest() != recency.None {
		t.Errorf("an empty list has %d", list.Oldest())
	}
}

func BenchmarkTouch(b *testing.B) {
	list := recency.New()
	const numbers = 1 << 16
	for range numbers {
		list.Add()
	}
	b.ReportAllocs()
	n := int32(0)
	for b.Loop() {
		n = (n + 40_503) % numbers
		list.Touch(n, int64(n))
	}
}
