package fold

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/scorertest"
)

// The memory of a fragment is what the documentation of the service states, and
// what the metric says.
func TestMemory_ofAFragment(t *testing.T) {
	const n = 5000
	r := rand.New(rand.NewPCG(1, 2))
	s := newStore(fragment.New(fragment.Watch{}), 0)
	before, wire := scorertest.Heap(), 0
	for i := range n {
		rec := scorertest.Visitor(t, r, r.Uint64(), fmt.Sprintf("shop/d/0191e7a5-4f64-7c5e-a9f4-%012x", i))
		wire += len(rec.Value)
		if err := s.restore(rec); err != nil {
			t.Fatal(err)
		}
	}
	s.restored(2)
	used := scorertest.Heap() - before
	runtime.KeepAlive(s)
	t.Logf("a snapshot takes %d bytes, in memory %d, by the metric %d", wire/n, used/n, s.bytes/n)
	if perFragment := used / n; perFragment < 700 || perFragment > 1200 {
		t.Errorf("%d bytes a fragment, the documentation says 850", perFragment)
	}
	if ratio := float64(s.bytes) / float64(used); ratio < 0.75 || ratio > 1.25 {
		t.Errorf("the metric says %.2f of what is used", ratio)
	}
}
