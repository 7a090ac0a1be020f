package writer_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/smalldisktest"
)

// While the index's disk is full nothing is decided, and nothing is appended over
// and over; with room again everything goes on by itself.
func TestWriter_waitsWhileTheDiskOfTheIndexIsFull(t *testing.T) {
	smalldisktest.Run(t, func(t *testing.T) {
		disk := smalldisktest.Mount(t, 160<<20)
		f := newFixture(t)
		f.dir, f.minFree = filepath.Join(disk.Dir, "dedup"), 48<<20
		stop := f.run()
		f.raw("a", "b")
		f.expect(stored, stored)
		want := []string{stored, stored}
		for range 3 {
			kafkatest.Eventually(t, "the commit", func() bool { return f.committed() == int64(len(want)) })
			disk.Fill(t)
			f.raw("a", "b")
			kafkatest.Eventually(t, "health to show it", func() bool { return f.health.Reasons()["dedup-index"] != "" })
			if end := f.end(topics.Enriched); end != int64(len(want)) {
				t.Errorf("the dense log has %d records, want %d: decided without the index", end, len(want))
			}
			disk.Free(t)
			want = append(want, duplicate, duplicate)
			f.expect(want...)
			if reasons := f.health.Reasons(); len(reasons) != 0 {
				t.Errorf("with room again health shows %v", reasons)
			}
		}
		if end := f.end(topics.Enriched); end != int64(len(want)) {
			t.Errorf("the dense log has %d records for %d events", end, len(want))
		}
		// What a stop cannot write is read back.
		disk.Fill(t)
		if err := stop(); err != nil {
			t.Logf("stop: %v", err)
		}
		disk.Free(t)
		f.ran([]string{"a", "c"}, append(want, duplicate, stored)...)
	})
}

// A store that turns out to be damaged ends the process; the next one begins a new
// store and knows as much as the old.
func TestWriter_endsOverADamagedIndexAndRebuildsIt(t *testing.T) {
	f := newFixture(t)
	f.ran([]string{"a", "b"}, stored, stored)
	tables, err := filepath.Glob(filepath.Join(f.dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	for _, name := range tables {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 32 { // in the first block of data
			text[i] ^= 0x55
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.raw("a")
	if err := f.runToTheEnd(); !errors.Is(err, dedup.ErrDamaged) {
		t.Errorf("running on a damaged index: %v", err)
	}
	f.ran([]string{"b", "c"}, stored, stored, duplicate, duplicate, stored)
}
