package collector_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/collector"
)

// TestLongRequests: a URL of 31 KiB beside 24 KiB of other headers is taken, and
// what is too long is told so before the connection ends, although the client
// sends all of it first.
func TestLongRequests(t *testing.T) {
	id := newIdentity(t)
	plain := start(t)
	encrypted := start(t, func(c *collector.Config) { c.HTTP.TLS = id.TLS })
	dials := map[string]func() (net.Conn, error){
		"plain": func() (net.Conn, error) { return net.Dial("tcp", plain.Addr()) },
		"TLS": func() (net.Conn, error) {
			return tls.Dial("tcp", encrypted.Addr(), &tls.Config{RootCAs: id.roots, ServerName: "collect.test"})
		},
	}
	const kib = 1 << 10
	for _, tt := range []struct {
		name, request string
		status        int
	}{
		{"URL of 31 KiB", "GET /v1/projects/wk_test/settings?a=" + strings.Repeat("b", 31*kib) + " HTTP/1.1\r\nCookie: " + strings.Repeat("c", 24*kib) + "\r\n", 200},
		{"URL of 32 KiB and a body", "POST /v1/track?a=" + strings.Repeat("b", 32*kib-17) + " HTTP/1.1\r\nAuthorization: Basic d2tfdGVzdDo=\r\nContent-Length: 2\r\n", 200},
		{"URL of 128 KiB", "GET /?" + strings.Repeat("b", 128*kib) + " HTTP/1.1\r\n", 431},
		{"URL of 1 MiB", "GET /?" + strings.Repeat("b", kib*kib) + " HTTP/1.1\r\n", 431},
		{"a header of 1 MiB", "GET / HTTP/1.1\r\nCookie: " + strings.Repeat("b", kib*kib) + "\r\n", 431},
		{"100,000 headers", "GET / HTTP/1.1\r\n" + strings.Repeat("X-A: b\r\n", 100_000), 431},
	} {
		for kind, dial := range dials {
			t.Run(tt.name+" "+kind, func(t *testing.T) {
				c, err := dial()
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(c, tt.request+"Host: collect.test\r\n\r\n{}"); err != nil {
					t.Fatal(err)
				}
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if _, err := io.ReadAll(res.Body); err != nil || res.StatusCode != tt.status {
					t.Errorf("%d, %v; want %d", res.StatusCode, err, tt.status)
				}
			})
		}
	}
}

// TestAdminIsNotPublic asks the public listener for everything that the admin
// listener answers.
func TestAdminIsNotPublic(t *testing.T) {
	s := start(t)
	for _, path := range []string{
		"/metrics", "/livez", "/readyz", "/healthz", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/profile?seconds=1",
		"/debug/pprof/symbol", "/debug/pprof/trace?seconds=1", "/debug/pprof/heap", "/debug/pprof/goroutine?debug=2", "/debug/vars",
	} {
		for _, target := range []string{path, "/" + path, "/segment" + path, "/v1/.." + path, "/.%2f" + path, strings.ToUpper(path)} {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				a := s.request(t, method+" "+target+" HTTP/1.1"+basic("wk_test"), "")
				if a.StatusCode < 400 || a.StatusCode >= 500 {
					t.Errorf("%s %s: %d", method, target, a.StatusCode)
				}
				for _, word := range []string{"touchline_", "goroutine", "go_gc", `"live"`, `"ready"`, "profile", "collector.test"} {
					if strings.Contains(a.Text, word) {
						t.Errorf("%s %s answers %.200q", method, target, a.Text)
					}
				}
			}
		}
	}
}
