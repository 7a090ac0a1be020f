package writer

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/denselog"
)

// randomLog is what writers leave behind: each begins at or below the end of the
// one before, and some come back from the dead and write what others have written.
// A record is the same in every copy.
func randomLog(rnd *rand.Rand) (log []position, next int64) {
	clocks := []int64{rnd.Int64N(10)}
	write := func(from, to int64) {
		for src := from; src < to; src++ {
			if src == int64(len(clocks)) {
				clocks = append(clocks, clocks[src-1]+rnd.Int64N(3)*rnd.Int64N(50))
			}
			log = append(log, position{
				Position: denselog.Position{Src: src, Prev: src - 1}, offset: int64(len(log)), clock: clocks[src],
			})
		}
	}
	for len(log) < 30_000 {
		from := max(0, next-rnd.Int64N(300))
		next = from + 1 + rnd.Int64N(12_000)
		write(from, next)
		for rnd.IntN(2) == 0 {
			late := rnd.Int64N(next)
			write(late, min(next, late+1+rnd.Int64N(200)))
		}
	}
	return log, next
}

func TestDenseLog_locateFindsEveryRecord(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 5))
	for range 20 {
		log, next := randomLog(rnd)
		start, looks := rnd.Int64N(int64(len(log))), 0
		dense := denseLog{start: start, end: int64(len(log)), scan: func(_ context.Context, from, to int64, fn func(position) error) error {
			looks++
			if from < start || to > int64(len(log)) {
				t.Fatalf("read from %d to %d of a log from %d to %d", from, to, start, len(log))
			}
			for _, p := range log[from:max(from, to)] {
				if err := fn(p); err != nil {
					return err
				}
			}
			return nil
		}}
		holds := make(map[int64]bool)
		for _, p := range log[start:] {
			holds[p.Src] = true
		}
		for range 50 {
			want := next - 1 - rnd.Int64N(min(next, 1<<(1+rnd.IntN(15))))
			looks = 0
			at, found, err := dense.locate(t.Context(), 0, want)
			switch {
			case found != holds[want] && log[start].Src <= want: // else it is history, of which only repeats are left
				t.Fatalf("source offset %d: found is %v, the log holds it: %v (%v)", want, found, holds[want], err)
			case found && (err != nil || at.Src != want):
				t.Fatalf("source offset %d: found %+v, %v", want, at, err)
			}
			if looks > 60 {
				t.Errorf("%d looks to find one of %d records", looks, dense.end-dense.start)
			}
		}
		if _, found, err := dense.locate(t.Context(), 0, next+int64(len(log))); found || !errors.Is(err, checkpoint.ErrTruncated) {
			t.Errorf("found an offset beyond the end: %v, %v", found, err)
		}
	}
}
