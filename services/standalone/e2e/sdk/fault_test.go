//go:build sdks

package sdk_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// fault has a collector give one of its answers. All answers are its own: the
// requests of the SDK are changed on their way, or the collector is set up so that it
// has to answer so.
type fault struct {
	name string
	// status is what an SDK that posts is answered, where its protocol has no other
	// habit; 0 when all have their own.
	status int
	// change changes a request with events on its way to the collector.
	change func(r *http.Request)
	// spoil answers instead of the collector; it reports whether it did.
	spoil func(w http.ResponseWriter, r *http.Request) bool
}

func faults() []fault {
	return []fault{
		{name: "accepted", status: http.StatusOK},
		{name: "unusable", change: garble},
		{name: "cut short", change: cut},
		{name: "unknown key", status: http.StatusUnauthorized},
		{name: "foreign origin", status: http.StatusForbidden, change: func(r *http.Request) { r.Header.Set("Origin", "http://www.shop.test") }},
		{name: "body that stops", status: http.StatusRequestTimeout, change: stall},
		{name: "too large", status: http.StatusRequestEntityTooLarge},
		{name: "unknown encoding", status: http.StatusUnsupportedMediaType, change: func(r *http.Request) { r.Header.Set("Content-Encoding", "sdch") }},
		{name: "over the rate", status: http.StatusTooManyRequests},
		{name: "headers too large", status: http.StatusRequestHeaderFieldsTooLarge, change: func(r *http.Request) { r.Header.Set("X-Padding", strings.Repeat("x", 80<<10)) }},
		{name: "unavailable", status: http.StatusServiceUnavailable},
		{name: "reset", spoil: reset},
		{name: "slow", status: http.StatusOK, spoil: func(_ http.ResponseWriter, r *http.Request) bool {
			// Longer than any SDK but the slowest waits for an answer.
			select {
			case <-time.After(6 * time.Second):
			case <-r.Context().Done():
			}
			return false
		}},
	}
}

// garble makes the events of a request unusable in every protocol.
func garble(r *http.Request) {
	const text = `}{ "not": an event`
	if r.Method == http.MethodGet {
		query := r.URL.Query()
		for name := range query {
			if name != "idsite" { // the key of Matomo
				query.Set(name, text)
			}
		}
		r.URL.RawQuery = query.Encode()
		return
	}
	r.Header.Del("Content-Encoding")
	setBody(r, strings.NewReader(text), int64(len(text)))
}

// cut takes the end of the body away. Where the key stands in the body it is still
// there, before the events.
func cut(r *http.Request) {
	if r.Method == http.MethodGet {
		return
	}
	data, err := io.ReadAll(r.Body)
	if err != nil { // the SDK went away
		return
	}
	half := data[:len(data)/2]
	setBody(r, bytes.NewReader(half), int64(len(half)))
}

// stall has half of the body arrive and then nothing.
func stall(r *http.Request) {
	if r.Method == http.MethodGet {
		return
	}
	data, err := io.ReadAll(r.Body)
	if err != nil || len(data) < 2 {
		return
	}
	setBody(r, io.MultiReader(bytes.NewReader(data[:len(data)/2]), stalled{r.Context()}), int64(len(data)))
}

func setBody(r *http.Request, body io.Reader, length int64) {
	r.Body, r.ContentLength = io.NopCloser(body), length
	r.Header.Set("Content-Length", fmt.Sprint(length))
}

// stalled is a body of which nothing more arrives.
type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// reset cuts the connection as a machine does that goes down.
func reset(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err) // the server of the proxy speaks HTTP/1.1
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a connection that has gone already needs no reset
	}
	_ = conn.Close()
	return true
}

// proxy stands between one SDK and the collector, makes the fault and counts.
type proxy struct {
	url *url.URL

	mu sync.Mutex
	// asked are the times of all requests, but of preflights only those that were
	// refused; answered is how often each status was given to those with events.
	asked    []time.Time
	answered map[int]int
}

// newProxy lets through what carries no events: an SDK that gets no settings sends
// nothing, and there would be nothing to see. Faulty gets the rest.
func newProxy(t *testing.T, f fault, well, faulty *url.URL) *proxy {
	t.Helper()
	p := &proxy{answered: map[int]int{}}
	count := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked = append(p.asked, time.Now())
	}
	forward := func(to *url.URL, boot bool) *httputil.ReverseProxy {
		return &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(to)
				r.Out.Host = r.In.Host
				if f.change != nil && !boot && r.Out.Method != http.MethodOptions {
					f.change(r.Out)
				}
			},
			ModifyResponse: func(answer *http.Response) error {
				switch preflight := answer.Request.Method == http.MethodOptions; {
				case preflight && answer.Header.Get("Access-Control-Allow-Origin") == "":
					count()
				case !preflight && !boot:
					p.mu.Lock()
					defer p.mu.Unlock()
					p.answered[answer.StatusCode]++
				}
				return nil
			},
			// An SDK that gave up waiting is no error of the proxy.
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { reset(w, nil) },
		}
	}
	boot, events := forward(well, true), forward(faulty, false)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodOptions {
			count()
		}
		switch {
		case isBoot(r.URL.Path):
			boot.ServeHTTP(w, r)
		case r.Method == http.MethodOptions || f.spoil == nil || !f.spoil(w, r):
			events.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	var err error
	if p.url, err = url.Parse(front.URL); err != nil {
		t.Fatal(err)
	}
	return p
}

// isBoot reports whether an SDK asks for its settings.
func isBoot(path string) bool {
	for _, prefix := range []string{"/v1/projects/", "/v1/m", "/sourceConfig", "/array/", "/flags", "/decide", "/static/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// within returns how many requests came in the time since the first one.
func (p *proxy) within(span time.Duration) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.asked {
		if at.Sub(p.asked[0]) < span {
			n++
		}
	}
	return n
}

// over reports whether the time of the storm has passed since the first request.
func (p *proxy) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked) > 0 && time.Since(p.asked[0]) > stormTime
}

// times returns when the requests came, from the first one on.
func (p *proxy) times() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for _, at := range p.asked {
		fmt.Fprintf(&b, " %.1fs", at.Sub(p.asked[0]).Seconds())
	}
	return strings.TrimSpace(b.String())
}

// statuses returns what was answered, as 200×3 401×2.
func (p *proxy) statuses() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for status := 100; status < 600; status++ {
		if n := p.answered[status]; n > 0 {
			fmt.Fprintf(&b, " %d×%d", status, n)
		}
	}
	return strings.TrimSpace(b.String())
}
