package dedup_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"touchline.dev/services/enricher/internal/dedup"
)

func TestStore_opensOnceOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	x := partition(t, s, 0)
	defer shut(t, s, x)
	x.Add(id(1), 1, base)
	apply(t, x, 2, base)
	if _, err := dedup.Open(dir, 0, deps(t)); err == nil {
		t.Error("a second open succeeded")
	}
	first(t, x, id(1), 2, base, 1)
}

func TestStore_openFailsOnAFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(dir, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dedup.Open(dir, 0, deps(t)); err == nil {
		t.Error("opening a file succeeded")
	}
	if text, err := os.ReadFile(dir); string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

// filled makes a store whose entries are in files of their own, and returns the
// names of those that match.
func filled(t *testing.T, dir, pattern string) []string {
	t.Helper()
	s := open(t, dir)
	x := partition(t, s, 0)
	for n := range uint64(20_000) {
		var id [dedup.IDBytes]byte
		binary.BigEndian.PutUint64(id[:], n*0x9e3779b97f4a7c15) // spread
		x.Add(id, int64(n), base)
		if n%1000 == 999 {
			apply(t, x, int64(n)+1, base)
		}
	}
	shut(t, s, x)
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s in %s: %v", pattern, dir, err)
	}
	return names
}

func aside(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(dir + ".damaged-*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestStore_thatCannotBeOpenedIsSetAside(t *testing.T) {
	for name, damage := range map[string]func(file string) error{
		"a table is gone":           os.Remove,
		"a table is cut":            func(f string) error { return os.Truncate(f, 1000) },
		"the list of tables is":     func(f string) error { return os.WriteFile(f, []byte("no manifest"), 0o600) },
		"the list of tables is not": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dedup")
			pattern := "*.sst"
			if strings.HasPrefix(name, "the list") {
				pattern = "MANIFEST-*"
			}
			for _, file := range filled(t, dir, pattern) {
				if err := damage(file); err != nil {
					t.Fatal(err)
				}
			}
			before, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(dir+".damaged-1", 0o700); err != nil {
				t.Fatal(err)
			}
			d := deps(t)
			s, err := dedup.Open(dir, 0, d)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if x := partition(t, s, 0); x.Next() != 0 {
				t.Errorf("the new index begins at %d", x.Next())
			}
			names := aside(t, dir)
			if len(names) != 2 {
				t.Fatalf("set aside: %v", names)
			}
			if kept, err := os.ReadDir(names[1]); err != nil || len(kept) < len(before) {
				t.Errorf("%d of %d files were kept, %v", len(kept), len(before), err)
			}
			counted(t, d.Metrics, 1)
		})
	}
}

func counted(t *testing.T, m prometheus.Registerer, want int) {
	t.Helper()
	text := "# HELP touchline_enricher_dedup_set_aside_total Deduplication indexes that could not be read and were set aside. They are rebuilt from the log.\n" +
		"# TYPE touchline_enricher_dedup_set_aside_total counter\ntouchline_enricher_dedup_set_aside_total " + string(rune('0'+want)) + "\n"
	if err := testutil.GatherAndCompare(m.(*prometheus.Registry), strings.NewReader(text), "touchline_enricher_dedup_set_aside_total"); err != nil {
		t.Error(err)
	}
}

// Damage inside a table shows when it is read. The process then has to start
// again, which finds an empty directory.
func TestStore_foundDamagedWhileReadingIsSetAside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dedup")
	for _, file := range filled(t, dir, "*.sst") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(text) / 2 { // behind it are the state and the table of contents
			text[i] ^= 0x55
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := deps(t)
	s, err := dedup.Open(dir, 0, d)
	if err != nil {
		t.Fatal(err)
	}
	x, err := s.Partition(logOf(1, 0), 0)
	for n := uint64(0); err == nil && n < 20_000; n++ {
		var id [dedup.IDBytes]byte
		binary.BigEndian.PutUint64(id[:], n*0x9e3779b97f4a7c15)
		_, _, err = x.First(id, 1<<40, base)
	}
	if !errors.Is(err, dedup.ErrDamaged) {
		t.Errorf("reading a damaged store: %v", err)
	}
	if err := s.Check(); !errors.Is(err, dedup.ErrDamaged) {
		t.Errorf("Check: %v", err)
	}
	if len(d.Health.Reasons()) == 0 {
		t.Error("health shows nothing")
	}
	counted(t, d.Metrics, 1)
	t.Logf("close: %v", errors.Join(x.Close(), s.Close()))
	s, err = dedup.Open(dir, 0, deps(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if x := partition(t, s, 0); x.Next() != 0 || len(aside(t, dir)) != 1 {
		t.Errorf("the new index begins at %d, set aside: %v", x.Next(), aside(t, dir))
	}
}
