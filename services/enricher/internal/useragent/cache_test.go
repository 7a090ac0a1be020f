package useragent

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
)

// What is asked for again and again is found in spite of ten times as many texts
// that come once: here 2,560 of them between two times, in a cache of 16,384.
func TestCache_flood(t *testing.T) {
	const entries, inUse, rounds = 16384, 256, 5000
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	c := newCache(entries)
	get := func(text string) bool {
		if found := c.get(text); found != nil {
			if found.browser != text {
				t.Fatalf("%s is given for %s", found.browser, text)
			}
			return true
		}
		if added := c.add(text, result{browser: text}); added.browser != text {
			t.Fatalf("%s is given for %s", added.browser, text)
		}
		return false
	}
	asked, found := 0, 0
	for i := range rounds {
		hit := get(strconv.Itoa(r.IntN(inUse)))
		if i > 10*inUse { // all of them have come
			asked++
			if hit {
				found++
			}
		}
		for j := range 10 {
			get(fmt.Sprint("invented ", i, " ", j))
		}
	}
	t.Logf("%d of %d are found", found, asked)
	if found < asked*9/10 {
		t.Errorf("%d of %d are found", found, asked)
	}
	if n := c.len(); n > entries {
		t.Errorf("%d entries in a cache of %d", n, entries)
	}
}

// As many texts as fill half of the cache all stay in it, but for few.
func TestCache_keepsWhatIsInUse(t *testing.T) {
	const entries = 16384
	c, missed := newCache(entries), 0
	for round := range 4 {
		for i := range entries / 2 {
			text := strconv.Itoa(i)
			if c.get(text) == nil {
				c.add(text, result{})
				if round > 0 {
					missed++
				}
			}
		}
	}
	// A place has two texts on average, and more than four in a twentieth of them.
	if missed > entries/4 {
		t.Errorf("%d of %d misses", missed, 3*entries/2)
	}
}

func TestCache_concurrent(t *testing.T) {
	c := newCache(64)
	var wait sync.WaitGroup
	for g := range 4 {
		wait.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 0))
			for range 20_000 {
				text := strconv.Itoa(r.IntN(200))
				found := c.get(text)
				if found == nil {
					found = c.add(text, result{browser: text})
				}
				if found.browser != text {
					t.Errorf("%s is given for %s", found.browser, text)
					return
				}
			}
		})
	}
	wait.Wait()
	if n := c.len(); n > 64 {
		t.Errorf("%d entries in a cache of 64", n)
	}
}
