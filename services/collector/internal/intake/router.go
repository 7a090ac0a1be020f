package intake

import (
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"touchline.dev/services/collector/internal/cors"
)

// Handler is the public HTTP interface: the routes of all protocols, a line of
// text at / and a robots.txt that keeps crawlers out. It may be used concurrently.
type Handler struct {
	cors     *cors.Policy
	exact    map[string]*endpoint
	patterns []pattern
	other    meter
}

// endpoint is what answers at one path.
type endpoint struct {
	method string
	allow  []string
	serve  func(w http.ResponseWriter, r *http.Request) int
	meter  meter
}

// pattern is a path with one {key} in it.
type pattern struct {
	before, after string
	endpoint      *endpoint
}

// New returns a handler of the protocols. Their paths must not collide.
func New(cfg Config, deps Deps, protocols ...Protocol) *Handler {
	h := &Handler{cors: cors.New(), exact: map[string]*endpoint{}, other: deps.Metrics.route("other")}
	pool := &sync.Pool{New: func() any { return new(request) }}
	h.mount("/", "/", &endpoint{method: http.MethodGet, serve: text("touchline collector\n")}, deps.Metrics)
	h.mount("/robots.txt", "/robots.txt", &endpoint{method: http.MethodGet, serve: text("User-agent: *\nDisallow: /\n")}, deps.Metrics)
	for _, p := range protocols {
		t := &taker{cfg: cfg, deps: deps, protocol: p.Name, dialect: p.Dialect, pool: pool}
		for _, route := range p.Routes {
			e := &endpoint{method: route.Method}
			if route.Handler == nil {
				e.serve = func(w http.ResponseWriter, r *http.Request) int { return t.serve(w, r, route.Endpoint) }
			} else {
				e.serve = func(w http.ResponseWriter, r *http.Request) int {
					s := statusWriter{ResponseWriter: w, status: http.StatusOK}
					route.Handler.ServeHTTP(&s, r)
					return s.status
				}
			}
			h.mount(route.Path, route.Path, e, deps.Metrics)
			h.mount("/"+p.Name+route.Path, route.Path, e, deps.Metrics)
		}
	}
	return h
}

func (h *Handler) mount(at, label string, e *endpoint, m *Metrics) {
	e.meter = m.route(label)
	e.allow = []string{"OPTIONS, " + e.method}
	if e.method == http.MethodGet {
		e.allow = []string{"OPTIONS, GET, HEAD"}
	}
	if before, after, ok := strings.Cut(at, "{key}"); ok {
		h.patterns = append(h.patterns, pattern{before, after, e})
		return
	}
	h.exact[at] = e
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	e := h.find(r)
	if e == nil {
		h.cors.Allow(w.Header(), r)
		WriteJSON(w, http.StatusNotFound, `{"success":false,"reason":"not_found","message":"no such path"}`)
		h.other.observe(http.StatusNotFound, start)
		return
	}
	status := http.StatusNoContent
	switch {
	case r.Method == http.MethodOptions:
		h.cors.Preflight(w.Header(), r)
		w.Header()["Allow"] = e.allow
		w.WriteHeader(status)
	case r.Method == e.method || r.Method == http.MethodHead && e.method == http.MethodGet:
		h.cors.Allow(w.Header(), r)
		status = e.serve(w, r)
	default:
		h.cors.Allow(w.Header(), r)
		w.Header()["Allow"] = e.allow
		status = http.StatusMethodNotAllowed
		WriteJSON(w, status, `{"success":false,"reason":"method_not_allowed","message":"this path takes another method"}`)
	}
	e.meter.observe(status, start)
}

// find returns what answers at the request's path. Doubled and trailing slashes
// are forgiven: SDKs join their paths to whatever host they are given.
func (h *Handler) find(r *http.Request) *endpoint {
	if e := h.exact[r.URL.Path]; e != nil {
		return e
	}
	at := path.Clean("/" + r.URL.Path)
	if e := h.exact[at]; e != nil {
		return e
	}
	for _, p := range h.patterns {
		key, ok := strings.CutPrefix(at, p.before)
		if !ok {
			continue
		}
		if key, ok = strings.CutSuffix(key, p.after); ok && key != "" && !strings.Contains(key, "/") {
			r.SetPathValue("key", key)
			return p.endpoint
		}
	}
	return nil
}

func text(content string) func(http.ResponseWriter, *http.Request) int {
	return func(w http.ResponseWriter, _ *http.Request) int {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, content) // the client is gone: nobody is left to tell
		return http.StatusOK
	}
}

// WriteJSON answers with a JSON text.
func WriteJSON(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	values := [...]string{"application/json", "nosniff"}
	h["Content-Type"], h["X-Content-Type-Options"] = values[:1:1], values[1:]
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client is gone: nobody is left to tell
}

// statusWriter remembers the status that a handler writes.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}
