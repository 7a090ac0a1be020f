package landing_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// proxy stands between landers and ClickHouse, so that a test can interrupt single
// statements and keep the same address over restarts of the server.
type proxy struct {
	*httptest.Server

	mu sync.Mutex // guards the following
	// target is where the server is; nil while it is away.
	target *url.URL
	// deny says which statements are answered by cutting the connection.
	deny func(statement string) bool
	// waiting says which statements wait until release is closed, and waits how many
	// did.
	waiting func(statement string) bool
	release chan struct{}
	waits   int
	// settings are added to every insert.
	settings map[string]string
}

func newProxy(t *testing.T, target string) *proxy {
	p := &proxy{}
	p.point(t, target)
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.target != nil {
			r.SetURL(p.target)
		}
		query := r.Out.URL.Query()
		if strings.HasPrefix(query.Get("query"), "INSERT") {
			for name, value := range p.settings {
				query.Set(name, value)
			}
			r.Out.URL.RawQuery = query.Encode()
		}
	}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		statement := r.URL.Query().Get("query")
		p.mu.Lock()
		cut := p.target == nil || p.deny != nil && p.deny(statement)
		var release chan struct{}
		if p.waiting != nil && p.waiting(statement) {
			release = p.release
			p.waits++
		}
		p.mu.Unlock()
		if release != nil {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		if cut {
			panic(http.ErrAbortHandler)
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// point sends statements to the server from now on; an empty one is away.
func (p *proxy) point(t *testing.T, target string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = nil
	if target != "" {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		p.target = u
	}
}

// cut cuts the statements for which deny answers true from now on.
func (p *proxy) cut(deny func(statement string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deny = deny
}

// hold lets the statements for which which answers true wait until the returned
// function is called.
func (p *proxy) hold(which func(statement string) bool) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := make(chan struct{})
	p.waiting, p.release, p.waits = which, held, 0
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.waiting = nil
		close(held)
	}
}

// held returns how many statements have had to wait.
func (p *proxy) held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waits
}

// set adds settings to every insert from now on.
func (p *proxy) set(settings map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings = settings
}

// into tells inserts into the table from other statements.
func into(table string) func(statement string) bool {
	return func(statement string) bool { return strings.HasPrefix(statement, "INSERT INTO "+table+"(") }
}
