package intake

import (
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/cors"
)

// Handler is the public HTTP interface: the routes of all protocols, a line of
// text at / and a robots.txt that keeps crawlers out. It may be used concurrently.
type Handler struct {
	cors     *cors.Policy
	taker    *taker
	exact    map[string]*node
	patterns []pattern // those with more fixed segments first
	aliases  map[string]string
	other    meter
}

// node is what answers at one path.
type node struct {
	get, post *endpoint
	allow     []string
	options   func(h http.Header, r *http.Request)
	meter     meter
}

// endpoint is what answers one method of a path: a handler, or the protocols that
// take events there, in the order in which they are asked.
type endpoint struct {
	handler http.Handler
	takers  []claimant
	open    bool // a pattern or the root, which other requests meet too
}

// claimant is a protocol with its route.
type claimant struct {
	name     string
	dialect  Dialect
	verifier Verifier // nil where the dialect is none
	route    *Route
	// prefixed says that the path tells already whose a request is.
	prefixed bool
}

// pattern is a path with segments that may be anything.
type pattern struct {
	segments []string // "" for any
	names    []string
	fixed    int
	node     *node
}

// New returns a handler of the protocols. Where several have a path, they are
// asked in this order whether a request is theirs.
func New(cfg Config, deps Deps, protocols ...Protocol) *Handler {
	h := &Handler{
		cors: cors.New(), taker: newTaker(cfg, deps), exact: map[string]*node{},
		aliases: cfg.Aliases, other: deps.Metrics.route("other"),
	}
	h.mount("/", "/", &Route{Method: http.MethodGet, Handler: text("touchline collector\n")}, claimant{})
	h.mount("/robots.txt", "/robots.txt", &Route{Method: http.MethodGet, Handler: text("User-agent: *\nDisallow: /\n")}, claimant{})
	for _, p := range protocols {
		verifier, _ := p.Dialect.(Verifier)
		for i := range p.Routes {
			route := &p.Routes[i]
			c := claimant{name: p.Name, dialect: p.Dialect, verifier: verifier, route: route}
			h.mount(route.Path, route.Path, route, c)
			c.prefixed = !strings.Contains(route.Path, "{")
			h.mount("/"+p.Name+route.Path, route.Path, route, c)
		}
	}
	slices.SortStableFunc(h.patterns, func(a, b pattern) int { return b.fixed - a.fixed })
	return h
}

// mount serves a route at a path. label names the path in metrics.
func (h *Handler) mount(at, label string, route *Route, c claimant) {
	n := h.place(path.Clean(at))
	e := &n.post
	if route.Method == http.MethodGet {
		e = &n.get
	}
	if *e == nil {
		*e = new(endpoint)
	}
	switch {
	case route.Handler == nil:
		(*e).takers = append((*e).takers, c)
		(*e).open = at == "/" || strings.Contains(at, "{")
	case (*e).handler == nil:
		(*e).handler = route.Handler
	}
	if route.Options != nil {
		n.options = route.Options
	}
	n.allow = []string{"OPTIONS"}
	if n.get != nil {
		n.allow[0] += ", GET, HEAD"
	}
	if n.post != nil {
		n.allow[0] += ", POST"
	}
	n.meter = h.taker.deps.Metrics.route(label)
}

// place returns the node of a path, made new where there is none.
func (h *Handler) place(at string) *node {
	if !strings.Contains(at, "{") {
		if h.exact[at] == nil {
			h.exact[at] = new(node)
		}
		return h.exact[at]
	}
	p := pattern{node: new(node)}
	for segment := range strings.SplitSeq(at[1:], "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			p.segments, p.names = append(p.segments, ""), append(p.names, strings.TrimSuffix(name, "}"))
		} else {
			p.segments, p.names = append(p.segments, segment), append(p.names, "")
			p.fixed++
		}
	}
	for i := range h.patterns {
		if slices.Equal(h.patterns[i].segments, p.segments) {
			return h.patterns[i].node
		}
	}
	h.patterns = append(h.patterns, p)
	return p.node
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	n := h.find(r)
	if n == nil {
		h.missing(w, r)
		h.other.observe(http.StatusNotFound, start)
		return
	}
	status := http.StatusNoContent
	e := n.post
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		e = n.get
	}
	switch {
	case r.Method == http.MethodOptions:
		if h.taker.deps.Keys().AllowsOrigin(origin(r)) {
			h.cors.Preflight(w.Header(), r)
		}
		w.Header()["Allow"] = n.allow
		if n.options != nil {
			n.options(w.Header(), r)
		}
		w.WriteHeader(status)
	case e == nil || r.Method != http.MethodPost && r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.allow(w, r)
		w.Header()["Allow"] = n.allow
		status = http.StatusMethodNotAllowed
		answer.WriteJSON(w, status, `{"success":false,"reason":"method_not_allowed","message":"this path takes another method"}`)
	case len(e.takers) > 0 && (r.Method != http.MethodHead || e.handler == nil):
		status = h.take(w, r, e)
	default:
		h.allow(w, r)
		s := statusWriter{ResponseWriter: w, status: http.StatusOK}
		e.handler.ServeHTTP(&s, r)
		status = s.status
	}
	n.meter.observe(status, start)
}

// take answers a request that may hold events.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, e *endpoint) int {
	if r.Method == http.MethodHead {
		h.allow(w, r)
		return http.StatusOK
	}
	q := h.taker.pool.Get().(*request)
	defer h.taker.put(q)
	c := h.taker.take(q, r, e)
	if c == nil {
		if e.handler != nil { // a path that is also something else, such as /
			h.allow(w, r)
			e.handler.ServeHTTP(w, r)
			return http.StatusOK
		}
		return h.missing(w, r)
	}
	if !q.denied {
		h.cors.Allow(w.Header(), r)
	}
	h.taker.deps.Metrics.events(&q.verdict)
	w.Header()[verdictHeader] = q.verdict.summary(&h.taker.lines)
	return c.dialect.Answer(w, r, &q.verdict)
}

// allow writes the CORS headers of an answer that belongs to no write key.
func (h *Handler) allow(w http.ResponseWriter, r *http.Request) {
	if h.taker.deps.Keys().AllowsOrigin(origin(r)) {
		h.cors.Allow(w.Header(), r)
	}
}

func (h *Handler) missing(w http.ResponseWriter, r *http.Request) int {
	h.allow(w, r)
	answer.WriteJSON(w, http.StatusNotFound, `{"success":false,"reason":"not_found","message":"no such path"}`)
	return http.StatusNotFound
}

// origin is the page's that sent the request; "" when it was no page.
func origin(r *http.Request) string {
	if values := r.Header["Origin"]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// find returns what answers at the request's path. Doubled and trailing slashes
// are forgiven: SDKs join their paths to whatever host they are given.
func (h *Handler) find(r *http.Request) *node {
	if n := h.exact[r.URL.Path]; n != nil {
		return n
	}
	at := path.Clean("/" + r.URL.Path)
	if len(h.aliases) > 0 {
		at = h.renamed(at)
	}
	if n := h.exact[at]; n != nil {
		return n
	}
	for i := range h.patterns {
		if h.patterns[i].matches(at) {
			h.patterns[i].note(r, at)
			return h.patterns[i].node
		}
	}
	return nil
}

// renamed returns the path that another one is a name of, or is below of: the
// longest name counts.
func (h *Handler) renamed(at string) string {
	for end := len(at); end > 0; end = strings.LastIndexByte(at[:end], '/') {
		if target, ok := h.aliases[at[:end]]; ok {
			return path.Clean(target + at[end:])
		}
	}
	return at
}

func (p *pattern) matches(at string) bool {
	rest := at[1:]
	for i, want := range p.segments {
		segment, after, more := strings.Cut(rest, "/")
		if segment == "" || want != "" && want != segment || more != (i < len(p.segments)-1) {
			return false
		}
		rest = after
	}
	return true
}

func (p *pattern) note(r *http.Request, at string) {
	rest := at[1:]
	for _, name := range p.names {
		segment, after, _ := strings.Cut(rest, "/")
		if name != "" {
			r.SetPathValue(name, segment)
		}
		rest = after
	}
}

func text(content string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, content) // the client is gone: nobody is left to tell
	})
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
