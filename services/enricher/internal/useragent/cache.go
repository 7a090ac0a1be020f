package useragent

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync/atomic"
)

// ways is how many texts share a place of the cache: with so many, texts that are
// in use rarely meet in one place while the cache has room for all of them.
const ways = 4

// cache holds the results of the last texts, a fixed number of them. Finding one
// takes no lock and writes nothing that another core reads: one hash, and a
// comparison in the place that it leads to.
//
// The texts of a place stand in the order of their coming. A new one pushes out
// the oldest that was not asked for meanwhile; those before it that were are moved
// to the front, as if they had come anew. So texts that come back stay, however
// many come once in between: a flood of invented user agents mostly pushes out
// itself. The hash has a seed of its own, so nobody can aim at a place.
type cache struct {
	seed   maphash.Seed
	places [][ways]atomic.Pointer[entry]
}

type entry struct {
	text string
	result
	asked atomic.Bool // since it came to the front
}

// newCache returns a cache for that many texts, rounded down to a multiple of
// ways.
func newCache(entries int) *cache {
	return &cache{seed: maphash.MakeSeed(), places: make([][ways]atomic.Pointer[entry], entries/ways)}
}

func (c *cache) place(text string) *[ways]atomic.Pointer[entry] {
	i, _ := bits.Mul64(maphash.String(c.seed, text), uint64(len(c.places))) // as far into places as the hash into its range
	return &c.places[i]
}

// get returns the result for a text, nil when it is not known. It must not be
// changed.
func (c *cache) get(text string) *result {
	place := c.place(text)
	for i := range place {
		if e := place[i].Load(); e != nil && e.text == text {
			if !e.asked.Load() {
				e.asked.Store(true)
			}
			return &e.result
		}
	}
	return nil
}

// add keeps the result for a text. Of two goroutines that add to a place at the
// same time one may undo what the other does, and a reader may miss a text that is
// being moved: it is then read again.
func (c *cache) add(text string, r result) *result {
	added := &entry{text: strings.Clone(text), result: r} // callers' strings alias larger buffers
	place := c.place(text)
	var anew [ways]*entry
	n := 0
	for i := ways - 1; i >= 0; i-- {
		e := place[i].Load()
		if e == nil || !e.asked.Swap(false) {
			break // this one is pushed out
		}
		anew[n] = e
		n++
	}
	if n == ways { // all were asked for: the oldest
		n--
		anew[0] = anew[n]
	}
	// The newest are those that were moved, behind the added one; the others up to
	// the one that is pushed out follow in their order.
	for to := ways - 1; to > n; to-- {
		place[to].Store(place[to-n-1].Load())
	}
	for i := range n {
		place[i+1].Store(anew[i])
	}
	place[0].Store(added)
	return &added.result
}

func (c *cache) len() (n int) {
	for i := range c.places {
		for j := range c.places[i] {
			if c.places[i][j].Load() != nil {
				n++
			}
		}
	}
	return n
}
