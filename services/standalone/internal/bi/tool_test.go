//go:build bi || bitools

package bi_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// script returns the path of a file of scripts/bi.
func script(t *testing.T, elements ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "..", "..", "scripts", "bi"}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// fetch returns the folder with the packages of a part of scripts/bi.
func fetch(t *testing.T, part string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), script(t, "fetch.sh"), part)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("fetch %s: %v", part, err)
	}
	return strings.TrimSpace(string(out))
}

// python is the environment of a check in Python with the packages of a folder.
func python(packages string) []string { return []string{"PYTHONPATH=" + packages} }

// tool runs a check, which must print that many lines that begin with ok.
func (s site) tool(t *testing.T, want int, within time.Duration, env []string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	user := s.server.BI()
	cmd.Env = append(append(os.Environ(), env...), "BI_URL="+s.server.HTTPURL(), "BI_USER="+user.User, "BI_PASSWORD="+user.Password)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if n := strings.Count("\n"+string(out), "\nok "); err != nil || n != want {
		t.Errorf("%s did %d things, want %d; error %v", name, n, want, err)
	}
}

// documented runs what docs/bi.md shows in a language, each of which must print
// something. A snippet says port 8123, and three dots for the password.
func (s site) documented(t *testing.T, language, folder, file string, env []string, name string) {
	t.Helper()
	text, err := os.ReadFile(script(t, "..", "..", "docs", "bi.md"))
	if err != nil {
		t.Fatal(err)
	}
	snippets := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	if len(snippets) == 0 {
		t.Errorf("docs/bi.md has nothing in %s", language)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(s.server.HTTPURL(), "http://"), ":")
	here := strings.NewReplacer("8123", port, "'...'", "'"+s.server.BI().Password+"'", `"..."`, `"`+s.server.BI().Password+`"`)
	for _, snippet := range snippets {
		path := filepath.Join(folder, file)
		if err := os.WriteFile(path, []byte(here.Replace(snippet[1])), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, name, path)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil || len(strings.TrimSpace(string(out))) == 0 {
			t.Errorf("%s: %v\n%s\nprinted\n%s", name, err, snippet[1], out)
		}
	}
}
