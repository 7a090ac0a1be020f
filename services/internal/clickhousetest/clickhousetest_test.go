package clickhousetest

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

func TestConnReachesTheSharedServer(t *testing.T) {
	conn := Conn(t)
	ctx := t.Context()
	if err := conn.Exec(ctx, "CREATE TABLE default.shared (n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO default.shared")
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(1000) {
		if err := batch.Append(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	var sum uint64
	if err := Conn(t).QueryRow(ctx, "SELECT sum(n) FROM default.shared").Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if sum != 999*1000/2 {
		t.Errorf("sum is %d", sum)
	}
	if err := conn.Exec(ctx, "DROP TABLE default.shared"); err != nil {
		t.Error(err)
	}
	if first, second := Start(t), Start(t); first != second {
		t.Error("tests do not share a server")
	}
}

func TestFreshServerIsAnother(t *testing.T) {
	fresh := Fresh(t)
	if fresh.Addr == Start(t).Addr {
		t.Fatal("fresh server is the shared one")
	}
	conn := fresh.Open(t, fresh.Writer)
	if err := conn.Exec(t.Context(), "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n AS SELECT 7"); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Embedded.Kill(); err != nil {
		t.Fatal(err)
	}
	var n uint64
	err := conn.QueryRow(t.Context(), "SELECT n FROM t").Scan(&n)
	for deadline := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		err = conn.QueryRow(t.Context(), "SELECT n FROM t").Scan(&n)
	}
	if err != nil || n != 7 {
		t.Errorf("after a kill: %d, %v", n, err)
	}
}

func TestURLNamesAnotherServer(t *testing.T) {
	fresh := Fresh(t)
	t.Setenv(URLEnv, "http://"+fresh.Writer.User+":"+fresh.Writer.Password+"@"+fresh.Addr)
	named, dir, err := startShared()
	if err != nil {
		t.Fatal(err)
	}
	if dir != "" || named.Embedded != nil || named.URL != fresh.URL {
		t.Errorf("server %+v in %q", named, dir)
	}
	var user string
	if err := named.Open(t, named.Writer).QueryRow(t.Context(), "SELECT currentUser()").Scan(&user); err != nil || user != fresh.Writer.User {
		t.Errorf("logged in as %q: %v", user, err)
	}
}

func TestBadURLIsAnErrorWithoutItsPassword(t *testing.T) {
	for _, address := range []string{"http://u:secret@", "https://u:secret@h:1", "u:secret@h:1", "http://h:1/?password=secret", "http://u:secret@h:port"} {
		t.Setenv(URLEnv, address)
		_, _, err := startShared()
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), URLEnv) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestDirectoryIsKeptForFailedTests(t *testing.T) {
	for _, passed := range []bool{true, false} {
		server, dir, err := startEmbedded()
		if err != nil {
			t.Fatal(err)
		}
		if err := stopEmbedded(server, dir, passed); err != nil {
			t.Fatal(err)
		}
		_, err = os.Stat(dir)
		if kept := err == nil; kept == passed {
			t.Errorf("passed %v: %s kept %v", passed, dir, kept)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}
}
