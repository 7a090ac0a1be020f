package landing

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Small inserts keep the server busy for their share of the time, one at a time,
// and every worker has its turn.
func TestGate_paces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(0.25)
		const each, took = 25, 30 * time.Millisecond
		workers := []*worker{{}, {}, {}, {}}
		var mu sync.Mutex
		busy, most := 0, 0
		passes := map[*worker]int{}
		start := time.Now()
		var wg sync.WaitGroup
		for _, w := range workers {
			wg.Go(func() {
				for range each {
					for ok, again := g.enter(w); !ok; ok, again = g.enter(w) {
						time.Sleep(again)
					}
					mu.Lock()
					busy++
					most = max(most, busy)
					passes[w]++
					for _, other := range workers {
						if passes[w] > passes[other]+2 {
							t.Error("a worker overtakes another")
						}
					}
					mu.Unlock()
					time.Sleep(took)
					mu.Lock()
					busy--
					mu.Unlock()
					g.leave(took)
				}
			})
		}
		wg.Wait()
		if most != 1 {
			t.Errorf("%d inserts at once", most)
		}
		total, least := time.Since(start), 4*each*took*4
		// A worker that waits behind others may come a step late.
		if total < least-3*took || total > least+4*each*gateStep {
			t.Errorf("took %s, want %s to %s", total, least, least+4*each*gateStep)
		}
	})
}

func TestGate_opensAtOnceWhenNobodyWasThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(0.25)
		a, b, c := &worker{}, &worker{}, &worker{}
		if ok, _ := g.enter(a); !ok {
			t.Error("a free gate is closed")
		}
		if ok, _ := g.enter(b); ok {
			t.Error("two are inside")
		}
		if ok, _ := g.enter(c); ok {
			t.Error("two are inside")
		}
		g.leave(time.Hour)
		if ok, again := g.enter(b); ok || again > maxPause {
			t.Errorf("the gate opens after %s", again)
		}
		time.Sleep(maxPause)
		if ok, _ := g.enter(c); ok {
			t.Error("the second in the queue is let in")
		}
		g.cancel(b)
		if ok, _ := g.enter(c); !ok {
			t.Error("nobody is let in")
		}
		g.leave(0)
		if ok, _ := g.enter(a); !ok {
			t.Error("the gate stays closed after no time")
		}
	})
}

func TestGate_wholeShareHasNoPause(t *testing.T) {
	g := newGate(1)
	for range 3 {
		if ok, _ := g.enter(&worker{}); !ok {
			t.Fatal("closed")
		}
		g.leave(time.Hour)
	}
}
