package dedup

import (
	"math/rand/v2"
	"testing"
	"time"
)

// recent equals a list that is searched from its beginning, also when it grows and
// forgets, and whatever the ids are.
func TestRecent_equalsAList(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 5))
	r := newRecent()
	var list []entry
	next, compared := int64(0), 0
	for range 30_000 {
		id := [IDBytes]byte{15: byte(rnd.IntN(256)), 14: byte(rnd.IntN(30))}
		clock := rnd.Int64N(3 * windowMillis)
		var want *entry
		for i := range list {
			if e := &list[i]; e.id == id && e.answers(next, clock) {
				want = e
				break
			}
		}
		got := r.first(&id, next, clock)
		if (got == nil) != (want == nil) {
			t.Fatalf("offset %d: got %v, want %v", next, got, want)
		}
		if got != nil && (got.id != id || !got.answers(next, clock)) {
			t.Fatalf("offset %d: %v does not answer", next, got)
		}
		if got == nil {
			for range 1 + rnd.IntN(2) { // twice is as good as once
				r.add(entry{id, next, clock})
			}
			list = append(list, entry{id, next, clock})
		} else {
			compared++
		}
		next++
		if rnd.IntN(4000) == 0 {
			before := next - rnd.Int64N(1000)
			r.forget(before)
			kept := list[:0]
			for _, e := range list {
				if e.offset >= before {
					kept = append(kept, e)
				}
			}
			list = kept
		}
		if len(r.entries) != len(list) {
			t.Fatalf("offset %d: %d entries, want %d", next, len(r.entries), len(list))
		}
	}
	if compared < 1000 {
		t.Errorf("%d ids were found", compared)
	}
}
