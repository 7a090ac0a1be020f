package clickhouse_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/smalldisktest"
)

// A disk that fills up in the middle of a block leaves it half written. Whoever
// repeats it under its token when there is space again completes it.
func TestInsert_intoAFullDisk(t *testing.T) {
	smalldisktest.Run(t, func(t *testing.T) {
		disk := smalldisktest.Mount(t, 256<<20)
		t.Setenv("TMPDIR", disk.Dir)
		server := clickhousetest.Fresh(t)
		conn := server.Open(t, server.Writer)
		account := clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
		migrate(t, conn, account)
		inserter := clickhouse.NewInserter(server.Config())
		defer inserter.Close()

		// A server reserves 1 MiB before it writes a part: 5 MiB are space for some
		// of the block's 25 months of a quarter of a megabyte.
		reserve := filepath.Join(disk.Dir, "reserve")
		if err := os.WriteFile(reserve, make([]byte, 5<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		const rows = 3000
		block := clickhousetest.Rows(t, schema.Touchpoints(), rows, func(column string, row int) (string, bool) {
			return incompressible(row, 4000), column == "properties"
		})
		disk.Fill(t)
		if err := os.Remove(reserve); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := inserter.Insert(t.Context(), "token", block); clickhouse.ClassOf(err) != clickhouse.ClassDisk {
				t.Fatalf("class %q, want a full disk: %v", clickhouse.ClassOf(err), err)
			}
		}
		half := count(t, conn, "SELECT count() FROM touchline.touchpoints")
		if half == 0 || half == rows {
			t.Errorf("%d of %d rows are written: that is no half-written block", half, rows)
		}
		t.Logf("%d of %d rows were written before the disk was full", half, rows)

		disk.Free(t)
		for range 2 {
			if err := inserter.Insert(t.Context(), "token", block); err != nil {
				t.Fatal(err)
			}
			for what, want := range map[string]uint64{
				"uniqExact(src_offset) FROM touchline.touchpoints":            rows,
				"count() FROM touchline.touchpoints":                          rows,
				"sum(events) FROM touchline.landed":                           rows,
				"sumIf(events, event = '') FROM touchline.person_days":        rows,
				"sum(events) FROM touchline.metric_days":                      rows,
				"sumIf(events, event = 'event-1') FROM touchline.person_days": rows / 10,
			} {
				if have := count(t, conn, "SELECT "+what); have != want {
					t.Errorf("%s is %d, want %d", what, have, want)
				}
			}
		}
	})
}

// incompressible returns a text of n bytes that no codec makes smaller by half.
func incompressible(seed, n int) string {
	text := make([]byte, 0, n+16)
	for x := uint64(seed); len(text) < n; {
		x = (x+1)*6364136223846793005 + 1442695040888963407
		text = fmt.Appendf(text, "%016x", x)
	}
	return string(text[:n])
}
