package lifecycle

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	stop := limitMemory(100 << 20)
	if got := debug.SetMemoryLimit(-1); got != 100<<20 {
		t.Errorf("the limit is %d", got)
	}
	stop()
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("the limit is %d afterwards, was %d", got, before)
	}
}

func TestLimitMemory_environment(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	before := debug.SetMemoryLimit(-1)
	defer limitMemory(100 << 20)()
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("the limit is %d, was %d", got, before)
	}
}

// What is live gets room for garbage, however small the limit is.
func TestLimitFor(t *testing.T) {
	for _, c := range []struct{ limit, live, want int64 }{
		{200 << 20, 0, 200 << 20},
		{200 << 20, 100 << 20, 200 << 20},
		{200 << 20, 300 << 20, 424 << 20},
		{math.MaxInt64, 300 << 20, math.MaxInt64},
	} {
		if got := limitFor(c.limit, c.live); got != c.want {
			t.Errorf("limit %d with %d live is %d, want %d", c.limit, c.live, got, c.want)
		}
	}
}

func TestLiveHeap(t *testing.T) {
	kept := make([]byte, 64<<20)
	runtime.GC()
	if live := liveHeap(); live < int64(len(kept)) {
		t.Errorf("%d bytes are live, %d are kept", live, len(kept))
	}
	runtime.KeepAlive(kept)
}
