package landing

import (
	"sync"
	"sync/atomic"
)

// budget bounds what the chunks of all workers of a process take in memory. When
// it is used up, nobody gathers further, and the largest chunk is inserted, unless
// half of the budget is being inserted already: room comes back by itself then.
// It is safe for concurrent use.
type budget struct {
	limit int64
	total atomic.Int64

	mu       sync.Mutex // guards the following
	held     map[*worker]*holding
	inFlight int64
	// changed is closed and made anew when there may be room or a turn.
	changed chan struct{}
}

// holding is what one worker has taken of the budget.
type holding struct {
	bytes     atomic.Int64
	inserting bool
}

func newBudget(limit int64) *budget {
	return &budget{limit: limit, held: make(map[*worker]*holding), changed: make(chan struct{})}
}

// join makes the worker one of those that share the budget.
func (b *budget) join(w *worker) *holding {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := &holding{}
	b.held[w] = h
	return h
}

// quit gives back all that the worker holds.
func (b *budget) quit(w *worker, h *holding) {
	b.settle(h)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.held, w)
}

// grow notes the size of the worker's chunk.
func (b *budget) grow(h *holding, bytes int) {
	b.total.Add(int64(bytes) - h.bytes.Swap(int64(bytes)))
}

// room reports whether further records may be gathered.
func (b *budget) room() bool { return b.total.Load() < b.limit }

// turn reports whether the budget is used up and this worker is the one to make
// room.
func (b *budget) turn(h *holding) bool {
	if b.room() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if h.inserting || h.bytes.Load() == 0 || 2*b.inFlight >= b.limit {
		return false
	}
	for _, other := range b.held {
		if !other.inserting && other.bytes.Load() > h.bytes.Load() {
			return false
		}
	}
	return true
}

// insert notes that the chunk is being inserted.
func (b *budget) insert(h *holding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h.inserting = true
	b.inFlight += h.bytes.Load()
	b.wake()
}

// settle gives the bytes of a chunk back.
func (b *budget) settle(h *holding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := h.bytes.Swap(0)
	b.total.Add(-was)
	if h.inserting {
		h.inserting = false
		b.inFlight -= was
	}
	b.wake()
}

// wake is called with mu held.
func (b *budget) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// change returns a channel that is closed at the next change.
func (b *budget) change() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}
