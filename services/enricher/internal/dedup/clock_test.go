package dedup_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"touchline.dev/services/enricher/internal/dedup"
)

// hop is a stretch of true time in which one clock is off by some amount.
type hop struct {
	from, to, by int64
	broker       bool
}

func (h hop) at(now int64) int64 {
	if now >= h.from && now < h.to {
		return h.by
	}
	return 0
}

// received is one record of a stream: an id and the true time.
type received struct {
	id  [dedup.IDBytes]byte
	now int64
}

// stream is months of records; a third repeat an earlier id after up to 14 days.
func stream(rnd *rand.Rand) []received {
	var s []received
	now := base
	for i := range 3000 {
		now += rnd.Int64N(hour)
		r := received{now: now}
		if i > 0 && rnd.IntN(3) == 0 {
			r.id = s[max(0, i-1-rnd.IntN(700))].id
		} else {
			r.id = [dedup.IDBytes]byte{byte(i >> 8), byte(i), 1}
		}
		s = append(s, r)
	}
	return s
}

// hops are stretches in which the broker's or the collector's clock is off by up
// to 30 days, never both.
func hops(rnd *rand.Rand, s []received) []hop {
	var h []hop
	for now := base; now < s[len(s)-1].now; {
		from := now + rnd.Int64N(10*day)
		now = from + 1 + rnd.Int64N(3*day)
		h = append(h, hop{from: from, to: now, by: rnd.Int64N(60*day) - 30*day, broker: rnd.IntN(2) == 0})
	}
	return h
}

// duplicates runs a stream through an index and returns the offset that each
// record repeats, or -1.
func duplicates(t *testing.T, s []received, h []hop) (firsts, clocks []int64) {
	t.Helper()
	store := open(t, t.TempDir())
	defer store.Close()
	x := partition(t, store, 0)
	var clock int64
	for i, r := range s {
		appended, taken := r.now, r.now-rand.Int64N(5000)
		for _, h := range h {
			if h.broker {
				appended += h.at(r.now)
			} else {
				taken += h.at(r.now)
			}
		}
		clock = dedup.Tick(clock, appended, taken)
		first, found, err := x.First(r.id, int64(i), clock)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			first = -1
			x.Add(r.id, int64(i), clock)
		}
		firsts, clocks = append(firsts, first), append(clocks, clock)
		if i%50 == 0 {
			apply(t, x, int64(i)+1, clock)
		}
	}
	return firsts, clocks
}

// A clock that runs ahead by itself changes nothing at all.
func TestTick_aClockThatRunsAheadChangesNoDecision(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	for range 5 {
		s := apart(stream(rnd), 10_000)
		ahead := hops(rnd, s)
		for i := range ahead {
			ahead[i].by = max(ahead[i].by, -ahead[i].by)
		}
		want, _ := duplicates(t, s, nil)
		got, _ := duplicates(t, s, ahead)
		equal(t, got, want)
	}
}

// A clock that falls back holds the time still: never for longer than it is off,
// and the decisions are the same but for retries about the window's edge.
func TestTick_clocksThatJumpChangeNoDecisionAwayFromTheEdge(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 3))
	for range 5 {
		s := stream(rnd)
		jumps := hops(rnd, s)
		// A stretch lasts 3 days at most.
		s = apart(s, 3*day+10_000)
		want, _ := duplicates(t, s, nil)
		got, clocks := duplicates(t, s, jumps)
		equal(t, got, want)
		behind := int64(0)
		for i, r := range s {
			behind = max(behind, r.now-clocks[i])
			if clocks[i] > r.now {
				t.Fatalf("record %d: the time %d is ahead of the truth %d", i, clocks[i], r.now)
			}
		}
		if behind > 3*day+6*hour || behind < hour {
			t.Errorf("the time fell behind by %s", time.Duration(behind)*time.Millisecond)
		}
	}
}

// apart leaves out the records that repeat an id after about a window, give or
// take slack, counted from any earlier record of it.
func apart(s []received, slack int64) []received {
	seen := make(map[[dedup.IDBytes]byte][]int64)
	return slices.DeleteFunc(s, func(r received) bool {
		for _, at := range seen[r.id] {
			if d := r.now - at - 7*day; max(d, -d) <= slack {
				return true
			}
		}
		seen[r.id] = append(seen[r.id], r.now)
		return false
	})
}

func equal(t *testing.T, got, want []int64) {
	t.Helper()
	repeats := 0
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("record %d repeats %d, want %d", i, got[i], want[i])
		}
		if want[i] >= 0 {
			repeats++
		}
	}
	if repeats < 100 || repeats > len(want)*9/10 {
		t.Fatal(fmt.Sprint("the stream proves nothing: repeats ", repeats, " of ", len(want)))
	}
}
