package scripts_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"touchline.dev/services/collector/internal/scripts"
)

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	at := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// mux serves the routes with the router of net/http.
func mux(t *testing.T, s *scripts.Scripts) http.Handler {
	t.Helper()
	m := http.NewServeMux()
	for _, p := range s.Protocols() {
		for _, r := range p.Routes {
			m.Handle(r.Method+" "+r.Path, r.Handler)
			m.Handle(r.Method+" /"+p.Name+r.Path, r.Handler)
		}
	}
	return m
}

func get(t *testing.T, h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func open(t *testing.T, dir string) *scripts.Scripts {
	t.Helper()
	s, err := scripts.Open(dir, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"segment/analytics.min.js", "segment/bundles/407.bundle.61e.js", "posthog/array.js", "posthog/surveys.js", "snowplow/sp.js",
		"rudderstack/modern/rsa.min.js", "mixpanel/mixpanel.min.js", "amplitude/analytics-browser.js", "jitsu/p.js", "matomo/matomo.js",
		"plausible/script.outbound-links.js", "umami/script.js",
	} {
		write(t, dir, name, "/* "+name+" */")
	}
	write(t, dir, "posthog/secret.txt", "no script")
	h := mux(t, open(t, dir))
	for target, name := range map[string]string{
		"/analytics.js/v1/wk_1/analytics.min.js": "segment/analytics.min.js", "/analytics-next/bundles/407.bundle.61e.js": "segment/bundles/407.bundle.61e.js",
		"/static/array.js": "posthog/array.js", "/static/1.449.2/surveys.js?v=1": "posthog/surveys.js", "/posthog/static/array.js": "posthog/array.js",
		"/sp.js": "snowplow/sp.js", "/v3/modern/rsa.min.js": "rudderstack/modern/rsa.min.js", "/libs/mixpanel-2-latest.min.js": "mixpanel/mixpanel.min.js",
		"/libs/2.44.0/analytics-browser-min.js": "amplitude/analytics-browser.js", "/p.js": "jitsu/p.js", "/matomo.js": "matomo/matomo.js",
		"/piwik.js": "matomo/matomo.js", "/js/script.outbound-links.js": "plausible/script.outbound-links.js", "/script.js": "umami/script.js",
	} {
		w := get(t, h, target)
		if w.Code != 200 || w.Body.String() != "/* "+name+" */" || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%s: %d %q %v", target, w.Code, w.Body, w.Header())
		}
	}
	for _, target := range []string{
		"/static/recorder.js", "/static/secret.txt", "/static/..%2fmatomo%2fmatomo.js", "/static/%2e%2e%2fumami%2fscript.js", "/static/..%2f..%2f..%2fetc%2fpasswd",
		"/js/%00", "/static/array.js%00.txt", "/v3/..%2fmatomo/rsa.min.js", "/sp.lite.js", "/static/array.js.gz",
	} {
		if w := get(t, h, target); w.Code != 404 || w.Body.Len() != 0 {
			t.Errorf("%s: %d %q", target, w.Code, w.Body)
		}
	}
}

func TestCaching(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "posthog/array.js", "plain")
	write(t, dir, "posthog/array.js.gz", "packed")
	write(t, dir, "posthog/array.js.br", "squeezed")
	write(t, dir, "matomo/matomo.js", "one")
	s := open(t, dir)
	h := mux(t, s)
	for accept, want := range map[string]string{
		"": "plain", "identity": "plain", "gzip": "packed", "gzip, deflate, br, zstd": "squeezed", "gzip;q=1.0, BR;q=0": "packed",
		"br;q=0.000, gzip; q=0": "plain", "br;q=0.1": "squeezed", "brx, xgzip": "plain",
	} {
		w := get(t, h, "/static/array.js", "Accept-Encoding", accept)
		encoding := map[string]string{"plain": "", "packed": "gzip", "squeezed": "br"}[want]
		if w.Body.String() != want || w.Header().Get("Content-Encoding") != encoding || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %q %v", accept, w.Body, w.Header())
		}
	}
	if w := get(t, h, "/matomo.js", "Accept-Encoding", "gzip, br"); w.Body.String() != "one" || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("without siblings: %q %v", w.Body, w.Header())
	}
	if got := get(t, h, "/static/array.js").Header().Get("Cache-Control"); got != "public, max-age=3600" {
		t.Errorf("a name that stays: %s", got)
	}
	if got := get(t, h, "/static/1.2.3/array.js").Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("a name with a version: %s", got)
	}
	tag := get(t, h, "/matomo.js").Header().Get("Etag")
	for _, match := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if w := get(t, h, "/matomo.js", "If-None-Match", match); w.Code != 304 || w.Body.Len() != 0 {
			t.Errorf("%s: %d %q", match, w.Code, w.Body)
		}
	}
	write(t, dir, "matomo/matomo.js", "two")
	if w := get(t, h, "/matomo.js", "If-None-Match", tag); w.Code != 304 {
		t.Errorf("before it is read again: %d", w.Code)
	}
	s.Reload()
	if w := get(t, h, "/matomo.js", "If-None-Match", tag); w.Code != 200 || w.Body.String() != "two" {
		t.Errorf("after it was read again: %d %q", w.Code, w.Body)
	}
}

func TestReloadKeepsWhatWasRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "scripts")
	write(t, dir, "jitsu/p.js", "one")
	core, logged := observer.New(zap.ErrorLevel)
	s, err := scripts.Open(dir, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	if w := get(t, mux(t, s), "/p.js"); w.Body.String() != "one" || logged.Len() != 1 {
		t.Errorf("%d %q, %d lines logged", w.Code, w.Body, logged.Len())
	}
}

func TestOpen(t *testing.T) {
	if _, err := scripts.Open(filepath.Join(t.TempDir(), "none"), zap.NewNop()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if w := get(t, mux(t, open(t, "")), "/static/array.js"); w.Code != 404 || w.Body.Len() != 0 {
		t.Errorf("nothing configured: %d %q", w.Code, w.Body)
	}
	large := t.TempDir()
	write(t, large, "posthog/array.js", strings.Repeat(" ", 8<<20+1))
	if _, err := scripts.Open(large, zap.NewNop()); !errors.Is(err, scripts.ErrTooMuch) {
		t.Errorf("a file of more than 8 MiB: %v", err)
	}
	outside := t.TempDir()
	write(t, outside, "other/secret.js", "secret")
	inside := t.TempDir()
	if err := os.Symlink(filepath.Join(outside, "other", "secret.js"), filepath.Join(inside, "umami.js")); err != nil {
		t.Fatal(err)
	}
	if _, err := scripts.Open(inside, zap.NewNop()); err == nil {
		t.Error("a link that leads out of the directory was followed")
	}
}

func BenchmarkServe(b *testing.B) {
	dir := b.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "umami"), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "umami", "script.js"), make([]byte, 2<<10), 0o644); err != nil {
		b.Fatal(err)
	}
	s, err := scripts.Open(dir, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	var h http.Handler
	for _, p := range s.Protocols() {
		if p.Name == "umami" {
			h = p.Routes[0].Handler
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/script.js", nil)
	r.Header.Set("Accept-Encoding", "gzip, deflate, br")
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
	}
}
