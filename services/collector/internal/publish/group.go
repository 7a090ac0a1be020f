package publish

import (
	"sync"
	"time"
)

// group commits batches in groups: while one group is on its way to the log, the
// batches that come wait for its acknowledgement and then leave together. So the
// slower the log, the more records a produce request holds, and the log's cost
// for each, a synced write above all, is shared by more of them. A batch that
// finds nothing under way leaves at once.
//
// It is for many goroutines.
type group struct {
	produce func(*Batch)
	// open is how long batches may join a group that has begun to leave: the
	// producer lingers for as long. full is how long they wait at most for the
	// acknowledgement of another group: a partition that stalls must not hold up
	// the others.
	open, full time.Duration

	mu      sync.Mutex
	left    time.Time // when the last group began to leave
	away    int       // batches on their way
	waiting []*Batch
	late    *time.Timer // runs leave
}

func newGroup(open, full time.Duration, produce func(*Batch)) *group {
	g := &group{produce: produce, open: open, full: full}
	g.late = time.AfterFunc(time.Hour, g.leave)
	g.late.Stop()
	return g
}

// send hands b to the producer, now or with the next group.
func (g *group) send(b *Batch, now time.Time) {
	g.mu.Lock()
	since := now.Sub(g.left)
	if g.away > 0 && since >= g.open {
		g.waiting = append(g.waiting, b)
		if len(g.waiting) == 1 {
			g.late.Reset(g.full - since)
		}
		g.mu.Unlock()
		return
	}
	if g.away == 0 {
		g.left = now
	}
	g.away++
	g.mu.Unlock()
	g.produce(b)
}

// landed notes that a batch is acknowledged or given up.
func (g *group) landed() {
	g.mu.Lock()
	g.away--
	next := g.away == 0 && len(g.waiting) > 0
	g.mu.Unlock()
	if next {
		// Not here: the client calls this between the acknowledgements of others.
		go g.leave()
	}
}

// leave lets everything that waits leave.
func (g *group) leave() {
	g.mu.Lock()
	g.late.Stop()
	batches := g.waiting
	if len(batches) == 0 { // an acknowledgement and the timer came together
		g.mu.Unlock()
		return
	}
	g.waiting = make([]*Batch, 0, len(batches))
	g.left = time.Now()
	g.away += len(batches)
	g.mu.Unlock()
	for _, b := range batches {
		g.produce(b)
	}
}
