package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// writeTimeout bounds an answer; profiles and traces extend it by the time they
// are asked to take.
const writeTimeout = 30 * time.Second

// stopTimeout is what answers in flight get at the end: a scrape takes
// milliseconds, and a profile is not worth waiting for.
const stopTimeout = time.Second

// Server is the admin listener of a process.
type Server struct {
	listener net.Listener
	http     *http.Server
}

func newServer(addr string, metrics prometheus.Gatherer, health *Health, log *zap.Logger) (*Server, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("open admin listener: %w", err)
	}
	errorLog, err := zap.NewStdLogAt(log.With(zap.String("listener", "admin")), zap.WarnLevel)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open admin log: %w", err), listener.Close())
	}
	return &Server{listener: listener, http: &http.Server{
		Handler:           routes(metrics, health),
		ErrorLog:          errorLog,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}}, nil
}

func routes(metrics prometheus.Gatherer, health *Health) http.Handler {
	ready := func(w http.ResponseWriter, _ *http.Request) { writeReadiness(w, health.Reasons()) }
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, // a scraper needs one; a storm of them shall not cost the service its CPU
	}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, liveness{Live: true}) })
	mux.HandleFunc("GET /readyz", ready)
	mux.HandleFunc("GET /healthz", ready)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// Addr returns the address that the server listens on, with the real port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close frees the listener of a server that is not run.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until ctx ends, gives answers in flight a second, and returns nil.
// It runs once.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve admin listener: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := s.http.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-served
	if err != nil {
		return fmt.Errorf("stop admin listener: %w", err)
	}
	return nil
}

type liveness struct {
	Live bool `json:"live"`
}

type readiness struct {
	Ready   bool              `json:"ready"`
	Reasons map[string]string `json:"reasons,omitempty"`
}

func writeReadiness(w http.ResponseWriter, reasons map[string]string) {
	status := http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, readiness{Ready: len(reasons) == 0, Reasons: reasons})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // a bool and a map of strings always marshal
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the peer is gone: nobody is left to tell
}
