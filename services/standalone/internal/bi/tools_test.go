//go:build bi

package bi_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// jdbcVersions are those that differ in what they send: JDBC up to 0.9.8 sends
// async_insert, 0.11.0 passes the time limit on.
var jdbcVersions = []string{"0.9.8", "0.10.0", "0.11.0"}

// What BI tools connect with works as the user bi: clickhouse-jdbc (DBeaver, Tableau,
// Metabase), @clickhouse/client, clickhouse-connect with SQLAlchemy (Superset) and
// clickhouse-go (Grafana).
func TestDrivers(t *testing.T) {
	s := newSite(t)
	s.loadOrders(t)
	s.loadDemo(t)
	jdbc := fetch(t, "jdbc")
	classes := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "javac", "-d", classes, script(t, "jdbc", "Check.java")).CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	const within = 2 * time.Minute
	for _, version := range jdbcVersions {
		t.Run("jdbc "+version, func(t *testing.T) {
			s.tool(t, 6, within, nil, "java", "-cp", classes+":"+filepath.Join(jdbc, version, "*"), "Check")
		})
	}
	// The wall clock of UTC times does not depend on the zone of the machine.
	t.Run("jdbc in Berlin", func(t *testing.T) {
		s.tool(t, 6, within, nil, "java", "-Duser.timezone=Europe/Berlin", "-cp", classes+":"+filepath.Join(jdbc, "0.10.0", "*"), "Check")
	})
	t.Run("node", func(t *testing.T) {
		packages, folder := fetch(t, "node"), t.TempDir()
		s.tool(t, 5, within, []string{"BI_PACKAGES=" + packages}, "node", script(t, "node", "check.mjs"))
		if err := os.Symlink(filepath.Join(packages, "node_modules"), filepath.Join(folder, "node_modules")); err != nil {
			t.Fatal(err)
		}
		s.documented(t, "js", folder, "snippet.mjs", nil, "node")
	})
	t.Run("python", func(t *testing.T) {
		env := python(fetch(t, "python"))
		s.tool(t, 6, within, env, "python3", script(t, "python", "check.py"))
		s.documented(t, "python", t.TempDir(), "snippet.py", env, "python3")
	})
	t.Run("go", s.goClient)
	t.Run("go deadlines", s.deadlines)
	t.Run("grafana", s.grafana)
}

// loadOrders adds what the checks look for: 10 visitors of whom 4 order, and an order
// in the night in which clocks change in Europe.
func (s site) loadOrders(t *testing.T) {
	t.Helper()
	for _, sql := range []string{
		"TRUNCATE TABLE touchline.touchpoints",
		`INSERT INTO touchline.touchpoints (project, event, person_id, event_time, day)
			SELECT 'shop', 'page_view', number + 1, now64(3, 'UTC') - INTERVAL 2 HOUR, today() FROM numbers(10)`,
		`INSERT INTO touchline.touchpoints (project, event, person_id, event_time, day)
			SELECT 'shop', 'order', number + 1, now64(3, 'UTC') - INTERVAL 1 HOUR, today() FROM numbers(4)`,
		`INSERT INTO touchline.touchpoints (project, event, event_id, person_id, event_time, day, country, revenue, enrichment_version)
			SELECT 'shop', 'order', generateUUIDv4(), 99, toDateTime64('2026-03-29 02:30:00', 3, 'UTC'), '2026-03-29', 'DE', 12.34, 7`,
	} {
		if err := s.writer.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

// goClient does with clickhouse-go and its database/sql what programs in Go do.
func (s site) goClient(t *testing.T) {
	db := clickhousego.OpenDB(s.goOptions(t, clickhousego.CompressionLZ4))
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var tables, columns uint64
	err := db.QueryRowContext(ctx, `SELECT (SELECT count() FROM system.tables WHERE database = 'analytics' AND comment != ''),
		(SELECT count() FROM system.columns WHERE database = 'analytics' AND table = 'touchpoints' AND comment != '')`).Scan(&tables, &columns)
	if err != nil || tables < 50 || columns < 50 {
		t.Errorf("comments on %d tables and %d columns, error %v", tables, columns, err)
	}
	var (
		id       uuid.UUID
		at, day  time.Time
		bot      bool
		revenue  decimal.Decimal
		original *time.Time
		version  int64
		country  string
	)
	err = db.QueryRowContext(ctx, `SELECT event_id, event_time, day, is_bot, revenue, original_timestamp, enrichment_version, country
		FROM analytics.touchpoints WHERE project = ? AND event = 'order' AND country != ''`, "shop").Scan(&id, &at, &day, &bot, &revenue, &original, &version, &country)
	wantAt := time.Date(2026, 3, 29, 2, 30, 0, 0, time.UTC)
	if err != nil || id == uuid.Nil || !at.Equal(wantAt) || !day.Equal(wantAt.Truncate(24*time.Hour)) || bot ||
		!revenue.Equal(decimal.RequireFromString("12.34")) || original != nil || version != 7 || country != "DE" {
		t.Errorf("order %v %v %v %v %v %v %v %v, error %v", id, at, day, bot, revenue, original, version, country, err)
	}
	rows, err := db.QueryContext(ctx, `SELECT step, persons FROM analytics.funnel(project = {project:String}, steps = {steps:Array(String)}, window_seconds = 86400,
		from = now64(3, 'UTC') - INTERVAL 1 DAY, to = now64(3, 'UTC'), as_of = now64(3, 'UTC')) ORDER BY step`,
		clickhousego.Named("project", "shop"), clickhousego.Named("steps", []string{"page_view", "order"}))
	if err != nil {
		t.Fatalf("funnel: %v", err)
	}
	defer rows.Close()
	var funnel [][2]int64
	for rows.Next() {
		var row [2]int64
		if err := rows.Scan(&row[0], &row[1]); err != nil {
			t.Fatalf("funnel: %v", err)
		}
		funnel = append(funnel, row)
	}
	if err := rows.Err(); err != nil || !slices.Equal(funnel, [][2]int64{{1, 10}, {2, 4}}) {
		t.Errorf("funnel %v, error %v", funnel, err)
	}
}

func (s site) goOptions(t *testing.T, compression clickhousego.CompressionMethod) *clickhousego.Options {
	t.Helper()
	user := s.server.BI()
	return &clickhousego.Options{
		Protocol: clickhousego.HTTP, Addr: []string{strings.TrimPrefix(s.server.HTTPURL(), "http://")},
		Auth:        clickhousego.Auth{Database: "analytics", Username: user.User, Password: user.Password},
		Compression: &clickhousego.Compression{Method: compression},
	}
}

// deadlines: clickhouse-go turns the deadline of a context into a setting, a few
// seconds longer, on every call and already when it connects.
func (s site) deadlines(t *testing.T) {
	const endless = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
	calls := map[string]func(context.Context, driver.Conn) error{
		"ping": func(ctx context.Context, c driver.Conn) error { return c.Ping(ctx) },
		"row": func(ctx context.Context, c driver.Conn) error {
			var n uint64
			return c.QueryRow(ctx, "SELECT count() FROM touchpoints").Scan(&n)
		},
		"rows": func(ctx context.Context, c driver.Conn) error {
			rows, err := c.Query(ctx, "SELECT event, day FROM touchpoints WHERE project = {project:String}", clickhousego.Named("project", "shop"))
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return errors.Join(rows.Err(), rows.Close())
		},
		"exec": func(ctx context.Context, c driver.Conn) error { return c.Exec(ctx, "SELECT 1") },
	}
	for _, compression := range []clickhousego.CompressionMethod{clickhousego.CompressionNone, clickhousego.CompressionLZ4, clickhousego.CompressionGZIP} {
		for name, call := range calls {
			for _, c := range []struct {
				deadline time.Duration // 0 is none
				ok       bool
			}{{0, true}, {10 * time.Second, true}, {60 * time.Second, true}, {290 * time.Second, true}, {10 * time.Minute, false}} {
				conn, err := clickhousego.Open(s.goOptions(t, compression))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if c.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
				}
				err = call(ctx, conn)
				cancel()
				if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "max_execution_time") {
					t.Errorf("%s with %s and a deadline in %v: error %v, want success: %v", name, compression, c.deadline, err, c.ok)
				}
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
	conn, err := clickhousego.Open(s.goOptions(t, clickhousego.CompressionLZ4))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := conn.Exec(ctx, endless); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
	limit := clickhousego.Settings{"max_execution_time": 1}
	if err := conn.Exec(clickhousego.Context(t.Context(), clickhousego.WithSettings(limit)), endless); err == nil || !strings.Contains(err.Error(), "TIMEOUT_EXCEEDED") {
		t.Errorf("past the limit: %v", err)
	}
}

// grafana asks what its ClickHouse plugin asks: under a deadline of 10 s for
// connecting and 60 s for a query.
func (s site) grafana(t *testing.T) {
	conn := open(t, s.server, s.server.BI())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := conn.Ping(ctx); err != nil {
		t.Fatalf("ping: %v", err)
	}
	// $__timeFilter, $__timeInterval and $__dateFilter written out.
	to := time.Now().Unix()
	filter := fmt.Sprintf("event_time >= toDateTime(%d) AND event_time <= toDateTime(%d)", to-86400, to)
	for sql, wantRows := range map[string]int{
		"SELECT name FROM system.databases WHERE name = 'analytics'":                                               1,
		"SELECT name FROM system.tables WHERE database = 'analytics' AND name IN ('touchpoints', 'funnel')":        2,
		"SELECT name, type, comment FROM system.columns WHERE database = 'analytics' AND table = 'scores' LIMIT 3": 3,
		"DESC TABLE analytics.touchpoints SETTINGS describe_include_subcolumns = 0":                                -1,
		"SELECT timezone()": 1,
		"SELECT toStartOfInterval(toDateTime(event_time), INTERVAL 86400 second) AS time, event, count() AS events FROM analytics.touchpoints WHERE " + filter + " AND project = 'shop' GROUP BY time, event ORDER BY time":                                          -1,
		"SELECT event_time AS timestamp, event AS body FROM analytics.touchpoints WHERE " + filter + " ORDER BY event_time DESC LIMIT 7":                                                                                                                             7,
		"SELECT DISTINCT country FROM analytics.touchpoints WHERE country != ''":                                                                                                                                                                                     1,
		"SELECT event, persons FROM analytics.funnel(project = 'shop', steps = ['page_view', 'order'], window_seconds = 3600, from = toDateTime(" + fmt.Sprint(to-86400) + "), to = toDateTime(" + fmt.Sprint(to) + "), as_of = toDateTime(" + fmt.Sprint(to) + "))": 2,
	} {
		n, err := count(t, conn, sql, nil)
		if err != nil || wantRows >= 0 && n != wantRows || n == 0 {
			t.Errorf("%s: %d rows, error %v, want %d", sql, n, err, wantRows)
		}
	}
	// Ad-hoc filters are built on this, which would let a reader look behind the views.
	filters := clickhousego.Settings{"additional_table_filters": "{'analytics.touchpoints': 'country = \\'DE\\''}"}
	if _, err := count(t, conn, "SELECT 1", filters); err == nil || !strings.Contains(err.Error(), "additional_table_filters") {
		t.Errorf("ad-hoc filter: error %v", err)
	}
}

// count returns the number of rows, under the deadline of a query of Grafana.
func count(t *testing.T, conn driver.Conn, sql string, settings clickhousego.Settings) (n int, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	rows, err := conn.Query(clickhousego.Context(ctx, clickhousego.WithSettings(settings)), sql)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}
