package limit

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// shards keeps goroutines out of each other's way; few cores need more.
const shards = 16

// table holds a bucket for each of a bounded number of owners: the time
// since the start of the limiter at which the bucket is full again.
// That one number is all the state a token bucket needs, and each event moves it
// by the time that the rate allots to an event.
type table struct{ shards [shards]shard }

type shard struct {
	mu   sync.Mutex
	full *simplelru.LRU[uint64, time.Duration]
}

func newTable(owners int) *table {
	t := &table{}
	for i := range t.shards {
		lru, err := simplelru.NewLRU[uint64, time.Duration](max(1, owners/shards), nil)
		if err != nil { // only for sizes below 1
			panic(err)
		}
		t.shards[i].full = lru
	}
	return t
}

// take moves the owner's time by cost, unless it is further ahead of now than
// allowed: then it returns by how much.
func (t *table) take(id uint64, now, cost, allowed time.Duration) (wait time.Duration) {
	s := &t.shards[id%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	full, ok := s.full.Get(id)
	if !ok || full < now { // now may be before the start, where a clock was set back
		full = now
	}
	if full-now > allowed {
		return full - now - allowed
	}
	s.full.Add(id, full+cost)
	return 0
}

// giveBack undoes a take.
func (t *table) giveBack(id uint64, cost time.Duration) {
	s := &t.shards[id%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if full, ok := s.full.Peek(id); ok {
		s.full.Add(id, full-cost)
	}
}
