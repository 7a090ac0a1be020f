package clickhouse_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

func TestMigrateOnceAndAgain(t *testing.T) {
	conn, account := empty(t)
	if err := clickhouse.Verify(t.Context(), conn, account); !errors.Is(err, clickhouse.ErrPending) {
		t.Errorf("Verify of an empty server: %v, want ErrPending", err)
	}
	applied := migrate(t, conn, account)
	migrations, views := statements(t)
	if !slices.Equal(applied.Migrations, migrations) || !slices.Equal(applied.Views, views) {
		t.Errorf("applied %q, want %q and %q", applied, migrations, views)
	}
	if err := clickhouse.Verify(t.Context(), conn, account); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if again := migrate(t, conn, account); len(again.Migrations)+len(again.Views) != 0 {
		t.Errorf("applied %q the second time, want nothing", again)
	}
}

// A migrator that is cut off after each statement in turn, before and after it
// could note it, gets to the same schema in the end.
func TestMigrateResumes(t *testing.T) {
	conn, account := empty(t)
	migrate(t, conn, account)
	want := dump(t, conn)
	drop(t, conn)

	bootstrap, err := schema.Bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	cuts := 0
	for done := false; !done; {
		for _, statements := range []int{1, 6, 11} { // with a note behind each, so odd ones end between the two
			cut := &cutConn{Conn: conn, left: len(bootstrap) + statements}
			if _, err := clickhouse.Migrate(t.Context(), cut, account); err == nil {
				done = true
			} else if !errors.Is(err, errCut) {
				t.Fatal(err)
			} else {
				cuts++
			}
		}
	}
	migrations, views := statements(t)
	if least := (len(migrations) + len(views)) / 4; cuts < least {
		t.Errorf("was cut off %d times, want at least %d", cuts, least)
	}
	if have := dump(t, conn); !maps.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}

func TestMigrateRefusesChangedMigrations(t *testing.T) {
	for name, c := range map[string]struct {
		migration string
		want      error
	}{
		"changed": {"migrations/0003_create_person_days_mv.sql", clickhouse.ErrChanged},
		"newer":   {"migrations/9999_drop_something.sql", clickhouse.ErrNewer},
	} {
		t.Run(name, func(t *testing.T) {
			conn, account := empty(t)
			migrate(t, conn, account)
			exec(t, conn, "INSERT INTO touchline.schema_migrations SELECT '"+c.migration+"', 'x', now64(3) + 1")
			exec(t, conn, "DROP VIEW analytics.funnel")
			before := dump(t, conn)
			_, err := clickhouse.Migrate(t.Context(), conn, account)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.migration) {
				t.Errorf("Migrate: %v, want %v with the name", err, c.want)
			}
			if err := clickhouse.Verify(t.Context(), conn, account); !errors.Is(err, c.want) {
				t.Errorf("Verify: %v, want %v", err, c.want)
			}
			if !maps.Equal(dump(t, conn), before) {
				t.Error("a refused migration changed the schema")
			}
		})
	}
}

func TestMigrateTwiceAtOnce(t *testing.T) {
	conn, account := empty(t)
	migrate(t, conn, account)
	want := dump(t, conn)
	for range 3 {
		drop(t, conn)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, err := clickhouse.Migrate(t.Context(), conn, account); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if have := dump(t, conn); !maps.Equal(have, want) {
			t.Errorf("have %v, want %v", have, want)
		}
		if n := count(t, conn, "SELECT count() FROM touchline.bi_access FINAL"); n != 3 {
			t.Errorf("have %d rights, want 3", n)
		}
	}
}

func TestMigrateRenewsViews(t *testing.T) {
	conn, account := empty(t)
	migrate(t, conn, account)

	exec(t, conn, "DROP VIEW analytics.retention")
	exec(t, conn, "INSERT INTO touchline.schema_migrations SELECT 'views/touchline/allowed.sql', 'older', now64(3) + 1")
	if err := clickhouse.Verify(t.Context(), conn, account); !errors.Is(err, clickhouse.ErrPending) {
		t.Errorf("Verify: %v, want ErrPending", err)
	}
	exec(t, conn, "DELETE FROM touchline.schema_migrations WHERE checksum = 'older'")
	exec(t, conn, "INSERT INTO touchline.schema_migrations SELECT 'views/touchline/allowed.sql', 'older', now64(3)")
	applied := migrate(t, conn, account)
	if want := []string{"views/touchline/allowed.sql", "views/analytics/retention.sql"}; !slices.Equal(applied.Views, want) {
		t.Errorf("renewed %q, want %q", applied.Views, want)
	}

	// Another password: only the dictionary logs in. Another user: all of them
	// read with other rights.
	other := account
	other.Password = `it's \ another`
	if applied = migrate(t, conn, other); !slices.Equal(applied.Views, []string{"views/touchline/person_map.sql"}) {
		t.Errorf("renewed %q for another password", applied.Views)
	}
	other.User = "someone"
	_, views := statements(t)
	if applied = migrate(t, conn, other); !slices.Equal(applied.Views, views) {
		t.Errorf("renewed %q for another user, want all", applied.Views)
	}
}

func TestPersonMapFollowsOverrides(t *testing.T) {
	conn, account := empty(t)
	migrate(t, conn, account)
	// 2 -> 1; 3 -> 1 and split off again; 5 -> 4, later corrected to 6.
	exec(t, conn, `INSERT INTO touchline.person_overrides VALUES ('p', 2, 1, 1), ('p', 3, 1, 1), ('p', 3, 3, 2), ('p', 5, 6, 9), ('p', 5, 4, 8)`)
	exec(t, conn, "SYSTEM RELOAD DICTIONARY touchline.person_map")
	for id, want := range map[string]uint64{"1": 1, "2": 1, "3": 3, "5": 6, "7": 7} {
		if have := count(t, conn, "SELECT dictGetOrDefault('touchline.person_map', 'new_id', toUInt64("+id+"), toUInt64("+id+"))"); have != want {
			t.Errorf("person %s is %d, want %d", id, have, want)
		}
	}
}

// What the services write and what the table takes are the same columns.
func TestColumnsAreThoseOfTheServer(t *testing.T) {
	conn, account := empty(t)
	migrate(t, conn, account)
	for _, table := range schema.Landed() {
		rows, err := conn.Query(t.Context(), `SELECT name, type FROM system.columns
			WHERE database = ? AND table = ? AND default_kind = '' ORDER BY position`, table.Database, table.Name)
		if err != nil {
			t.Fatal(err)
		}
		var have []schema.Column
		for rows.Next() {
			var c schema.Column
			if err := rows.Scan(&c.Name, &c.Type); err != nil {
				t.Fatal(err)
			}
			have = append(have, c)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(have, table.Columns) {
			t.Errorf("%s: the server has\n%v, the list has\n%v", table.FullName(), have, table.Columns)
		}
	}
	if n := count(t, conn, "SELECT count() FROM system.columns WHERE database = 'touchline' AND comment = '' AND table NOT LIKE '%\\_mv' AND table NOT IN (SELECT name FROM system.tables WHERE engine IN ('View', 'Dictionary'))"); n != 0 {
		t.Errorf("%d columns have no comment", n)
	}
	if n := count(t, conn, "SELECT count() FROM system.columns WHERE database = 'analytics' AND comment = ''"); n != 0 {
		t.Errorf("%d columns of analytics have no comment", n)
	}
}

// empty returns a server without Touchline's databases.
func empty(t *testing.T) (driver.Conn, clickhouse.Account) {
	t.Helper()
	server := clickhousetest.Start(t)
	conn := server.Open(t, server.Writer)
	drop(t, conn)
	return conn, clickhouse.Account{User: server.Writer.User, Password: server.Writer.Password}
}

func drop(t *testing.T, conn driver.Conn) {
	t.Helper()
	exec(t, conn, "DROP DATABASE IF EXISTS analytics SYNC")
	exec(t, conn, "DROP DATABASE IF EXISTS touchline SYNC")
}

func migrate(t *testing.T, conn driver.Conn, account clickhouse.Account) clickhouse.Applied {
	t.Helper()
	applied, err := clickhouse.Migrate(t.Context(), conn, account)
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

func exec(t *testing.T, conn driver.Conn, sql string) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func count(t *testing.T, conn driver.Conn, sql string) uint64 {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// dump returns the definition of every object of Touchline.
func dump(t *testing.T, conn driver.Conn) map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT concat(database, '.', name), create_table_query FROM system.tables WHERE database IN ('touchline', 'analytics')")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for rows.Next() {
		var name, sql string
		if err := rows.Scan(&name, &sql); err != nil {
			t.Fatal(err)
		}
		found[name] = sql
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	return found
}

func statements(t *testing.T) (migrations, views []string) {
	t.Helper()
	m, err := schema.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	v, err := schema.Views()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m {
		migrations = append(migrations, s.Name)
	}
	for _, s := range v {
		views = append(views, s.Name)
	}
	return migrations, views
}

var errCut = errors.New("connection was cut")

// cutConn is a connection that is lost after a number of statements.
type cutConn struct {
	driver.Conn
	left int
}

func (c *cutConn) Exec(ctx context.Context, query string, args ...any) error {
	if c.left == 0 {
		return errCut
	}
	c.left--
	return c.Conn.Exec(ctx, query, args...)
}
