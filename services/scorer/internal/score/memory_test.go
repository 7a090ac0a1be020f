package score

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"touchline.dev/services/scorer/internal/scorertest"
)

// The memory of a person with one fragment is what the documentation of the
// service states, and what the metric says.
func TestMemory_ofAPerson(t *testing.T) {
	const n = 5000
	r := rand.New(rand.NewPCG(1, 2))
	p := newPersons()
	before := scorertest.Heap()
	for i := range n {
		if _, err := p.take(scorertest.Visitor(t, r, r.Uint64(), fmt.Sprintf("shop/d/0191e7a5-4f64-7c5e-a9f4-%012x", i))); err != nil {
			t.Fatal(err)
		}
	}
	used := scorertest.Heap() - before
	runtime.KeepAlive(p)
	t.Logf("in memory %d, by the metric %d", used/n, p.bytes/n)
	if perPerson := used / n; perPerson < 600 || perPerson > 1000 {
		t.Errorf("%d bytes a person, the documentation says 710", perPerson)
	}
	if ratio := float64(p.bytes) / float64(used); ratio < 0.75 || ratio > 1.25 {
		t.Errorf("the metric says %.2f of what is used", ratio)
	}
}
