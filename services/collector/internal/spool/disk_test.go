package spool_test

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// used is what the files of a directory take.
func used(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // the engine deletes files meanwhile
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// What waits takes at most twice its bytes and a few tables of memory on disk, and
// what has left is given back.
func TestSpool_givesItsDiskBack(t *testing.T) {
	dir, l := t.TempDir(), &log{}
	o := open(t, dir, l)
	o.Partitions(12)
	random := rand.New(rand.NewPCG(1, 2))
	value := make([]byte, 2000)
	const tables = 48 << 20
	most := int64(0)
	for round := range 2 {
		l.set(false)
		for n := 0; o.metric(t, "touchline_collector_spool_bytes") < 64<<20; n++ {
			batch := make([]string, 0, 500)
			for range cap(batch) {
				for i := range value {
					value[i] = byte(random.Uint32())
				}
				batch = append(batch, string(value))
			}
			records := records(batch)
			o.divert(t, records...)
			most = max(most, used(t, dir))
		}
		if limit := int64(2*64<<20 + tables); most > limit {
			t.Errorf("round %d: %d MiB on disk for 64 MiB, want at most %d", round, most>>20, limit>>20)
		}
		full := used(t, dir)
		l.set(true)
		o.empty(t)
		eventually(t, "the disk to be given back", func() bool { return used(t, dir) < tables })
		t.Logf("round %d: at most %d MiB on disk for 64 MiB, %d when full, %d when empty", round, most>>20, full>>20, used(t, dir)>>20)
		l.forget()
	}
}
