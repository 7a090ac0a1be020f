package landing

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestBudget_largestMakesRoom(t *testing.T) {
	b := newBudget(100)
	workers := []*worker{{}, {}, {}}
	var held []*holding
	for _, w := range workers {
		held = append(held, b.join(w))
	}
	turns := func() (n [3]bool) {
		for i := range held {
			n[i] = b.turn(held[i])
		}
		return n
	}
	b.grow(held[0], 30)
	b.grow(held[1], 40)
	if !b.room() || turns() != [3]bool{} {
		t.Error("somebody has to make room although there is some")
	}
	b.grow(held[2], 30)
	if b.room() || turns() != [3]bool{false, true, false} {
		t.Errorf("turns %v", turns())
	}
	b.insert(held[1])
	if turns() != [3]bool{true, false, true} {
		t.Errorf("turns %v", turns())
	}
	b.insert(held[0])
	if turns() != [3]bool{} {
		t.Errorf("turns %v, although room comes back by itself", turns())
	}
	changed := b.change()
	b.settle(held[1])
	select {
	case <-changed:
	default:
		t.Error("room is not announced")
	}
	if !b.room() || b.total.Load() != 60 || b.inFlight != 30 {
		t.Errorf("%d bytes, %d in flight", b.total.Load(), b.inFlight)
	}
	for i, w := range workers {
		b.quit(w, held[i])
	}
	if b.total.Load() != 0 || b.inFlight != 0 || len(b.held) != 0 {
		t.Errorf("%d bytes, %d in flight, %d workers are left", b.total.Load(), b.inFlight, len(b.held))
	}
}

// Whatever workers do, as long as nothing is inserted and nobody may gather,
// somebody has its turn.
func TestBudget_neverBlocksEverybody(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range 200 {
		b := newBudget(1000)
		workers := make([]*worker, 1+rnd.IntN(6))
		held := make([]*holding, len(workers))
		for i := range workers {
			workers[i] = &worker{}
			held[i] = b.join(workers[i])
		}
		for range 500 {
			i := rnd.IntN(len(workers))
			h := held[i]
			switch {
			case h.inserting:
				if rnd.IntN(3) == 0 {
					b.settle(h)
				}
			case b.turn(h):
				b.insert(h)
			case b.room():
				b.grow(h, int(h.bytes.Load())+rnd.IntN(100))
			}
			if b.total.Load() > 1100 {
				t.Fatalf("%d bytes", b.total.Load())
			}
			someone := b.room()
			for _, h := range held {
				someone = someone || h.inserting || b.turn(h)
			}
			if !someone {
				t.Fatal("nobody can go on")
			}
		}
	}
}
