package clickhouse

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A kill between the note of a token and the naming of its part must not lose the part.
func TestTokenOfALostPartIsForgotten(t *testing.T) {
	insert := func(t *testing.T, s *Server) {
		t.Helper()
		status, body := query(t, s, s.Writer(), url.Values{"async_insert": {"0"}, "insert_deduplication_token": {"token"}},
			"INSERT INTO t SELECT number, number % 3 FROM numbers(30)")
		if status != http.StatusOK {
			t.Fatal(body)
		}
	}
	const create = "CREATE TABLE t (n UInt64, p UInt8) ENGINE = MergeTree PARTITION BY p ORDER BY n SETTINGS non_replicated_deduplication_window = 100"
	for name, c := range map[string]struct {
		// after is run before the server stops, harm on its files then.
		after string
		harm  func(t *testing.T, table string)
		// rows are those after the harm.
		rows string
	}{
		"nothing": {"SELECT 1", func(*testing.T, string) {}, "30"},
		"merged":  {"OPTIMIZE TABLE t FINAL", func(*testing.T, string) {}, "30"},
		"part was not named": {"SELECT 1", func(t *testing.T, table string) {
			rename(t, table, "2_3_3_0", "tmp_insert_2_3_3_0")
		}, "20"},
		"nor was its note written to the end": {"SELECT 1", func(t *testing.T, table string) {
			rename(t, table, "2_3_3_0", "tmp_insert_2_3_3_0")
			log := logs(t, table)[0]
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(log, text[:len(text)-5], 0o600); err != nil {
				t.Fatal(err)
			}
		}, "20"},
		"next log was begun": {"SELECT 1", func(t *testing.T, table string) {
			rename(t, table, "2_3_3_0", "tmp_insert_2_3_3_0")
			if err := os.WriteFile(filepath.Join(table, "deduplication_logs", "deduplication_log_2.txt"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "20"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			first, err := Start(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			run(t, first, create)
			insert(t, first)
			run(t, first, c.after)
			table := run(t, first, "SELECT data_paths[1] FROM system.tables WHERE name = 't' FORMAT TSVRaw")
			if err := first.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.harm(t, table)

			second := start(t, cfg)
			if got := run(t, second, "SELECT count() FROM t"); got != c.rows {
				t.Fatalf("%s rows are left, want %s", got, c.rows)
			}
			for range 2 {
				insert(t, second)
				if got := run(t, second, "SELECT count(), uniqExact(n) FROM t"); got != "30\t30" {
					t.Errorf("rows and different rows after a repetition: %s", got)
				}
			}
		})
	}
}

func TestForgetLost_leavesTheRest(t *testing.T) {
	const before = "1\t0_1_1_0\ta\n1\t0_2_2_0\tb\n"
	for name, c := range map[string]struct {
		log, more string
		parts     []string
		lost      int
	}{
		"empty":           {"", "", nil, 0},
		"stored":          {before, "", []string{"0_1_1_0", "0_2_2_0"}, 0},
		"merged":          {before, "", []string{"0_1_7_1"}, 0},
		"mutated":         {before, "", []string{"0_1_2_1_9"}, 0},
		"lost":            {before, "2\t0_2_2_0\tb\n", []string{"0_1_1_0"}, 1},
		"lost earlier":    {before, "2\t0_1_1_0\ta\n", []string{"0_2_2_0"}, 1},
		"other partition": {before, "2\t0_2_2_0\tb\n", []string{"0_1_1_0", "1_2_2_0"}, 1},
		"not named yet":   {before, "2\t0_2_2_0\tb\n", []string{"0_1_1_0", "tmp_insert_0_2_2_0"}, 1},
		"several tokens":  {before + "1\t0_2_2_0\tc\n", "2\t0_2_2_0\tb\n2\t0_2_2_0\tc\n", []string{"0_1_1_0"}, 1},
		"dropped":         {before + "2\t0_2_2_0\tb\n", "", []string{"0_1_1_0"}, 0},
		"inserted again":  {before + "2\t0_2_2_0\tb\n1\t0_3_3_0\tb\n", "", []string{"0_1_1_0", "0_3_3_0"}, 0},
		"cut off":         {before + "1\t0_3", "", []string{"0_1_2_1"}, 0},
		"no log":          {"hello\n", "", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "a[b")
			table := filepath.Join(data, "store", "abc", "abcdef")
			log := filepath.Join(table, "deduplication_logs", "deduplication_log_10.txt")
			for _, dir := range append(slices.Clone(c.parts), "deduplication_logs", "detached") {
				if err := os.MkdirAll(filepath.Join(table, dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			older := filepath.Join(filepath.Dir(log), "deduplication_log_9.txt")
			const oldest = "1\tno part\tx\n"
			for path, text := range map[string]string{log: c.log, older: oldest} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, lost := range []int{c.lost, 0} {
				if n, err := forgetLost(data); err != nil || n != lost {
					t.Errorf("%d parts were lost, want %d: %v", n, lost, err)
				}
			}
			want := c.log[:strings.LastIndexByte(c.log, '\n')+1] + c.more
			for path, want := range map[string]string{log: want, older: oldest} {
				have, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if string(have) != want {
					t.Errorf("%s: %q, want %q", filepath.Base(path), have, want)
				}
			}
		})
	}
}

func rename(t *testing.T, dir, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
		t.Fatal(err)
	}
}

func logs(t *testing.T, table string) []string {
	t.Helper()
	paths, err := logFiles(filepath.Join(table, "deduplication_logs"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("logs %q: %v", paths, err)
	}
	return paths
}
