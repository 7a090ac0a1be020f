package dedup_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	hour = int64(time.Hour / time.Millisecond)
	day  = 24 * hour
	base = 20_000 * day
)

func id(n byte) (i [dedup.IDBytes]byte) { i[0] = n; return i }

func deps(t *testing.T) telemetry.Deps {
	return telemetry.Deps{
		Log: zaptest.NewLogger(t, zaptest.Level(zap.FatalLevel)), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(),
	}
}

func open(t *testing.T, dir string) *dedup.Store {
	t.Helper()
	d := deps(t)
	s, err := dedup.Open(dir, 0, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if reasons := d.Health.Reasons(); len(reasons) > 0 {
			t.Errorf("unhealthy: %v", reasons)
		}
	})
	return s
}

func logOf(topic byte, epoch uint64) dedup.Log {
	return dedup.Log{Topic: [16]byte{topic}, Epoch: epoch}
}

func partition(t *testing.T, s *dedup.Store, n int32) *dedup.Index {
	t.Helper()
	x, err := s.Partition(logOf(1, 0), n)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// shut closes an index and its store.
func shut(t *testing.T, s *dedup.Store, x ...*dedup.Index) {
	t.Helper()
	for _, x := range x {
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
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
	shut(t, s, x, other)
}

func TestIndex_survivesReopeningWithItsOffset(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	x := partition(t, s, 0)
	x.Add(id(1), 10, base)
	apply(t, x, 42, base)
	x.Add(id(2), 50, base)
	shut(t, s, x)
	s = open(t, dir)
	x = partition(t, s, 0)
	if x.Next() != 42 {
		t.Errorf("Next = %d, want 42", x.Next())
	}
	first(t, x, id(1), 42, base, 10)
	first(t, x, id(2), 60, base, -1)
	shut(t, s, x)
}

func TestIndex_ofAnotherLogIsRefusedUntilItIsDropped(t *testing.T) {
	s := open(t, t.TempDir())
	x := partition(t, s, 0)
	x.Add(id(1), 10, base)
	apply(t, x, 11, base)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	neighbour := partition(t, s, 1)
	neighbour.Add(id(1), 10, base)
	apply(t, neighbour, 11, base)
	for _, other := range []dedup.Log{logOf(2, 0), logOf(1, 7)} {
		if _, err := s.Partition(other, 0); !errors.Is(err, dedup.ErrOtherLog) {
			t.Errorf("opening for %v: %v, want ErrOtherLog", other, err)
		}
	}
	if err := s.Drop(0); err != nil {
		t.Fatal(err)
	}
	x, err := s.Partition(logOf(2, 0), 0)
	if err != nil || x.Next() != 0 || x.Clock() != 0 {
		t.Fatalf("after the drop: next %d, clock %d, %v", x.Next(), x.Clock(), err)
	}
	first(t, x, id(1), 99, base, -1)
	first(t, neighbour, id(1), 99, base, 10)
	shut(t, s, x, neighbour)
}

// What is not acknowledged is known, but not kept.
func TestIndex_keepsOnlyWhatLiesBeforeNext(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	x := partition(t, s, 0)
	x.Add(id(1), 10, base)
	x.Add(id(2), 20, base)
	apply(t, x, 15, base)
	first(t, x, id(1), 30, base, 10)
	first(t, x, id(2), 30, base, 20)
	shut(t, s, x)
	s = open(t, dir)
	x = partition(t, s, 0)
	defer shut(t, s, x)
	if x.Next() != 15 || x.Clock() != base {
		t.Errorf("next %d, clock %d, want 15 and %d", x.Next(), x.Clock(), base)
	}
	first(t, x, id(1), 30, base, 10)
	first(t, x, id(2), 30, base, -1)
}

// Two occurrences may be more than a window apart and both not acknowledged: each
// answers for its own window, also when the records between come again.
func TestIndex_keepsTheOccurrencesOfDifferentWindows(t *testing.T) {
	s := open(t, t.TempDir())
	x := partition(t, s, 0)
	defer shut(t, s, x)
	x.Add(id(1), 10, base)
	x.Add(id(1), 20, base+8*day)
	x.Add(id(1), 10, base)
	for _, next := range []int64{5, 15, 25} {
		apply(t, x, next, base)
		first(t, x, id(1), 15, base+6*day, 10)
		first(t, x, id(1), 30, base+9*day, 20)
		first(t, x, id(1), 18, base+9*day, -1)
	}
}

func TestIndex_entriesOfAReplacedLogComeBeforeAll(t *testing.T) {
	s := open(t, t.TempDir())
	x := partition(t, s, 0)
	defer shut(t, s, x)
	x.Add(id(1), dedup.BeforeAll, base)
	apply(t, x, 0, base)
	got, found, err := x.First(id(1), 0, base)
	if err != nil || !found || got != dedup.BeforeAll {
		t.Errorf("First = %d, %v, %v", got, found, err)
	}
}

func TestIndex_ofAReleaseWithoutStateIsEmptied(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	x := partition(t, s, 0)
	x.Add(id(1), 10, base)
	apply(t, x, 11, base)
	if err := errors.Join(x.Close(), s.ForgetState(0)); err != nil {
		t.Fatal(err)
	}
	x = partition(t, s, 0)
	if n, err := s.Stored(0); n != 0 || err != nil || x.Next() != 0 {
		t.Errorf("%d entries, next %d, %v", n, x.Next(), err)
	}
	first(t, x, id(1), 11, base, -1)
	x.Add(id(2), 10, base)
	apply(t, x, 11, base)
	shut(t, s, x)
	s = open(t, dir)
	x = partition(t, s, 0)
	first(t, x, id(1), 11, base, -1)
	first(t, x, id(2), 11, base, 10)
	shut(t, s, x)
}

// Entries live 8 to 12 days: a table that is written after more does not have them,
// and takes them out of those before.
func TestIndex_forgetsWhatNoLookUpCanAskFor(t *testing.T) {
	s := open(t, t.TempDir())
	s.WriteTablesOf(1)
	x := partition(t, s, 0)
	defer shut(t, s, x)
	for i := range int64(60) {
		x.Add(id(byte(i)), i, base+i*day)
		apply(t, x, i+1, base+i*day)
		n, err := s.Stored(0)
		if err != nil || int64(n) < min(i+1, 9) || n > 13 {
			t.Errorf("day %d: %d entries, %v", i, n, err)
		}
		first(t, x, id(byte(max(0, i-7))), i+1, base+i*day, max(0, i-7))
	}
}

// The index equals a model that remembers everything, over months, restarts, kills
// and records that are processed again from a random earlier offset.
func TestIndex_equalsAModelOverRestartsKillsAndRedo(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	type record struct {
		id    [dedup.IDBytes]byte
		clock int64
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
		if f, ok := last[r.id]; ok && r.clock-log[f].clock <= 7*day {
			want[i] = f
			continue
		}
		last[r.id] = int64(i)
	}
	dir := t.TempDir()
	s := open(t, dir)
	s.WriteTablesOf(1 + rnd.IntN(100))
	x := partition(t, s, 0)
	kills := 0
	for at := 0; at < len(log); {
		upTo := min(len(log), at+1+rnd.IntN(50))
		for ; at < upTo; at++ {
			r := log[at]
			got, found, err := x.First(r.id, int64(at), r.clock)
			if err != nil {
				t.Fatal(err)
			}
			if !found {
				got = -1
				x.Add(r.id, int64(at), r.clock)
			}
			if got != want[at] {
				t.Fatalf("offset %d: repeats %d, want %d", at, got, want[at])
			}
		}
		apply(t, x, int64(at), log[at-1].clock)
		switch rnd.IntN(10) {
		case 0:
			// Entries outlive the window by topics.DedupMargin, so that far a
			// record may be processed again.
			for back := at - 1; at > 0 && log[back].clock-log[at-1].clock < day; {
				at--
				if rnd.IntN(8) == 0 {
					break
				}
			}
		case 1:
			shut(t, s, x)
			s = open(t, dir)
			s.WriteTablesOf(1 + rnd.IntN(100))
			x = partition(t, s, 0)
			if x.Next() != int64(at) {
				t.Fatalf("after a restart at %d the index ends at %d", at, x.Next())
			}
		case 2:
			if err := errors.Join(x.Abandon(), s.Close()); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
			s.WriteTablesOf(1 + rnd.IntN(100))
			x = partition(t, s, 0)
			// What the index lacks is read from the dense log.
			if x.Next() < int64(at) {
				kills++
			}
			for i := x.Next(); i < int64(at); i++ {
				if want[i] == -1 {
					x.Add(log[i].id, i, log[i].clock)
				}
			}
			apply(t, x, int64(at), log[at-1].clock)
		}
	}
	shut(t, s, x)
	if kills == 0 {
		t.Error("no kill took anything")
	}
}
