//go:build bi

package bi_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
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
	scripts, err := filepath.Abs("../../../../scripts/bi")
	if err != nil {
		t.Fatal(err)
	}
	fetch := exec.CommandContext(t.Context(), filepath.Join(scripts, "fetch.sh"))
	fetch.Stderr = os.Stderr
	out, err := fetch.Output()
	if err != nil {
		t.Fatalf("fetch drivers: %v", err)
	}
	packages := strings.TrimSpace(string(out))

	for _, version := range jdbcVersions {
		t.Run("jdbc "+version, func(t *testing.T) {
			s.tool(t, 5, nil, "java", "-cp", filepath.Join(packages, "jdbc-"+version, "*"), filepath.Join(scripts, "jdbc", "Check.java"))
		})
	}
	// The wall clock of UTC times does not depend on the zone of the machine.
	t.Run("jdbc in Berlin", func(t *testing.T) {
		s.tool(t, 5, nil, "java", "-Duser.timezone=Europe/Berlin", "-cp", filepath.Join(packages, "jdbc-0.10.0", "*"), filepath.Join(scripts, "jdbc", "Check.java"))
	})
	t.Run("node", func(t *testing.T) {
		s.tool(t, 5, []string{"BI_PACKAGES=" + filepath.Join(packages, "node")}, "node", filepath.Join(scripts, "node", "check.mjs"))
	})
	t.Run("python", func(t *testing.T) {
		s.tool(t, 6, []string{"PYTHONPATH=" + filepath.Join(packages, "python"), "PYTHONDONTWRITEBYTECODE=1"}, "python3", filepath.Join(scripts, "python", "check.py"))
	})
	t.Run("go", s.deadlines)
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

// tool runs a check, which must print that many lines that begin with ok.
func (s site) tool(t *testing.T, want int, env []string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	user := s.server.BI()
	cmd.Env = append(append(os.Environ(), env...), "BI_URL="+s.server.HTTPURL(), "BI_USER="+user.User, "BI_PASSWORD="+user.Password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	if n := strings.Count("\n"+string(out), "\nok "); n != want {
		t.Errorf("%s did %d things, want %d:\n%s", name, n, want, out)
	}
	t.Logf("%s", out)
}

// deadlines: clickhouse-go turns the deadline of a context into a setting, a few
// seconds longer.
func (s site) deadlines(t *testing.T) {
	conn := open(t, s.server, s.server.BI())
	for _, c := range []struct {
		deadline time.Duration
		ok       bool
	}{{10 * time.Second, true}, {60 * time.Second, true}, {290 * time.Second, true}, {10 * time.Minute, false}} {
		ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
		var n uint64
		err := conn.QueryRow(ctx, "SELECT count() FROM analytics.touchpoints").Scan(&n)
		cancel()
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "max_execution_time") {
			t.Errorf("deadline in %v: error %v, want success: %v", c.deadline, err, c.ok)
		}
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
