package collector_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/collector"
	"touchline.dev/services/internal/kafkatest"
)

func basic(key string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(key, "")
	return "\nAuthorization: " + r.Header.Get("Authorization")
}

func TestWriteKeys(t *testing.T) {
	s := start(t)
	const unknown = `{"success":false,"reason":"unauthorized","message":"unknown write key"}`
	const none = `{"success":false,"reason":"unauthorized","message":"no write key that is known here"}`
	f := func(headers, body string, status int, want string, projects ...string) {
		t.Helper()
		before := s.records(t)
		s.request(t, "POST /v1/batch HTTP/1.1"+headers, body).want(t, status, want)
		s.request(t, "POST /segment/v1/import HTTP/1.1"+headers, body).want(t, status, want)
		count := map[string]int{}
		for _, r := range s.records(t) {
			count[r.Project]++
		}
		for _, r := range before {
			count[r.Project]--
		}
		for _, p := range projects {
			count[p] -= 2
		}
		for p, n := range count {
			if n != 0 {
				t.Errorf("%s %s: %d records too many for %q", headers, body, n, p)
			}
		}
	}
	one := `{"batch":[{"userId":"u"}]}`
	keyed := func(key string) string { return `{"batch":[{"userId":"u"}],"writeKey":"` + key + `"}` }
	f(basic("wk_test"), one, 200, success, "shop")
	f(basic("wk_other"), one, 200, success, "other")
	f("", keyed("wk_other"), 200, success, "other")
	f("", keyed("wk\\u005fother"), 200, success, "other")
	f(basic("wk_test"), keyed("wk_other"), 200, success, "shop")
	f(basic("wk_test"), keyed("nobody"), 200, success, "shop")
	f(basic(""), keyed("wk_test"), 200, success, "shop")
	f("\nAuthorization: Bearer token", keyed("wk_test"), 200, success, "shop")
	f("\nAuthorization: basic d2tfdGVzdDo=", one, 200, success, "shop")
	f("\nAuthorization: Basic d2tfdGVzdA==", one, 200, success, "shop") // without the colon
	f("\nAuthorization: Basic !!!", keyed("wk_test"), 200, success, "shop")

	// Wrong keys: nothing is stored, and the answer is the same for a key that
	// is nobody's and one that is not for this protocol.
	f(basic("nobody"), one, 401, unknown)
	f(basic("nobody"), keyed("wk_test"), 401, unknown)
	f(basic("WK_TEST"), one, 401, unknown)
	f(basic("wk_elsewhere"), one, 401, unknown)
	f("", keyed("nobody"), 401, unknown)
	f("", keyed("wk_elsewhere"), 401, unknown)
	f("", one, 401, none)
	f("", `{"batch":[]}`, 401, none)
	f("", `{"batch":[],"writeKey":5}`, 401, unknown)
	f("", `not json`, 401, none)
	f("", ``, 401, `{"success":false,"reason":"unauthorized","message":"no write key"}`)
	f(basic("nobody"), `not json`, 401, unknown)

	// Without a key for the request each event's own decides.
	f("", `{"batch":[{"writeKey":"wk_test"},{"writeKey":"wk_other"},{"writeKey":"nobody"},{},{"writeKey":"wk_test"}]}`, 200,
		rejected(3, "2 unauthorized unknown write key", "3 unauthorized unknown write key"), "shop", "other", "shop")
	f("", `{"batch":[{"writeKey":"nobody"},{}]}`, 401, none)
	f(basic("wk_test"), `{"batch":[{"writeKey":"wk_other"},{"writeKey":"nobody"}]}`, 200, success, "shop", "shop")
	f("", `{"writeKey":"wk_test","batch":[{"writeKey":"wk_other"}]}`, 200, success, "shop")

	for _, r := range s.records(t) {
		if !strings.HasPrefix(r.Key, r.Project+"/") {
			t.Errorf("record of %s has the key %q", r.Project, r.Key)
		}
	}
}

func TestSettings(t *testing.T) {
	s := start(t)
	f := func(target string, status int, want string) {
		t.Helper()
		s.request(t, "GET "+target+" HTTP/1.1", "").want(t, status, want)
	}
	answer := func(key string) string {
		return `{"integrations":{"Segment.io":{"apiKey":"` + key + `"}},"plan":{"track":{"__default":{"enabled":true}}},"metrics":{"sampleRate":0}}`
	}
	const unknown = `{"success":false,"reason":"not_found","message":"no such project"}`
	const nowhere = `{"success":false,"reason":"not_found","message":"no such path"}`
	f("/v1/projects/wk_test/settings", 200, answer("wk_test"))
	f("/segment/v1/projects/wk_web/settings", 200, answer("wk_web"))
	f("/v1/projects/wk%5Ftest/settings?x=1", 200, answer("wk_test"))
	f("//v1/projects/wk_test/settings/", 200, answer("wk_test"))
	f("/v1/projects/nobody/settings", 404, unknown)
	f("/v1/projects/wk_elsewhere/settings", 404, unknown)
	f("/v1/projects/%3Cscript%3E/settings", 404, unknown)
	f("/v1/projects//settings", 404, nowhere)
	f("/v1/projects/a/b/settings", 404, nowhere)
	f("/v1/projects/../settings", 404, nowhere)
	if a := s.request(t, "HEAD /v1/projects/wk_test/settings HTTP/1.1", ""); a.StatusCode != 200 || a.Text != "" {
		t.Errorf("HEAD: %d %q", a.StatusCode, a.Text)
	}
}

func TestPaths(t *testing.T) {
	s := start(t)
	f := func(method, target string, status int, allow string) answer {
		t.Helper()
		a := s.request(t, method+" "+target+" HTTP/1.1"+basic("wk_test"), `{"userId":"u"}`)
		if a.StatusCode != status || a.Header.Get("Allow") != allow {
			t.Errorf("%s %s: %d, Allow %q; want %d, %q", method, target, a.StatusCode, a.Header.Get("Allow"), status, allow)
		}
		if status >= 400 && !json.Valid([]byte(a.Text)) {
			t.Errorf("%s %s: body %q is not JSON", method, target, a.Text)
		}
		return a
	}
	for _, path := range []string{"track", "identify", "page", "screen", "group", "alias", "t", "i", "p", "s", "g", "a", "m"} {
		f("POST", "/v1/"+path, 200, "")
		f("POST", "/segment/v1/"+path, 200, "")
		f("POST", "//v1/"+path+"/?a=b", 200, "")
		f("GET", "/v1/"+path, 405, "OPTIONS, POST")
		f("OPTIONS", "/v1/"+path, 204, "OPTIONS, POST")
	}
	f("PUT", "/v1/batch", 405, "OPTIONS, POST")
	f("POST", "/v1/projects/wk_test/settings", 405, "OPTIONS, GET, HEAD")
	for _, path := range []string{"/v1", "/v1/", "/v1/nothing", "/V1/track", "/v1/track/x", "/metrics", "/livez", "/readyz", "/debug/pprof/", "/v1/../../etc/passwd", "/%00"} {
		f("POST", path, 404, "")
		f("GET", path, 404, "")
		f("OPTIONS", path, 404, "")
	}
	if a := f("GET", "/", 200, ""); a.Text != "touchline collector\n" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("root: %q %v", a.Text, a.Header)
	}
	if a := f("GET", "/robots.txt", 200, ""); !strings.Contains(a.Text, "Disallow: /") {
		t.Errorf("robots.txt: %q", a.Text)
	}
	if n := s.metric(t, "touchline_collector_requests_total", "route=other", "code=404"); n != 33 {
		t.Errorf("%v requests counted as route other, want 33", n)
	}
	endpoints := map[string]int{}
	for _, r := range s.records(t) {
		endpoints[r.Endpoint]++
	}
	for _, e := range []string{"track", "identify", "page", "screen", "group", "alias"} {
		if endpoints[e] != 6 {
			t.Errorf("%d records of %s, want 6", endpoints[e], e)
		}
	}
}

func TestPacking(t *testing.T) {
	s := start(t)
	body := []byte(events("p", 3))
	var zl, fl bytes.Buffer
	zw := zlib.NewWriter(&zl)
	fw, err := flate.NewWriter(&fl, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{zw, fw} {
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	gz, zs := gzipped(t, body), zstandard(t, body)
	two := gzipped(t, body[:40]) + gzipped(t, body[40:])
	f := func(headers, body string, status int, want string) {
		t.Helper()
		for range 2 { // the second time with used decompressors
			s.request(t, "POST /v1/batch HTTP/1.1"+basic("wk_test")+headers, body).want(t, status, want)
		}
	}
	const refused = `{"success":false,"reason":"unsupported_encoding","message":"send gzip, deflate, br, zstd or no content encoding"}`
	const unreadable = `{"success":false,"reason":"unreadable_body","message":"the body could not be read"}`
	f("", string(body), 200, success)
	f("\nContent-Encoding: gzip", gz, 200, success)
	f("\nContent-Encoding: GZIP", gz, 200, success)
	f("\nContent-Type: application/x-www-form-urlencoded\nContent-Encoding: x-gzip", gz, 200, success)
	f("\nContent-Type: text/plain", gz, 200, success) // found by its bytes
	f("\nContent-Encoding: identity", gz, 200, success)
	f("\nContent-Encoding: gzip", string(body), 200, success) // unpacked on its way
	f("\nContent-Encoding: gzip", two, 200, success)
	f("\nContent-Encoding: deflate", zl.String(), 200, success)
	f("\nContent-Encoding: deflate", fl.String(), 200, success)
	f("\nTransfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(gz), gz), 200, success)
	f("\nContent-Encoding: zstd", zs, 200, success)
	f("", zs, 200, success) // found by its bytes
	f("\nContent-Encoding: zstd", string(body), 200, success)
	f("\nContent-Encoding: br", brotlied(t, body), 200, success)
	f("\nContent-Encoding: br", string(body), 200, success)
	if n := len(s.records(t)); n != 3*2*16 {
		t.Errorf("%d records", n)
	}
	f("\nContent-Encoding: compress", string(body), 415, refused)
	f("\nContent-Encoding: gzip, gzip", gz, 415, refused)
	f("\nContent-Encoding: gzip\nContent-Encoding: gzip", gz, 415, refused)
	f("", gz[:len(gz)-9], 400, unreadable)
	f("", gz[:5], 400, unreadable)
	f("", zs[:len(zs)-5], 400, unreadable)
	f("", zs[:5], 400, unreadable)
	f("", gz[:20]+"\xff\xff\xff"+gz[23:], 400, unreadable)
	f("\nContent-Encoding: deflate", "\xff\xff\xff\xff", 400, unreadable)
	f("", gzipped(t, nil), 400, `{"success":false,"reason":"unreadable_body","message":"the body is empty"}`)
	f("", gzipped(t, []byte("nonsense")), 200, rejected(0, "0 malformed_json a string, number or word in it is not JSON"))
	if held := s.metric(t, "touchline_collector_inflight_bytes"); held != 0 {
		t.Errorf("%v bytes still held", held)
	}
}

func TestBodyLimits(t *testing.T) {
	s := start(t, func(c *collector.Config) {
		c.HTTP.Limits.MaxWireBytes, c.HTTP.Limits.MaxBodyBytes = 64<<10, 256<<10
	})
	f := func(headers, body string, status int) {
		t.Helper()
		begin := time.Now()
		a := s.request(t, "POST /v1/track HTTP/1.1"+basic("wk_test")+headers, body)
		if a.StatusCode != status || status == 413 && !strings.Contains(a.Text, `"reason":"body_too_large"`) {
			t.Errorf("%d bytes: %d %s, want %d", len(body), a.StatusCode, a.Text, status)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%d bytes took %v", len(body), took)
		}
	}
	event := func(n int) string { return `{"a":"` + strings.Repeat("x", n-8) + `"}` }
	chunked := func(body string) string {
		return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}
	f("", event(64<<10), 200)
	f("", event(64<<10+1), 413)
	f("\nTransfer-Encoding: chunked", chunked(event(64<<10)), 200)
	f("\nTransfer-Encoding: chunked", chunked(event(64<<10+1)), 413)
	f("", gzipped(t, []byte(event(256<<10))), 200)
	f("", gzipped(t, []byte(event(256<<10+1))), 413)
	f("", gzipped(t, make([]byte, 50<<20)), 413) // 50 MB of zeros in 50 KB
	f("", zstandard(t, []byte(event(256<<10))), 200)
	f("", zstandard(t, []byte(event(256<<10+1))), 413)
	f("", zstandard(t, make([]byte, 500<<20)), 413) // 500 MB of zeros in 50 KB
	f("\nContent-Encoding: br", brotlied(t, []byte(event(256<<10))), 200)
	f("\nContent-Encoding: br", brotlied(t, []byte(event(256<<10+1))), 413)
	f("\nContent-Encoding: br", brotlied(t, make([]byte, 20<<20)), 413)
	f("\nContent-Length: 9000000000", "", 413) // announced only: not waited for
	if held := s.metric(t, "touchline_collector_inflight_bytes"); held != 0 {
		t.Errorf("%v bytes still held", held)
	}
	if n := len(s.records(t)); n != 5 {
		t.Errorf("%d records, want 5", n)
	}
}

func TestStalledBody(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), func(c *collector.Config) { c.HTTP.Timeouts.Read = 200 * time.Millisecond })
	a := s.request(t, "POST /v1/track HTTP/1.1\nContent-Length: 1000"+basic("wk_test"), `{"userId":`)
	a.want(t, 408, `{"success":false,"reason":"unreadable_body","message":"the body did not arrive in time"}`)
	// A client that goes away in the middle leaves nothing behind.
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nAuthorization: Basic d2tfdGVzdDo=\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the request to end", func() bool {
		return s.metric(t, "touchline_collector_requests_total", "route=/v1/track") == 2
	})
	if held := s.metric(t, "touchline_collector_inflight_bytes"); held != 0 {
		t.Errorf("%v bytes still held", held)
	}
	if n := len(s.records(t)); n != 0 {
		t.Errorf("%d records", n)
	}
}

// Headers that never end cost a connection for as long as the time-out.
func TestSlowHeaders(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), func(c *collector.Config) { c.HTTP.Timeouts.Header = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1/track HTTP/1.1\r\nHost: x\r\nX-A: "); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection was not closed: %v", err)
	}
	// Too many of them are refused before they are all read, so the connection
	// may be reset behind the status.
	conn, err = net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		_, _ = io.WriteString(conn, "POST /v1/track HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("x", 100<<10)+"\r\n\r\n")
	}()
	status := make([]byte, len("HTTP/1.1 431"))
	if _, err := io.ReadFull(conn, status); err != nil || string(status) != "HTTP/1.1 431" {
		t.Errorf("100 KiB of headers: %q, %v", status, err)
	}
}

func TestOriginsAndReflection(t *testing.T) {
	s := start(t)
	f := func(headers, origin, list string) {
		t.Helper()
		a := s.request(t, "OPTIONS /v1/t HTTP/1.1\nAccess-Control-Request-Method: POST"+headers, "")
		if a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Origin") != origin || a.Header.Get("Access-Control-Allow-Headers") != list {
			t.Errorf("%q: %d %v", headers, a.StatusCode, a.Header)
		}
		if origin == "" {
			for name := range a.Header {
				if strings.HasPrefix(name, "Access-Control") || name == "Vary" {
					t.Errorf("%q: header %s without an origin", headers, name)
				}
			}
		}
	}
	const list = "\nAccess-Control-Request-Headers: "
	f("", "", "")
	f(list+"authorization", "", "")
	f("\nOrigin: https://www.shop.test", "https://www.shop.test", "")
	f("\nOrigin: http://localhost:3000"+list+"authorization,x-retry-count", "http://localhost:3000", "authorization,x-retry-count")
	f("\nOrigin: null"+list+"Content-Type, X_A", "null", "Content-Type, X_A")
	f("\nOrigin: https://[::1]:8443", "https://[::1]:8443", "")
	f("\nOrigin: capacitor://localhost", "capacitor://localhost", "")
	for _, bad := range []string{
		"https://a.test\"><script>", "https://a.test b", "https://", "://a", "a.test", "javascript:alert(1)", "https://a.test/<x>",
		"https://a.test\t", "https://\xc3\xa9.test", "https://" + strings.Repeat("a", 300) + ".test", "*", "https://a.test, https://b.test", "https://a'b",
	} {
		f("\nOrigin: "+bad, map[bool]string{true: "https://a.test"}[strings.HasSuffix(bad, "\t")], "")
	}
	f("\nOrigin: https://a.test\nOrigin: https://b.test", "", "")
	for _, bad := range []string{"x<script>", "a\"b", "a;b", "a:b", "\xff", strings.Repeat("a", 1025), "a/b", "(a)"} {
		f("\nOrigin: https://a.test"+list+bad, "https://a.test", "")
	}
	f("\nOrigin: https://a.test"+list+"a"+list+"b", "https://a.test", "")

	// Errors are readable for pages, too.
	for _, head := range []string{"GET /nothing", "PUT /v1/t", "POST /v1/t"} {
		a := s.request(t, head+" HTTP/1.1\nOrigin: https://a.test", "{}")
		if a.StatusCode < 400 || a.Header.Get("Access-Control-Allow-Origin") != "https://a.test" || a.Header.Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v", head, a.StatusCode, a.Header)
		}
	}
	a := s.request(t, "POST /v1/t HTTP/1.1"+basic("wk_test"), "{}")
	if a.Header.Get("Vary") != "" || a.Header.Get("Access-Control-Expose-Headers") != "" {
		t.Errorf("headers without an origin: %v", a.Header)
	}
}

func TestWhoSentIt(t *testing.T) {
	s := start(t, func(c *collector.Config) {
		c.HTTP.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
	f := func(headers, ip, agent string, others ...string) {
		t.Helper()
		id := fmt.Sprintf("who-%d", len(s.records(t)))
		s.request(t, "POST /v1/t HTTP/1.1"+basic("wk_test")+headers, `{"anonymousId":"`+id+`"}`).want(t, 200, success)
		for _, r := range s.records(t) {
			if r.Key != "shop/d/"+id {
				continue
			}
			if r.ClientIP != ip || r.UserAgent != agent || len(r.Headers) != len(others)/2 {
				t.Errorf("%q: ip %q, agent %q, headers %q", headers, r.ClientIP, r.UserAgent, r.Headers)
			}
			for i := 0; i+1 < len(others); i += 2 {
				if r.Header(others[i]) != others[i+1] {
					t.Errorf("%q: header %s = %q, want %q", headers, others[i], r.Header(others[i]), others[i+1])
				}
			}
			return
		}
		t.Errorf("%q: no record", headers)
	}
	const xff = "\nX-Forwarded-For: "
	f("", "127.0.0.1", "")
	f(xff+"203.0.113.7", "203.0.113.7", "")
	f(xff+"1.1.1.1, 203.0.113.7", "203.0.113.7", "") // what stands left was written by the client
	f(xff+"1.1.1.1, 203.0.113.7, 10.1.2.3", "203.0.113.7", "")
	f(xff+"203.0.113.7\nX-Forwarded-For: 10.1.2.3", "203.0.113.7", "")
	f(xff+"203.0.113.7:4711", "203.0.113.7", "")
	f(xff+"[2001:db8::1]:4711, fd00::1", "2001:db8::1", "")
	f(xff+"2001:db8::1%eth0", "2001:db8::1", "")
	f(xff+"::ffff:203.0.113.7", "203.0.113.7", "")
	f(xff+"10.0.0.1, 10.0.0.2", "10.0.0.1", "")
	f(xff+"203.0.113.7, unknown, 10.0.0.9", "10.0.0.9", "")
	f(xff+"<script>", "127.0.0.1", "")
	f(xff+",", "127.0.0.1", "")
	f(xff+strings.Repeat("10.0.0.1,", 5000)+"10.0.0.2", "10.0.0.1", "")
	f("\nX-Real-Ip: 203.0.113.7\nForwarded: for=203.0.113.7", "127.0.0.1", "")

	f("\nUser-Agent: "+strings.Repeat("a", 2000), "127.0.0.1", strings.Repeat("a", 1024))
	f("\nUser-Agent: "+strings.Repeat("\u00e9", 700), "127.0.0.1", strings.Repeat("\u00e9", 512))
	f("\nUser-Agent: x"+strings.Repeat("\u20ac", 700), "127.0.0.1", "x"+strings.Repeat("\u20ac", 341))
	f("\nUser-Agent: caf\xe9\t\xff", "127.0.0.1", "caf\u00e9\u00ff")
	f("\nUser-Agent: a\tb\u0085c", "127.0.0.1", "abc")
	f("\nAccept-Language: fr\nCookie: secret=1\nX-Other: y\nSec-CH-UA-Platform-Version: \"15\"", "127.0.0.1", "",
		"accept-language", "fr", "sec-ch-ua-platform-version", `"15"`)
	f("\nAccept-Language: "+strings.Repeat("a", 500), "127.0.0.1", "", "accept-language", strings.Repeat("a", 256))

	// Without trusted proxies nothing that the client writes counts.
	s = start(t)
	f(xff+"203.0.113.7", "127.0.0.1", "")
}
