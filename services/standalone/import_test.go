package standalone

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestImport_answersAWrongCall(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "want url or dir"},
		{[]string{"a", "--url", "http://x", "--dir", "y"}, 2, "want url or dir"},
		{[]string{"a", "--url", "x"}, 2, "want a URL"},
		{[]string{"a", "--url", "http://x/?a=1"}, 2, "want a URL"},
		{[]string{"a", "--url", "http://x", "--batch", "0"}, 2, "want 1 to 2000"},
		{[]string{"--url", "http://x"}, 2, "want touchline import FILE|-"},
		{[]string{"a", "b", "--url", "http://x"}, 2, "want touchline import FILE|-"},
		{[]string{"a", "--url", "http://x"}, 1, "want a write key"},
		{[]string{"/nowhere/at/all", "--url", "http://x", "--key-file", keyFile(t)}, 1, "open input"},
		{[]string{keyFile(t), "--url", "http://x", "--key-file", keyFile(t), "--format", "xml"}, 2, "unknown format"},
	} {
		code, out, errs := run(t, append([]string{"import"}, c.args...)...)
		if code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("touchline import %s: exit %d, want %d; said %q%q, want %q", strings.Join(c.args, " "), code, c.code, out, errs, c.says)
		}
	}
}

func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("wk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImport_exitCodeSaysWhetherLinesWereLeftOut(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, _, ok := r.BasicAuth(); !ok || user != "wk" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Touchline-Verdict", "accepted=1")
	}))
	defer server.Close()
	const event = `{"type":"track","event":"x","userId":"u"}` + "\n"
	for text, want := range map[string]int{event: 0, event + "x\n": 3, event + event: 1} {
		path := filepath.Join(t.TempDir(), "events")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := run(t, "import", path, "--url", server.URL, "--key-file", keyFile(t)); code != want {
			t.Errorf("%q: exit %d, want %d: %s", text, code, want, errs)
		}
	}
}

func TestSDK_answersAWrongCall(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "want touchline sdk fetch"},
		{[]string{"drop"}, "want touchline sdk fetch"},
		{[]string{"fetch"}, "want the directory"},
		{[]string{"fetch", "--dir", "x", "nothing"}, `want names of segment, posthog, mixpanel, amplitude, jitsu, got "nothing"`},
		{[]string{"fetch", "--frobnicate"}, "frobnicate"},
	} {
		code, out, errs := run(t, append([]string{"sdk"}, c.args...)...)
		if code != 2 || !strings.Contains(out+errs, c.says) {
			t.Errorf("touchline sdk %v: exit %d; said %q%q, want %q", c.args, code, out, errs, c.says)
		}
	}
}

func TestPositional(t *testing.T) {
	plain, flags := positional([]string{"a", "--dir", "d", "--x=y", "-", "b", "--dir"}, "--dir")
	if !slices.Equal(plain, []string{"a", "-", "b"}) || !slices.Equal(flags, []string{"--dir", "d", "--x=y", "--dir"}) {
		t.Errorf("%q, %q", plain, flags)
	}
}
