package landing

import (
	"slices"
	"sync"
	"time"
)

// gate paces the small inserts of a process: each costs ClickHouse about 20 ms of
// CPU however few rows it has. One passes at a time, and after one that took d the
// gate stays closed for d*(1/share-1), so small inserts keep the server busy for
// at most that share of the time, whatever its speed. Workers pass in the order in
// which they came. It is safe for concurrent use.
type gate struct {
	share float64

	mu     sync.Mutex // guards the following
	queue  []*worker
	inside bool
	// opens is when the pause after the last insert is over.
	opens time.Time
}

const (
	// smallRows is what a small insert has less of. From 10,000 rows on the cost
	// of an insert is that of its rows.
	smallRows = 10_000
	// gateStep is how often a worker that waits behind others looks again.
	gateStep = 10 * time.Millisecond
	// maxPause keeps a slow insert from closing the gate for longer than chunks
	// should wait: from a third of a second on (at a share of a quarter), slowness
	// itself spaces inserts.
	maxPause = time.Second
)

func newGate(share float64) *gate { return &gate{share: share} }

// enter asks to pass. When it may not yet, the worker keeps its place in the
// queue and asks again after the time returned; leave or cancel must follow.
func (g *gate) enter(w *worker) (ok bool, again time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Contains(g.queue, w) {
		g.queue = append(g.queue, w)
	}
	wait := time.Until(g.opens)
	switch {
	case g.inside || g.queue[0] != w:
		return false, max(wait, gateStep)
	case wait > 0:
		return false, wait
	}
	g.queue = g.queue[1:]
	g.inside = true
	return true, 0
}

// leave lets the next one in after the pause for an insert that took so long.
func (g *gate) leave(took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside = false
	pause := min(maxPause, time.Duration(float64(took)*(1/g.share-1)))
	g.opens = time.Now().Add(pause)
}

// cancel gives up the worker's place in the queue.
func (g *gate) cancel(w *worker) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queue = slices.DeleteFunc(g.queue, func(q *worker) bool { return q == w })
}
