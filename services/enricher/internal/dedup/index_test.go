package dedup_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"touchline.dev/services/enricher/internal/dedup"
)

const (
	hour = int64(time.Hour / time.Millisecond)
	day  = 24 * hour
	base = 20_000 * day
)

func id(n byte) (i [dedup.IDBytes]byte) { i[0] = n; return i }

func open(t *testing.T, dir string) *dedup.Store {
	t.Helper()
	s, err := dedup.Open(dir, dedup.Options{Trouble: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func partition(t *testing.T, s *dedup.Store, n int32) *dedup.Index {
	t.Helper()
	x, err := s.Partition([16]byte{1}, n)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// first asserts what First answers; want -1 means nothing.
func first(t *testing.T, x *dedup.Index, i [dedup.IDBytes]byte, offset, millis, want int64) {
	t.Helper()
	got, found, err := x.First(i, offset, millis)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		got = -1
	}
	if got != want {
		t.Errorf("First(%d, offset %d, day %d) = %d, want %d", i[0], offset, (millis-base)/day, got, want)
	}
}

func apply(t *testing.T, x *dedup.Index, next, millis int64) {
	t.Helper()
	if err := x.Apply(next, millis); err != nil {
		t.Fatal(err)
	}
}

func TestIndex_answersOnlyWithSmallerOffsetsInsideTheWindow(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	x := partition(t, s, 3)
	x.Add(id(1), 10, base)
	for _, applied := range []bool{false, true} {
		if applied {
			apply(t, x, 11, base)
		}
		first(t, x, id(1), 11, base, 10)
		first(t, x, id(1), 11, base+1, 10)
		first(t, x, id(1), 99, base+7*day, 10)
		first(t, x, id(1), 99, base+7*day+1, -1)
		first(t, x, id(1), 10, base, -1)
		first(t, x, id(1), 9, base, -1)
		first(t, x, id(2), 11, base, -1)
	}
	other := partition(t, s, 4)
	first(t, other, id(1), 11, base, -1)
}

func TestIndex_survivesReopeningWithItsOffset(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	x := partition(t, s, 0)
	x.Add(id(1), 10, base)
	apply(t, x, 42, base)
	x.Add(id(2), 50, base)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer s.Close()
	x = partition(t, s, 0)
	if x.Next() != 42 {
		t.Errorf("Next = %d, want 42", x.Next())
	}
	first(t, x, id(1), 42, base, 10)
	first(t, x, id(2), 60, base, -1)
}

func TestIndex_refusesAnotherTopic(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	apply(t, partition(t, s, 0), 1, base)
	if _, err := s.Partition([16]byte{2}, 0); !errors.Is(err, dedup.ErrOtherLog) {
		t.Errorf("opening for another topic: %v, want ErrOtherLog", err)
	}
}

func TestStore_opensOnceOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := dedup.Open(dir, dedup.Options{}); err == nil {
		t.Error("a second open succeeded")
	}
}

func TestStore_openFailsOnAFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dedup.Open(dir, dedup.Options{}); err == nil {
		t.Error("opening a file succeeded")
	}
}

// The index equals a model that remembers everything, over months, restarts and
// records that are processed again from a random earlier offset.
func TestIndex_equalsAModelOverRestartsAndRedo(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	type record struct {
		id     [dedup.IDBytes]byte
		millis int64
	}
	var log []record
	now := base
	for range 4000 {
		now += rnd.Int64N(3 * hour)
		log = append(log, record{id(byte(rnd.IntN(200))), now})
	}
	// want[i] is the offset record i repeats, or -1.
	want := make([]int64, len(log))
	last := make(map[[dedup.IDBytes]byte]int64)
	for i, r := range log {
		want[i] = -1
		if f, ok := last[r.id]; ok && r.millis-log[f].millis <= 7*day {
			want[i] = f
			continue
		}
		last[r.id] = int64(i)
	}
	dir := t.TempDir()
	s := open(t, dir)
	x := partition(t, s, 0)
	for at := 0; at < len(log); {
		upTo := min(len(log), at+1+rnd.IntN(50))
		for ; at < upTo; at++ {
			r := log[at]
			got, found, err := x.First(r.id, int64(at), r.millis)
			if err != nil {
				t.Fatal(err)
			}
			if !found {
				got = -1
				x.Add(r.id, int64(at), r.millis)
			}
			if got != want[at] {
				t.Fatalf("offset %d: repeats %d, want %d", at, got, want[at])
			}
		}
		apply(t, x, int64(at), log[at-1].millis)
		switch rnd.IntN(10) {
		case 0:
			// Entries outlive the window by topics.DedupMargin, so that far a
			// record may be processed again.
			for back := at - 1; at > 0 && log[back].millis-log[at-1].millis < day; {
				at--
				if rnd.IntN(8) == 0 {
					break
				}
			}
		case 1:
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
			x = partition(t, s, 0)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
