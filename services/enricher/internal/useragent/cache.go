package useragent

import (
	"strings"
	"sync"
)

// cache holds the results of the last texts, at most twice half of them. A text
// that is asked for again moves to the young half; when that is full it becomes
// the old one and the old one is forgotten. So texts that come back stay, however
// many come once in between: a flood of invented user agents takes their place
// only if they are not asked for while half as many others come.
type cache struct {
	mu         sync.Mutex
	half       int
	young, old map[string]result
}

func newCache(entries int) *cache {
	half := max(entries/2, 1)
	return &cache{half: half, young: make(map[string]result, half), old: map[string]result{}}
}

func (c *cache) get(text string) (result, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.young[text]; ok {
		return r, true
	}
	r, ok := c.old[text]
	if ok {
		c.put(strings.Clone(text), r)
	}
	return r, ok
}

func (c *cache) add(text string, r result) {
	text = strings.Clone(text) // callers' strings alias larger buffers
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(text, r)
}

func (c *cache) put(text string, r result) {
	if len(c.young) >= c.half {
		c.old, c.young = c.young, make(map[string]result, c.half)
	}
	c.young[text] = r
}

func (c *cache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.young) + len(c.old)
}
