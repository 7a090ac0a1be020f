package clickhouse

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestLogins(t *testing.T) {
	dir := t.TempDir()
	logins := LoginsOf(dir)
	for _, name := range []string{"", "default", "writer", "bi", "A", "1a", "a-b", "a b", "a'b", "a<b", "ä", strings.Repeat("a", 33), "a\n"} {
		if _, err := logins.Add(t.Context(), name); !errors.Is(err, ErrLoginName) {
			t.Errorf("%q: error %v", name, err)
		}
	}
	var adding sync.WaitGroup
	for _, name := range []string{"acme", "b2", "c_", strings.Repeat("d", 32)} {
		adding.Go(func() {
			made, err := logins.Add(t.Context(), name)
			if err != nil || made.User != name || len(made.Password) != 2*passwordBytes {
				t.Errorf("%s: %+v, error %v", name, made, err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "logins.json"))
			if err != nil || strings.Contains(string(text), made.Password) {
				t.Errorf("%s: the file holds the password; error %v", name, err)
			}
		})
	}
	adding.Wait()
	if _, err := logins.Add(t.Context(), "acme"); !errors.Is(err, ErrLoginExists) {
		t.Errorf("again: %v", err)
	}
	if err := logins.Remove(t.Context(), "b2"); err != nil {
		t.Error(err)
	}
	if err := logins.Remove(t.Context(), "b2"); !errors.Is(err, ErrNoLogin) {
		t.Errorf("again: %v", err)
	}
	if have, err := logins.List(); err != nil || !slices.Equal(have, []string{"acme", "c_", strings.Repeat("d", 32)}) {
		t.Errorf("listed %q, error %v", have, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "logins.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

// The file becomes XML that decides about rights, and may have been edited.
func TestUnusableLoginsAreRefused(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	for _, text := range []string{
		"", "{", "[]", `{"acme": 1}`, `{"acme": ""}`, `{"acme": "0a"}`, `{"acme": "` + sum + `00"}`, `{"acme": "` + strings.Repeat("zz", 32) + `"}`,
		`{"writer": "` + sum + `"}`, `{"bi": "` + sum + `"}`, `{"a/><b": "` + sum + `"}`,
	} {
		cfg := config(t)
		if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(newLayout(cfg.Dir).logins, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "read logins") {
			t.Errorf("%s: error %v", text, err)
			if err == nil {
				t.Error(s.Stop(t.Context()))
			}
		}
	}
}

// A server learns of logins while it runs: they may do what "bi" may.
func TestServerLearnsOfLogins(t *testing.T) {
	cfg := config(t)
	s := start(t, cfg)
	run(t, s, schema...)
	logins := LoginsOf(cfg.Dir)
	acme, err := logins.Add(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	admits := func(user Credentials) func() bool {
		return func() bool {
			status, _ := tryQuery(s, user, "SELECT 1")
			return status == http.StatusOK
		}
	}
	eventually(t, "login of acme", admits(acme))
	other, err := logins.Add(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "login of other", admits(other))

	for sql, want := range map[string]string{
		"SELECT currentUser()":                                           "acme",
		"SELECT sum(n) FROM analytics.events":                            "55",
		"SELECT getSetting('allow_reorder_prewhere_conditions')::String": "false",
	} {
		if status, got := query(t, s, acme, nil, sql); status != http.StatusOK || got != want {
			t.Errorf("%s: %d %q", sql, status, got)
		}
	}
	for _, sql := range []string{"SELECT * FROM touchline.events", "DROP VIEW analytics.events", "SET readonly = 0"} {
		if status, got := query(t, s, acme, nil, sql); status == http.StatusOK {
			t.Errorf("%s: %q", sql, got)
		}
	}

	if err := logins.Remove(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "end of other's login", func() bool { return !admits(other)() && admits(acme)() })
	if s.Restarts() != 0 {
		t.Errorf("%d restarts after a death", s.Restarts())
	}
}

func TestBrokenLoginsChangeNothing(t *testing.T) {
	cfg := config(t)
	s := start(t, cfg)
	pid := s.Pid()
	if err := os.WriteFile(newLayout(cfg.Dir).logins, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A second look-out, as the first may come at any time.
	other := &Server{files: s.files, bi: s.bi, cfg: s.cfg}
	for look, wantErr := range []bool{true, false} {
		if changed, err := other.loginsChanged(); changed || (err != nil) != wantErr {
			t.Errorf("look %d: changed %v, error %v", look, changed, err)
		}
	}
	if got := run(t, s, "SELECT 1"); got != "1" || s.Pid() != pid {
		t.Errorf("answer %q of process %d, before %d", got, s.Pid(), pid)
	}
}
