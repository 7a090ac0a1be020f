package lifecycle

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// The budget of a consumer's process, in MiB, at full speed with a backlog, for 12
// partitions and one broker:
//
//   - 30: the program and the runtime
//   - 62: what is fetched. Each of two consumers has 8 waiting
//     (kafka.GroupOptions.QueueBytes), for each partition a piece of 0.7 beyond that
//     and one in the hands of its worker, and 6 that the client holds
//   - 16: what is produced and not acknowledged
//   - 96: chunks on their way into tables (landing.max_bytes)
//   - 30: rules, caches, the deduplication index
//
// These are bounds; with 4 partitions and 64 for chunks 85 to 120 were live, measured.
// Garbage comes on top. Left alone the runtime lets the heap double; with the limit it
// collects more often instead, once the process has come near to it.
const (
	// headroom is what garbage may take at least, as a part of what is live. The
	// runtime would otherwise collect without end in a process whose live data is
	// near its limit, or beyond it: the scorer's grows with the number of persons.
	// With a third the collector works three times as often as by default.
	headroom = 3
	// otherMemory is what the limit covers besides the heap: stacks, the runtime's
	// own tables and fragments.
	otherMemory = 24 << 20
	// adjustEvery is how often that is looked at; data that is kept grows by
	// megabytes a second at most.
	adjustEvery = time.Second
)

// limitMemory sets the runtime's soft limit and keeps it at a distance from what is
// live, until stop is called, which sets it back. A GOMEMLIMIT in the environment
// has been set already, and is left alone.
func limitMemory(limit int64) (stop func()) {
	if _, set := os.LookupEnv("GOMEMLIMIT"); set || limit == 0 {
		return func() {}
	}
	before := debug.SetMemoryLimit(limit)
	over := make(chan struct{})
	var adjusting sync.WaitGroup
	adjusting.Go(func() {
		tick := time.NewTicker(adjustEvery)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				debug.SetMemoryLimit(limitFor(limit, liveHeap()))
			}
		}
	})
	return func() {
		close(over)
		adjusting.Wait()
		debug.SetMemoryLimit(before)
	}
}

// limitFor returns the limit that leaves room for garbage.
func limitFor(limit, live int64) int64 {
	return max(limit, live+live/headroom+otherMemory)
}

// liveHeap returns what the last collection found alive.
func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
