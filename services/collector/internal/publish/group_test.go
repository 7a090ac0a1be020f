package publish

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testOpen = 2 * time.Millisecond
	testFull = 30 * time.Millisecond
)

// log is a producer that notes what it is handed and when.
type log struct {
	mu       sync.Mutex // guards the rest
	produced []*Batch
	at       []time.Time
}

func (l *log) produce(b *Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.produced = append(l.produced, b)
	l.at = append(l.at, time.Now())
}

func (l *log) want(t *testing.T, what string, batches ...*Batch) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.produced, batches) {
		t.Fatalf("%s: %d batches produced, want %d", what, len(l.produced), len(batches))
	}
}

func TestGroupWaitsForTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{}
		g := newGroup(testOpen, testFull, l.produce)
		a, b, c, d, e := &Batch{}, &Batch{}, &Batch{}, &Batch{}, &Batch{}
		g.send(a, time.Now())
		l.want(t, "nothing is under way", a)
		time.Sleep(testOpen / 2)
		g.send(b, time.Now())
		l.want(t, "the group is open", a, b)
		time.Sleep(testOpen)
		g.send(c, time.Now())
		g.send(d, time.Now())
		g.landed()
		synctest.Wait()
		l.want(t, "one of two is acknowledged", a, b)
		g.landed()
		synctest.Wait()
		l.want(t, "the group is acknowledged", a, b, c, d)
		g.landed()
		g.landed()
		time.Sleep(testFull)
		g.send(e, time.Now())
		l.want(t, "nothing is under way again", a, b, c, d, e)
		g.landed()
	})
}

// An acknowledgement that never comes holds nothing up for longer than testFull.
func TestGroupDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &log{}
		g := newGroup(testOpen, testFull, l.produce)
		began := time.Now()
		stuck := &Batch{}
		g.send(stuck, began)
		for range 100 {
			time.Sleep(time.Millisecond)
			g.send(&Batch{}, time.Now())
		}
		time.Sleep(testFull)
		synctest.Wait()
		if len(l.produced) != 101 {
			t.Fatalf("%d batches produced, want 101", len(l.produced))
		}
		for i, at := range l.at[1:] {
			sent := began.Add(time.Duration(i+1) * time.Millisecond)
			if waited := at.Sub(sent); waited > testFull {
				t.Errorf("batch %d waited %s", i, waited)
			}
		}
	})
}

// Whatever comes between, each batch is produced exactly once.
func TestGroupProducesEachBatchOnce(t *testing.T) {
	const senders, each = 16, 200
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	produced := map[*Batch]int{}
	landings := make(chan struct{}, senders*each)
	g := newGroup(100*time.Microsecond, time.Millisecond, func(b *Batch) {
		mu.Lock()
		produced[b]++
		mu.Unlock()
		b.done <- struct{}{}
	})
	var wait sync.WaitGroup
	for i := range senders {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		wait.Go(func() {
			for range each {
				b := &Batch{done: make(chan struct{}, 1)}
				g.send(b, time.Now())
				select {
				case <-b.done:
				case <-time.After(20 * time.Second):
					t.Error("a batch was not produced")
					return
				}
				if random.IntN(4) == 0 {
					g.landed()
					continue
				}
				landings <- struct{}{}
				if random.IntN(8) == 0 {
					for range len(landings) {
						select {
						case <-landings:
							g.landed()
						default:
						}
					}
				}
			}
		})
	}
	wait.Wait()
	if len(produced) != senders*each {
		t.Errorf("%d batches produced, want %d", len(produced), senders*each)
	}
	for _, n := range produced {
		if n != 1 {
			t.Fatalf("a batch was produced %d times", n)
		}
	}
	if g.away != len(landings) || len(g.waiting) != 0 {
		t.Errorf("%d away, want %d; %d wait", g.away, len(landings), len(g.waiting))
	}
}
