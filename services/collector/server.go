package collector

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// maxHeaderBytes bounds the headers of a request with its URL: the longest URLs
// that are sent, of pixels, have 32 KiB. More is answered 431.
const maxHeaderBytes = 64 << 10

// What one HTTP/2 connection may hold. Bodies are read as they come and count
// against the budget; the windows are what lies unread besides.
const (
	// maxStreams is the least that the standard recommends.
	maxStreams       = 100
	streamWindow     = 64 << 10
	connectionWindow = 256 << 10
)

// newServer returns the server of the public listener. With a certificate it
// speaks TLS with HTTP/2 and HTTP/1.1, without one HTTP/1.1.
func newServer(cfg HTTP, handler http.Handler, cert *certificate) *http.Server {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: cfg.Timeouts.Header,
		ReadTimeout:       cfg.Timeouts.Read,
		// From the end of the headers: the body, the acknowledgements, and a
		// while for the answer.
		WriteTimeout:   cfg.Timeouts.Read + cfg.Timeouts.Ack + 5*time.Second,
		IdleTimeout:    cfg.Timeouts.Idle,
		MaxHeaderBytes: maxHeaderBytes,
		ConnState:      watch,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReceiveBufferPerStream:     streamWindow,
			MaxReceiveBufferPerConnection: connectionWindow,
			WriteByteTimeout:              cfg.Timeouts.Idle,
		},
	}
	if cert != nil {
		s.TLSConfig = cert.config()
		s.Handler = &streams{next: handler, most: int64(cfg.Limits.MaxConnections)}
	}
	return s
}

// serve answers the requests of a listener until the server is closed.
func serve(s *http.Server, l net.Listener) error {
	if s.TLSConfig != nil {
		return s.ServeTLS(l, "", "")
	}
	return s.Serve(l)
}

// streams bounds the requests that all HTTP/2 connections have under way to what
// as many connections of HTTP/1.1 could have.
type streams struct {
	next  http.Handler
	most  int64
	count atomic.Int64
}

// ServeHTTP passes the request on, or answers 503.
func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor < 2 {
		s.next.ServeHTTP(w, r)
		return
	}
	defer s.count.Add(-1)
	if s.count.Add(1) > s.most {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests at a time; send again", http.StatusServiceUnavailable)
		return
	}
	s.next.ServeHTTP(w, r)
}
