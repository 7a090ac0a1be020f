package clickhousetest

import (
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

func TestConnReachesARealServer(t *testing.T) {
	conn := Conn(t)
	ctx := t.Context()
	var version, user string
	if err := conn.QueryRow(ctx, "SELECT version(), currentUser()").Scan(&version, &user); err != nil {
		t.Fatal(err)
	}
	t.Log(version, user)
	if err := conn.Exec(ctx, "CREATE TABLE default.numbers (n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO default.numbers")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		if err := batch.Append(uint64(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	var sum uint64
	if err := conn.QueryRow(ctx, "SELECT sum(n) FROM default.numbers").Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if sum != 999*1000/2 {
		t.Fatalf("sum is %d", sum)
	}
}
