package collector_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/services/collector"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafkatest"
)

// TestScriptsAndPaths serves a script under its own path, below the protocol's
// prefix, and under names of the operator's own, which reach the events as well.
func TestScriptsAndPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"matomo/matomo.js", "posthog/array.js"} {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte("// "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := startWithProjects(t, visitProjects, kafkatest.Start(t), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), nil, func(c *collector.Config) {
		c.HTTP.Scripts = dir
		c.HTTP.Paths = map[string]string{"/c/h.js": "/matomo.js", "/c/h": "/matomo.php", "/in": "/posthog", "/in/deep": "/umami"}
	})
	for target, want := range map[string]string{
		"/matomo.js": "// matomo/matomo.js", "/matomo/piwik.js": "// matomo/matomo.js", "/c/h.js": "// matomo/matomo.js", "//c//h.js": "// matomo/matomo.js",
		"/static/array.js": "// posthog/array.js", "/in/static/array.js": "// posthog/array.js", "/in/static/1.449.2/array.js": "// posthog/array.js",
	} {
		got := s.request(t, "GET "+target+" HTTP/1.1\nOrigin: https://shop.example", "")
		if got.want(t, 200, want); got.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" || len(got.Header["Vary"]) != 2 {
			t.Errorf("%s: headers %v", target, got.Header)
		}
		head := s.request(t, "HEAD "+target+" HTTP/1.1", "")
		if head.StatusCode != 200 || head.Text != "" || head.Header.Get("Etag") != got.Header.Get("Etag") {
			t.Errorf("HEAD %s: %d %q %v", target, head.StatusCode, head.Text, head.Header)
		}
	}
	for _, target := range []string{"/static/recorder.js", "/script.js", "/in/deep/script.js", "/posthog/static/%2e%2e/matomo.js"} {
		got := s.request(t, "GET "+target+" HTTP/1.1", "")
		if got.StatusCode != 404 || strings.Contains(got.Text, "matomo") {
			t.Errorf("%s: %d %q", target, got.StatusCode, got.Text)
		}
	}
	s.request(t, "POST /c/h?idsite=1&_id=a HTTP/1.1", "").want(t, 204, "")
	if got := s.request(t, "POST /in/deep/api/send HTTP/1.1", `{"type":"event","payload":{"website":"w-1"}}`); got.StatusCode != 200 {
		t.Errorf("below a name: %d %s", got.StatusCode, got.Text)
	}
	wantRecords(t, s, "shop matomo hit idsite=1&_id=a", `shop umami send {"type":"event","payload":{"website":"w-1"}}`)
}

func TestPathsAreChecked(t *testing.T) {
	for name, target := range map[string]string{"c": "/matomo.js", "/c/": "/matomo.js", "/": "/matomo.js", "/c/../d": "/matomo.js", "/c": "matomo.js", "/d": "/d", "/{x}": "/matomo.js", "/e": "/matomo.js/"} {
		cfg := collector.Default()
		cfg.HTTP.Paths = map[string]string{name: target}
		if err := config.Check(cfg); err == nil || !strings.Contains(err.Error(), "http.paths") {
			t.Errorf("%s: %s is taken: %v", name, target, err)
		}
	}
	cfg := collector.Default()
	cfg.HTTP.Paths = map[string]string{"/c/h.js": "/matomo.js", "/in": "/posthog"}
	if err := config.Check(cfg); err != nil {
		t.Error(err)
	}
}
