package bi_test

import (
	"bytes"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"touchline.dev/services/standalone/internal/bi"
)

// failed returns the names of the checks that failed.
func failed(t *testing.T, results iter.Seq[bi.Result]) []string {
	t.Helper()
	var names []string
	for r := range results {
		if r.Err != nil {
			t.Logf("%s: %v", r.Name, r.Err)
			names = append(names, r.Name)
		}
	}
	return names
}

// The user bi can do all that tools need, whatever it may read.
func TestCheckPassesForOurUsers(t *testing.T) {
	s := newSite(t)
	out, _ := s.run(t, 0, "check")
	if strings.Contains(out, "FAIL") || !strings.Contains(out, "ok    sees projects: blog, shop\n") || !strings.Contains(out, "other projects: may read every project\n") {
		t.Errorf("printed\n%s", out)
	}
	s.run(t, 0, "user", "allow", "bi", "--project", "shop")
	out, _ = s.run(t, 0, "check")
	if strings.Contains(out, "FAIL") || !strings.Contains(out, "ok    sees projects: shop\n") || !strings.HasSuffix(out, "ok    sees nothing of other projects\n") {
		t.Errorf("printed\n%s", out)
	}
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = s.run(t, 1, "check", "--clickhouse.password-file", password)
	if !strings.HasPrefix(out, "FAIL  logs in: ") || strings.Count(out, "\n") != 2 || !strings.Contains(out, "check name and password") {
		t.Errorf("with a wrong password printed\n%s", out)
	}
}

// Who asks at the wrong place is told what is wrong there, and no password.
func TestCheckOfAServerThatIsNotThere(t *testing.T) {
	s := newSite(t)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	stranger := httptest.NewServer(http.NotFoundHandler())
	defer stranger.Close()
	const nobody = "http://127.0.0.1:1"
	for url, says := range map[string]string{nobody: "no ClickHouse answers there", stranger.URL: "something else than ClickHouse answers there"} {
		out, _ := run(t, 1, "check", "--clickhouse.url", url, "--clickhouse.password-file", password)
		if !strings.HasPrefix(out, "FAIL  logs in: ") || !strings.Contains(out, says) || strings.Contains(out, "hunter2") {
			t.Errorf("of %s printed\n%s", url, out)
		}
	}
	// A touchline up that was killed leaves its ready file.
	path := filepath.Join(s.dir, "ready.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(s.server.HTTPURL()), []byte(nobody)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check"}, {"user", "list"}, {"user", "add", "acme", "--all"}, {"user", "allow", "bi", "--all"}, {"user", "remove", "acme"}} {
		_, errs := s.run(t, 1, args...)
		if !strings.Contains(errs, "is touchline up running there?") || strings.Contains(errs, s.server.Writer().Password) {
			t.Errorf("touchline bi %q says %q", args, errs)
		}
	}
}

// A user with too many rights, and one of another project than it should be, are
// found out; and what is missing in a database is named.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	s := newSite(t)
	writer := bi.Checker{User: s.writer, Others: []string{"blog"}}
	want := []string{
		"compares with an empty text", "may set a time limit up to 300 s", "cannot write", "cannot read the tables behind the views",
		"cannot filter hidden tables", "has conditions run behind those of the views", "cannot reach files and other servers", "sees nothing of other projects",
	}
	if have := failed(t, writer.Run(t.Context())); !slices.Equal(have, want) {
		t.Errorf("as the writer failed\n%q, want\n%q", have, want)
	}
	reader := bi.Checker{User: open(t, s.server, s.server.BI()), Others: []string{"blog"}}
	if have := failed(t, reader.Run(t.Context())); !slices.Equal(have, []string{"sees nothing of other projects"}) {
		t.Errorf("with every project failed %q", have)
	}
	for _, sql := range []string{
		"CREATE VIEW analytics.bare (n UInt64) DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT 1 AS n",
		"DROP VIEW analytics.funnel",
	} {
		if err := s.writer.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	reader.Others = nil
	want = []string{"finds every view and column with a comment", "gets types that every tool reads", "calls a view with parameters"}
	if have := failed(t, reader.Run(t.Context())); !slices.Equal(have, want) {
		t.Errorf("with a bare view and without funnel failed %q, want %q", have, want)
	}
}
