package clickhouse_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	clickhousego "github.com/ClickHouse/clickhouse-go/v2"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/config"
)

// trouble is a database of its own with a way to insert numbers.
type trouble struct {
	*clickhousetest.Server
	t        *testing.T
	inserter *clickhouse.Inserter
}

func newTrouble(t *testing.T, server *clickhousetest.Server) *trouble {
	t.Helper()
	inserter := clickhouse.NewInserter(server.Config())
	t.Cleanup(inserter.Close)
	x := &trouble{server, t, inserter}
	x.exec("DROP DATABASE IF EXISTS trouble SYNC")
	x.exec("CREATE DATABASE trouble")
	return x
}

func (x *trouble) exec(sql string) { exec(x.t, x.Open(x.t, x.Writer), sql) }

// query runs SQL as the writer with settings.
func (x *trouble) query(settings clickhousego.Settings, sql string) error {
	return x.Open(x.t, x.Writer).Exec(clickhousego.Context(x.t.Context(), clickhousego.WithSettings(settings)), sql)
}

// insert inserts a number into trouble.t.
func (x *trouble) insert(ctx context.Context, n uint64) error {
	return x.send(ctx, &proto.ColUInt64{n}, "token")
}

// send inserts a column.
func (x *trouble) send(ctx context.Context, column proto.ColInput, token string) error {
	return x.inserter.Insert(ctx, token, block("trouble.t", proto.InputColumn{Name: "n", Data: column}))
}

func (x *trouble) want(err error, want clickhouse.Class) {
	x.t.Helper()
	if got := clickhouse.ClassOf(err); got != want {
		x.t.Errorf("class %q, want %q: %v", got, want, err)
	}
}

// create creates trouble.t and what feeds on it.
func (x *trouble) create(table string, more ...string) {
	x.exec("DROP TABLE IF EXISTS trouble.v SYNC")
	x.exec("DROP TABLE IF EXISTS trouble.t SYNC")
	x.exec("CREATE TABLE trouble.t " + table)
	for _, sql := range more {
		x.exec(sql)
	}
}

// Every trouble that a server can be brought into from the outside.
func TestClassOf_aRealServer(t *testing.T) {
	const plain = "(n UInt64) ENGINE = MergeTree ORDER BY n"
	x := newTrouble(t, clickhousetest.Start(t))
	ctx := t.Context()

	for name, c := range map[string]struct {
		table string
		more  string
		want  clickhouse.Class
	}{
		"taken":             {plain, "", ""},
		"constraint":        {"(n UInt64, CONSTRAINT small CHECK n < 5) ENGINE = MergeTree ORDER BY n", "", clickhouse.ClassRows},
		"constraint, Null":  {"(n UInt64, CONSTRAINT small CHECK n < 5) ENGINE = Null", "", clickhouse.ClassRows},
		"column that fails": {"(n UInt64, m UInt64 MATERIALIZED intDiv(1, n - 7)) ENGINE = MergeTree ORDER BY n", "", clickhouse.ClassRows},
		"view that throws":  {plain, "SELECT throwIf(n = 7) AS n FROM trouble.t", clickhouse.ClassView},
		"view that divides": {plain, "SELECT intDiv(1, n - 7) AS n FROM trouble.t", clickhouse.ClassView},
		"view out of memory": {plain, "SELECT length(groupArray(arrayJoin(range(n * 70000000)))) AS n FROM trouble.t",
			clickhouse.ClassMemory},
		"unknown column": {"(m UInt64) ENGINE = MergeTree ORDER BY m", "", clickhouse.ClassSchema},
		"no space":       {plain + " SETTINGS min_free_disk_bytes_to_perform_insert = 1000000000000000000", "", clickhouse.ClassDisk},
		"read-only":      {plain + " SETTINGS table_readonly = 1", "", clickhouse.ClassReadOnly},
	} {
		t.Run(name, func(t *testing.T) {
			x := &trouble{x.Server, t, x.inserter}
			x.create(c.table)
			if c.more != "" {
				x.exec("CREATE MATERIALIZED VIEW trouble.v ENGINE = MergeTree ORDER BY n AS " + c.more)
			}
			x.want(x.insert(ctx, 7), c.want)
		})
	}

	t.Run("conversion", func(t *testing.T) {
		x := &trouble{x.Server, t, x.inserter}
		text := new(proto.ColStr)
		text.Append("seven")
		for _, engine := range []string{"MergeTree ORDER BY n", "Null"} {
			for _, typ := range []string{"UUID", "Enum8('one' = 1)", "UInt64", "DateTime64(3, 'UTC')"} {
				x.create("(n " + typ + ") ENGINE = " + engine)
				x.want(x.send(ctx, text, "token"), clickhouse.ClassRows)
			}
		}
	})
	t.Run("too many parts", func(t *testing.T) {
		x := &trouble{x.Server, t, x.inserter}
		x.create(plain+" SETTINGS parts_to_throw_insert = 2, parts_to_delay_insert = 1", "SYSTEM STOP MERGES trouble.t")
		var err error
		for n := uint64(0); n < 10 && err == nil; n++ {
			err = x.send(ctx, &proto.ColUInt64{n}, fmt.Sprint("token ", n))
		}
		x.want(err, clickhouse.ClassBusy)
	})
	t.Run("by settings", func(t *testing.T) {
		x := &trouble{x.Server, t, x.inserter}
		x.create("(n UInt64) ENGINE = MergeTree ORDER BY n PARTITION BY n")
		const sql = "INSERT INTO trouble.t SELECT number FROM numbers(5)"
		for _, c := range []struct {
			settings clickhousego.Settings
			want     clickhouse.Class
		}{
			{clickhousego.Settings{"max_memory_usage": 1000}, clickhouse.ClassMemory},
			{clickhousego.Settings{"max_partitions_per_insert_block": 4}, clickhouse.ClassOther},
			{clickhousego.Settings{"max_execution_time": 0.000001}, clickhouse.ClassSlow},
			{clickhousego.Settings{"readonly": 1}, clickhouse.ClassReadOnly},
			{clickhousego.Settings{"no_such_setting": 1}, clickhouse.ClassSchema},
		} {
			x.want(x.query(c.settings, sql), c.want)
		}
	})
	t.Run("more partitions than the server's limit", func(t *testing.T) {
		x := &trouble{x.Server, t, x.inserter}
		x.create("(n UInt64) ENGINE = MergeTree ORDER BY n PARTITION BY n")
		var many proto.ColUInt64
		for n := range uint64(110) {
			many.Append(n)
		}
		x.want(x.send(ctx, &many, "token"), "")
	})
	t.Run("no table", func(t *testing.T) {
		x := &trouble{x.Server, t, x.inserter}
		x.exec("DROP TABLE IF EXISTS trouble.t SYNC")
		x.want(x.insert(ctx, 7), clickhouse.ClassSchema)
	})
	t.Run("killed and crowded", func(t *testing.T) {
		x := &trouble{x.Server, t, x.inserter}
		x.create(plain)
		killed := make(chan error, 1)
		go func() {
			killed <- x.query(clickhousego.Settings{"max_block_size": 1, "function_sleep_max_microseconds_per_block": 100000000},
				"INSERT INTO trouble.t SELECT sleepEachRow(1) /* long */ FROM numbers(60)")
		}()
		eventually(t, func() bool {
			return count(t, x.Open(t, x.Writer), "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO trouble.t SELECT sleep%'") == 1
		})
		x.want(x.query(clickhousego.Settings{"max_concurrent_queries_for_user": 1}, "INSERT INTO trouble.t SELECT 1"), clickhouse.ClassBusy)
		x.exec("KILL QUERY WHERE query LIKE 'INSERT INTO trouble.t SELECT sleep%' SYNC")
		x.want(<-killed, clickhouse.ClassStopped)
	})
	t.Run("wrong password", func(t *testing.T) {
		x := &trouble{x.Server, t, x.inserter}
		cfg := x.Config()
		cfg.Password = config.NewSecret("wrong")
		x.inserter = clickhouse.NewInserter(cfg)
		defer x.inserter.Close()
		err := x.insert(ctx, 7)
		x.want(err, clickhouse.ClassAccess)
		if strings.Contains(err.Error(), "wrong") {
			t.Errorf("the error has the password: %v", err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		x := &trouble{x.Server, t, x.inserter}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cfg := x.Config()
		cfg.URL = "http://" + listener.Addr().String()
		listener.Close()
		x.inserter = clickhouse.NewInserter(cfg)
		defer x.inserter.Close()
		x.want(x.insert(ctx, 7), clickhouse.ClassAway)
		conn, err := clickhouse.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		x.want(conn.Exec(ctx, "SELECT 1"), clickhouse.ClassAway)
	})
}

// A server that hangs, dies and comes back.
func TestClassOf_aServerThatIsKilled(t *testing.T) {
	x := newTrouble(t, clickhousetest.Fresh(t))
	x.create("(n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100")
	x.want(x.insert(t.Context(), 1), "")

	pid := x.Embedded.Pid()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	x.want(x.insert(ctx, 2), clickhouse.ClassSlow)
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}

	if err := x.Embedded.Kill(); err != nil {
		t.Fatal(err)
	}
	x.want(x.insert(t.Context(), 1), clickhouse.ClassAway)
	eventually(t, func() bool {
		err := x.insert(t.Context(), 1)
		if err != nil {
			x.want(err, clickhouse.ClassAway)
		}
		return err == nil
	})
	if n := count(t, x.Open(t, x.Writer), "SELECT countIf(n = 1) FROM trouble.t"); n != 1 {
		t.Errorf("the row is there %d times", n)
	}
}

// eventually waits up to 30 s for the condition.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in 30 s")
		}
	}
}
