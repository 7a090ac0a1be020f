//go:build bitools

package bi_test

import (
	"bufio"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	schema "touchline.dev/schemas/clickhouse"
)

// Superset connects as the user bi, lists and charts every view, and counts right by
// week and month with the day on the x axis.
func TestSuperset(t *testing.T) {
	s := newSite(t)
	s.loadDemo(t)
	s.loadGrain(t)
	run := superset{packages: fetch(t, "superset"), home: t.TempDir(), secret: rand.Text() + rand.Text()}
	const user, password = "admin", "admin-of-the-test"
	run.do(t, "db", "upgrade")
	run.do(t, "fab", "create-admin", "--username", user, "--password", password, "--firstname", "A", "--lastname", "B", "--email", "a@example.com")
	run.do(t, "init")
	plain, parameterized := views(t)
	s.tool(t, 10, 20*time.Minute, []string{
		"SUPERSET_URL=" + run.serve(t), "SUPERSET_USER=" + user, "SUPERSET_PASSWORD=" + password,
		"BI_PLAIN=" + strings.Join(plain, ","), "BI_PARAMETERIZED=" + strings.Join(parameterized, ","),
	}, "python3", script(t, "superset", "check.py"))
}

// loadGrain adds events around the end of a month: of the week of 23 March 30, of that
// of 30 March 10 in March and 10 in April, of that of 6 April 10.
func (s site) loadGrain(t *testing.T) {
	t.Helper()
	for at, events := range map[string]string{
		"2026-03-25 12:00:00": "10", "2026-03-28 12:00:00": "20", "2026-03-31 12:00:00": "10", "2026-04-03 12:00:00": "10", "2026-04-08 12:00:00": "10",
	} {
		sql := "INSERT INTO touchline.touchpoints (project, event, kind, person_id, event_time, day) SELECT 'grain', 'page_view', 'page_view', number + 1, toDateTime64('" +
			at + "', 3, 'UTC'), toDate('" + at + "') FROM numbers(" + events + ")"
		if err := s.writer.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
}

// views returns the names of the views without and with parameters.
func views(t *testing.T) (plain, parameterized []string) {
	t.Helper()
	all, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if len(o.Params) == 0 {
			plain = append(plain, o.Name)
		} else {
			parameterized = append(parameterized, o.Name)
		}
	}
	return plain, parameterized
}

// superset is an installation with a database of its own.
type superset struct{ packages, home, secret string }

func (s superset) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", append([]string{"-c", "from superset.cli.main import superset; superset()"}, args...)...)
	cmd.Dir = s.home
	cmd.Env = append(append(os.Environ(), python(s.packages)...), "FLASK_APP=superset.app:create_app()",
		"SUPERSET_HOME="+s.home, "SUPERSET_SECRET_KEY="+s.secret, "SUPERSET_CONFIG_PATH="+script(t, "superset", "superset_config.py"))
	return cmd
}

func (s superset) do(t *testing.T, args ...string) {
	t.Helper()
	if out, err := s.command(t, args...).CombinedOutput(); err != nil {
		t.Fatalf("superset %s: %v\n%s", args[0], err, out)
	}
}

var listening = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// serve starts the server and returns its address. What it logs is shown when the test
// fails.
func (s superset) serve(t *testing.T) (url string) {
	t.Helper()
	cmd := s.command(t, "run", "--host", "127.0.0.1", "--port", "0", "--with-threads")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err := errors.Join(cmd.Start(), write.Close()); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(s.home, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	found, drained := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(drained)
		defer close(found)
		lines := bufio.NewReader(io.TeeReader(read, log))
		for told := false; ; {
			line, err := lines.ReadString('\n')
			if m := listening.FindStringSubmatch(line); m != nil && !told {
				told = true
				found <- m[1]
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { // the context of the test has ended the server
		_ = cmd.Wait() // says that it was ended
		<-drained
		if err := errors.Join(read.Close(), log.Close()); err != nil {
			t.Error(err)
		}
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			const most = 20_000
			t.Logf("Superset logged\n%s", text[max(0, len(text)-most):])
		}
	})
	if url = <-found; url == "" {
		t.Fatal("Superset ended before it listened")
	}
	return url
}
