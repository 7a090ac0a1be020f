package dedup_test

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/internal/smalldisktest"
)

// On a disk that is full nothing waits: writing is refused before the storage
// engine gets to do it, reading goes on, and so does everything when there is
// room again.
func TestStore_onAFullDiskRefusesAndGoesOn(t *testing.T) {
	smalldisktest.Run(t, func(t *testing.T) {
		disk := smalldisktest.Mount(t, 192<<20)
		d := deps(t)
		dir := filepath.Join(disk.Dir, "dedup")
		s, err := dedup.Open(dir, 48<<20, d)
		if err != nil {
			t.Fatal(err)
		}
		x := partition(t, s, 0)
		next := int64(0)
		note := func() error {
			for range 1000 {
				var id [dedup.IDBytes]byte
				binary.BigEndian.PutUint64(id[:], uint64(next)*0x9e3779b97f4a7c15)
				x.Add(id, next, base+next)
				next++
			}
			return x.Apply(next, base+next)
		}
		for range 40 {
			if err := note(); err != nil {
				t.Fatal(err)
			}
		}
		for round := range 3 {
			disk.Fill(t)
			applied := x.Next()
			done := make(chan error, 1)
			go func() { done <- note() }()
			select {
			case err := <-done:
				if !errors.Is(err, dedup.ErrDiskFull) {
					t.Fatalf("round %d: writing to a full disk: %v", round, err)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("round %d: writing to a full disk waits", round)
			}
			if err := s.Drop(1); !errors.Is(err, dedup.ErrDiskFull) {
				t.Errorf("dropping on a full disk: %v", err)
			}
			if x.Next() != applied {
				t.Errorf("the index says %d, want %d", x.Next(), applied)
			}
			if reasons := d.Health.Reasons(); reasons["dedup-index"] == "" {
				t.Errorf("health shows %v", reasons)
			}
			var known [dedup.IDBytes]byte
			first(t, x, known, 1<<40, base, 0)
			disk.Free(t)
			// What was refused is still there to be written.
			for range 40 {
				if err := note(); err != nil {
					t.Fatal(err)
				}
			}
			if reasons := d.Health.Reasons(); len(reasons) != 0 {
				t.Errorf("with room again health shows %v", reasons)
			}
		}
		// A process also ends on a full disk, and what it could not write is known
		// to be missing.
		disk.Fill(t)
		if err := errors.Join(x.Close(), s.Close()); err != nil {
			t.Logf("close: %v", err)
		}
		if _, err := dedup.Open(dir, 48<<20, deps(t)); !errors.Is(err, dedup.ErrDiskFull) {
			t.Errorf("opening on a full disk: %v", err)
		}
		disk.Free(t)
		if s, err = dedup.Open(dir, 48<<20, deps(t)); err != nil {
			t.Fatal(err)
		}
		x = partition(t, s, 0)
		defer shut(t, s, x)
		for n := range x.Next() {
			var id [dedup.IDBytes]byte
			binary.BigEndian.PutUint64(id[:], uint64(n)*0x9e3779b97f4a7c15)
			first(t, x, id, 1<<40, base, n)
		}
		if len(aside(t, dir)) > 0 {
			t.Errorf("set aside: %v", aside(t, dir))
		}
	})
}
