package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestOps runs the operator's commands against a deployment that works.
func TestOps(t *testing.T) {
	each(t, "projects: [{id: shop, write_keys: [k]}]\n", func(t *testing.T, d deployment) {
		for _, who := range []string{"ann", "ann", "bob"} {
			post(t, d, "k", "/v1/identify", `{"userId":"`+who+`","traits":{"email":"`+who+`@example.com"}}`).want(t, 200, success)
		}
		drain(t, d, landTime)
		at := []string{"--brokers", d.kafka()}
		if s, ok := d.(*standalone); ok {
			at = []string{"--dir", s.data()}
		}
		run := func(args ...string) string {
			t.Helper()
			r := execute(t, nil, "touchline", append(args, at...)...)
			if r.code != 0 || r.stderr != "" {
				t.Errorf("touchline %v: exit code %d\n%s", args, r.code, r.stderr)
			}
			return r.stdout
		}
		checkTail(t, run)
		list := run("topics", "list")
		for _, topic := range []string{"touchpoints.raw.v1", "touchpoints.enriched.v1", "profiles.fragments.v1", "profiles.persons.v1", "scores.v1"} {
			fields := fieldsOf(list, topic)
			if len(fields) != 5 || fields[1] != "4" || fields[2] != "1" || fields[4] == "0" {
				t.Errorf("topics list says of %s: %v", topic, fields)
			}
		}
		if fields := fieldsOf(list, "touchpoints.raw.v1"); fields[3] != "3" {
			t.Errorf("3 events were posted, topics list says %v", fields)
		}
		if applied := run("topics", "apply", "--partitions", "4", "--replicas", "1"); strings.Count(applied, "as declared") != 5 {
			t.Errorf("topics apply says\n%s", applied)
		}
		if table := run("lag"); strings.Count(table, "\n") != 1+5*4 || len(fieldsOf(table, "touchline-enricher")) != 6 {
			t.Errorf("lag says\n%s", table)
		}
		checkMigrate(t, d)
		if r := execute(t, nil, "touchline", "version"); r.code != 0 || strings.TrimSpace(r.stdout) == "" {
			t.Errorf("version: %+v", r)
		}
		for _, wrong := range [][]string{
			{"tail", "everything"}, {"topics"}, {"topics", "drop"}, {"lag", "--brokers", "nowhere"}, {"fly"}, {},
			{"tail", "raw", "--from", "start"}, {"lag", "--brokers", d.kafka(), "--dir", "x"}, {"up", "--frobnicate"},
		} {
			if r := execute(t, nil, "touchline", wrong...); r.code == 0 {
				t.Errorf("touchline %v succeeds: %s", wrong, r.stdout)
			}
		}
		if r := execute(t, nil, "touchline", "lag", "--brokers", closedPort(t)); r.code != 1 || r.stderr == "" {
			t.Errorf("lag of no broker: %+v", r)
		}
	})
}

func checkTail(t *testing.T, run func(...string) string) {
	t.Helper()
	for topic, want := range map[string]int{"raw": 3, "enriched": 3, "touchpoints.raw.v1": 3} {
		out := run("tail", topic)
		sources := map[string]bool{} // the dense log may repeat a record
		for line := range strings.Lines(out) {
			var r struct {
				Partition int               `json:"partition"`
				Offset    int64             `json:"offset"`
				Headers   map[string]string `json:"headers"`
				Value     struct {
					Project string `json:"project"`
				} `json:"value"`
			}
			decode(t, []byte(line), &r)
			if r.Value.Project != "shop" || len(r.Headers) == 0 {
				t.Errorf("tail %s: %s", topic, line)
			}
			source, ok := r.Headers["src"]
			if !ok {
				source = fmt.Sprint(r.Offset)
			}
			sources[fmt.Sprint(r.Partition, " ", source)] = true
		}
		if len(sources) != want {
			t.Errorf("tail %s: %d records, want %d", topic, len(sources), want)
		}
	}
	for _, topic := range []string{"fragments", "persons", "scores"} {
		if out := run("tail", topic); !strings.Contains(out, "ann") || !json.Valid([]byte(strings.SplitN(out, "\n", 2)[0])) {
			t.Errorf("tail %s:\n%s", topic, out)
		}
	}
	if out := run("tail", "raw", "--limit", "1"); strings.Count(out, "\n") != 1 {
		t.Errorf("tail --limit 1:\n%s", out)
	}
	if out := run("tail", "raw", "--from", "end"); out != "" {
		t.Errorf("tail --from end:\n%s", out)
	}
	if out := run("tail", "raw", "--from", "1h"); strings.Count(out, "\n") != 3 {
		t.Errorf("tail --from 1h:\n%s", out)
	}
}

// checkMigrate runs it on a schema that is up to date, and without the right to.
func checkMigrate(t *testing.T, d deployment) {
	t.Helper()
	w := d.writer()
	migrate := func(password string) result {
		return execute(t, []string{"TOUCHLINE_MIGRATE_CLICKHOUSE_PASSWORD=" + password}, "touchline",
			"migrate", "--clickhouse.url", w.url, "--clickhouse.user", w.user)
	}
	if r := migrate(w.password); r.code != 0 || strings.TrimSpace(r.stdout) != "up to date" {
		t.Errorf("migrate: %+v", r)
	}
	const wrong = "not-the-password"
	if r := migrate(wrong); r.code != 1 || strings.Contains(r.stdout+r.stderr, wrong) {
		t.Errorf("migrate with a wrong password: %+v", r)
	}
}

// fieldsOf returns the words of the first line that has this one.
func fieldsOf(table, word string) []string {
	for line := range strings.Lines(table) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == word {
			return fields
		}
	}
	return nil
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestUp_badConfig gives a file with three mistakes: all are reported, with their
// lines and paths, and nothing is started.
func TestUp_badConfig(t *testing.T) {
	file := t.TempDir() + "/touchline.yaml"
	const content = "listen: nowhere\nlanding:\n  flush_age: fast\ncolour: blue\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() + "/data"
	r := execute(t, nil, "touchline", "up", "--dir", dir, "--config", file)
	if r.code != 2 {
		t.Errorf("exit code %d, want 2", r.code)
	}
	for _, want := range []string{file + ":1: listen: ", file + ":3: landing.flush_age: ", file + ":4: colour: "} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("no %q in\n%s", want, r.stderr)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a data directory was made")
	}
	// The same for the services.
	for _, name := range []string{"collector", "enricher", "scorer"} {
		prefix := strings.ToUpper(name)
		env := []string{prefix + "_KAFKA_BROKERS=nowhere", prefix + "_TELEMETRY_LOG_LEVEL=loud", prefix + "_COLOUR=blue"}
		r := execute(t, env, name)
		if r.code != 2 || !strings.Contains(r.stderr, "kafka.brokers: ") || !strings.Contains(r.stderr, "telemetry.log_level: ") ||
			!strings.Contains(r.stderr, prefix+"_COLOUR") {
			t.Errorf("%s: exit code %d\n%s", name, r.code, r.stderr)
		}
	}
}

// TestUp_twice starts a second process on the directory of a running one.
func TestUp_twice(t *testing.T) {
	d := newStandalone(newSite(t, "projects: [{id: shop, write_keys: [k]}]\n")).(*standalone)
	t.Cleanup(d.kill)
	d.start(t)
	r := execute(t, nil, "touchline", "up", "--dir", d.data(), "--listen", "127.0.0.1:0")
	if r.code == 0 || !strings.Contains(r.stderr, "another touchline is running on this directory") {
		t.Errorf("the second: %+v", r)
	}
	if _, err := os.Stat(d.site.path("data", "ready.json")); err != nil {
		t.Errorf("the second took the ready file of the first away: %v", err)
	}
	post(t, d, "k", "/v1/track", `{"userId":"u","event":"e"}`).want(t, 200, success)
	rowsOf(t, d, "shop", 1)
	d.stop(t)
}

// TestUp_ready starts without a projects file: there is a project to try, and
// everything that the ready file tells is there.
func TestUp_ready(t *testing.T) {
	s := newSite(t, "")
	ready := s.path("elsewhere.json")
	p := launch(t, s, "touchline", program("touchline"), []string{
		"up", "--dir", s.path("data"), "--listen", "127.0.0.1:0", "--ready-file", ready,
	}, environment())
	t.Cleanup(p.kill)
	p.await(t, "ready")
	var r readyFile
	readJSON(t, ready, &r)
	if len(r.Projects) != 1 || r.Projects[0].ID != "demo" || r.Projects[0].WriteKey != "demo" || r.BIUser != "bi" || r.BIPassword == "" {
		t.Errorf("ready file: %+v", r)
	}
	if stat, err := os.Stat(ready); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("the ready file holds a password, its mode is %v (%v)", stat.Mode(), err)
	}
	for _, url := range []string{r.Collector + "/", r.Admin + "/readyz", r.Admin + "/livez", r.Admin + "/metrics", r.ClickHouse + "/ping"} {
		resp, err := client().Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s (%v)", url, resp.Status, body, err)
		}
	}
	db := database{r.ClickHouse, r.BIUser, r.BIPassword}
	if n := mustCount(t, db, "SELECT count() FROM analytics.touchpoints"); n != 0 {
		t.Errorf("%d rows before the first event", n)
	}
	for _, refused := range []string{"INSERT INTO touchline.rejected (project) VALUES ('x')", "SELECT count() FROM touchline.touchpoints", "DROP DATABASE analytics"} {
		if _, err := db.query(refused, nil); err == nil {
			t.Errorf("the BI user may: %s", refused)
		}
	}
	if _, err := (database{r.ClickHouse, r.BIUser, "wrong"}).query("SELECT 1", nil); err == nil {
		t.Error("a wrong password is let in")
	}
	// Idle and half-sent connections do not hold up a stop.
	for _, host := range []string{strings.TrimPrefix(r.Collector, "http://"), strings.TrimPrefix(r.ClickHouse, "http://"), r.Kafka} {
		conn, err := net.DialTimeout("tcp", host, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	p.stop(t)
}
