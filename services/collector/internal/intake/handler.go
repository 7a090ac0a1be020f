package intake

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/collector/internal/body"
	"touchline.dev/services/collector/internal/budget"
	"touchline.dev/services/collector/internal/client"
	"touchline.dev/services/collector/internal/publish"
)

// Config bounds what one request may hold.
type Config struct {
	Body body.Limits
	// MaxEvents, MaxEventBytes and MaxDepth bound a request, an event and its
	// nesting; a project may set the first two lower. MaxKeys and MaxString bound
	// the members of an event in JSON, those of inner objects included, and each of
	// its strings.
	MaxEvents     int
	MaxEventBytes int
	MaxDepth      int
	MaxKeys       int
	MaxString     int
	// TrustedProxies may name the client in X-Forwarded-For.
	TrustedProxies []netip.Prefix
	// Aliases are further names of paths: what is asked for, and the route's.
	Aliases map[string]string
}

// Limiter bounds what write keys may send.
type Limiter interface {
	// Take reports whether a client may send events now with the key, all of them
	// or none, and if not, after which time.
	Take(grant projects.Grant, client netip.Addr, events int, now time.Time) (ok bool, retryAfter time.Duration)
}

// Deps is what a handler works with.
type Deps struct {
	// Keys returns the projects as they are now; it is asked once a request.
	Keys      func() *projects.Set
	Limiter   Limiter // nil for no limits
	Publisher *publish.Publisher
	Budget    *budget.Budget
	Metrics   *Metrics
	// Now is the clock of received_at.
	Now func() time.Time
}

// taker takes the events of requests in.
type taker struct {
	cfg    Config
	deps   Deps
	recent *recent
	lines  [usual + 1][]string // see summary
	pool   sync.Pool           // of *request
}

func newTaker(cfg Config, deps Deps) *taker {
	return &taker{cfg: cfg, deps: deps, recent: newRecent(), lines: usualLines(), pool: sync.Pool{New: func() any { return new(request) }}}
}

// request is the memory of a request, used again for the next one.
type request struct {
	batch         Batch
	buffer, inner body.Buffer
	key           []byte

	now      time.Time
	set      *projects.Set
	received int64
	raw      event.Raw // what all events of the request share
	address  string
	granted  projects.Grant
	envelope []byte // raw in its wire form, for granted
	own      ownKey
	seen     []fingerprint // of the message ids accepted, for the next request
	denied   bool          // the page's origin was refused

	verdict Verdict
}

// keepEvents and keepText bound what a request keeps for the next one: events,
// and bytes of its other buffers.
const (
	keepEvents = 1024
	keepText   = 128 << 10
)

// put ends the use of a request's memory.
func (t *taker) put(q *request) {
	q.buffer.Free(t.deps.Budget)
	q.inner.Free(t.deps.Budget)
	q.reset()
	if cap(q.batch.events) <= keepEvents && cap(q.batch.Scratch)+cap(q.envelope) <= keepText {
		t.pool.Put(q)
	}
}

func (q *request) reset() {
	b := &q.batch
	clear(b.events)
	clear(b.notes)
	b.Cursor.Reset(nil)
	b.Nested.Reset(nil)
	*b = Batch{
		Cursor: b.Cursor, Nested: b.Nested, Scratch: b.Scratch[:0],
		events: b.events[:0], notes: b.notes[:0], unpack: b.unpack,
	}
	q.set, q.granted, q.own, q.denied = nil, projects.Grant{}, ownKey{}, false
	q.raw = event.Raw{Headers: q.raw.Headers[:0]}
	q.seen = q.seen[:0]
	q.verdict = Verdict{Rejected: q.verdict.Rejected[:0], Duplicates: q.verdict.Duplicates[:0]}
}

// take does everything but answer, and leaves its verdict in q. It returns whose
// the request is; nil when it is nobody's.
func (t *taker) take(q *request, r *http.Request, e *endpoint) *claimant {
	q.set, q.now = t.deps.Keys(), t.deps.Now()
	var grant projects.Grant
	known := false
	c := e.only()
	if c != nil {
		// Before the body is read: it costs a stranger more than us.
		q.key = c.dialect.Key(r, q.key[:0])
		if grant, known = q.open(c, q.key); q.verdict.Status != 0 {
			return c
		}
	}
	data, err := q.buffer.Read(r, t.cfg.Body, t.deps.Budget)
	if err != nil {
		if c == nil {
			c = &e.takers[0] // nobody can tell whose it is
		}
		q.refuseFor(refusalOf(err))
		return c
	}
	if c == nil {
		if c = e.claim(r, data); c == nil {
			return nil
		}
		q.key = c.dialect.Key(r, q.key[:0])
		if grant, known = q.open(c, q.key); q.verdict.Status != 0 {
			return c
		}
	}
	q.received = t.deps.Now().UnixMilli()
	q.verdict.Bytes = len(data)

	b := &q.batch
	b.Request, b.Endpoint, b.Body, b.Wire = r, c.route.Endpoint, data, q.buffer.Wire()
	b.maxEvents, b.maxDepth, b.maxKeys, b.maxString = t.cfg.MaxEvents, t.cfg.MaxDepth, t.cfg.MaxKeys, t.cfg.MaxString
	if b.unpack == nil {
		b.unpack = func(packed []byte) ([]byte, error) {
			return q.inner.Unpack(packed, t.cfg.Body.Unpacked, t.deps.Budget)
		}
	}
	if c.route.Drop != "" {
		q.verdict.Status, q.verdict.Drops = http.StatusOK, Drops{c.route.Drop, 1}
		return c
	}
	c.dialect.Slice(b)
	q.verdict.Events, q.verdict.Drops = b.events, b.drops
	if len(b.events) > b.maxEvents {
		q.refuse(http.StatusRequestEntityTooLarge, event.TooManyEvents, tooMany(b.maxEvents))
		return c
	}
	if !known {
		if grant, known = q.open(c, b.Key); q.verdict.Status != 0 {
			return c
		}
	}
	if b.refusal.Reason != "" {
		if !known && b.refusal.Status == http.StatusBadRequest { // the others say why there is no key
			b.refusal = Refusal{http.StatusUnauthorized, Fault{event.Unauthorized, "no write key"}}
		}
		q.refuseFor(b.refusal)
		return c
	}
	if known && c.verifier != nil {
		if fault := c.verifier.Verify(b, grant, q.now); fault.Reason != "" {
			q.refuse(statusOf(fault.Reason), fault.Reason, fault.Message)
			q.verdict.Refused = len(b.events)
			return c
		}
	}
	q.raw.Protocol, q.raw.Endpoint, q.raw.SentAt, q.raw.Context = c.name, b.Endpoint, b.SentAt, b.Context
	q.raw.ReceivedAt = q.received
	q.raw.UserAgent = client.UserAgent(r.Header)
	q.address = client.Address(r, t.cfg.TrustedProxies)
	if !b.anonymous {
		q.raw.ClientIP = q.address
	}
	q.raw.Headers = client.Headers(q.raw.Headers[:0], r.Header)
	for _, note := range b.notes {
		q.raw.Headers = append(q.raw.Headers, event.Header{Name: note.Name, Value: client.Clean(note.Value, maxNote)})
	}
	t.publish(q, c.name, grant)
	return c
}

// open returns what a write key of the request opens. One that opens nothing
// refuses the request, no key does not.
func (q *request) open(c *claimant, key []byte) (grant projects.Grant, known bool) {
	if len(key) == 0 {
		return projects.Grant{}, false
	}
	if grant, known = q.set.Key(key, c.name, q.now); !known {
		q.refuse(http.StatusUnauthorized, event.Unauthorized, "unknown write key")
	}
	return grant, known
}

// only returns who takes every request of the path; nil when they have to be
// asked.
func (e *endpoint) only() *claimant {
	if len(e.takers) == 1 && (e.takers[0].route.Claims == nil || e.takers[0].prefixed) {
		return &e.takers[0]
	}
	return nil
}

// claim returns whose the request is.
func (e *endpoint) claim(r *http.Request, body []byte) *claimant {
	var rest *claimant
	for i := range e.takers {
		c := &e.takers[i]
		switch {
		case c.route.Claims == nil:
			if rest == nil {
				rest = c
			}
		case c.route.Claims(r, body):
			return c
		}
	}
	if rest == nil && !e.open {
		rest = &e.takers[0] // who answers what makes no sense to anybody
	}
	return rest
}

func (q *request) refuse(status int, reason event.Reason, message string) {
	q.refuseFor(Refusal{status, Fault{reason, message}})
}

// refuseFor makes the verdict that of a request of which nothing is taken.
func (q *request) refuseFor(r Refusal) {
	v := &q.verdict
	*v = Verdict{
		Status: r.Status, Fault: r.Fault, Bytes: v.Bytes, Events: v.Events,
		Rejected: v.Rejected[:0], Duplicates: v.Duplicates[:0],
	}
	if r.Status == http.StatusServiceUnavailable || r.Status == http.StatusTooManyRequests {
		v.RetryAfter = 1
	}
}

// statusOf is the HTTP status of a fault of the whole request.
func statusOf(reason event.Reason) int {
	switch reason {
	case event.OriginDenied:
		return http.StatusForbidden
	case event.RateLimited:
		return http.StatusTooManyRequests
	case event.Unauthorized, event.BadSignature:
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

// refusalOf says why a body could not be read.
func refusalOf(err error) Refusal {
	switch {
	case errors.Is(err, body.ErrTooLarge):
		return Refusal{http.StatusRequestEntityTooLarge, Fault{event.BodyTooLarge, err.Error()}}
	case errors.Is(err, body.ErrEncoding):
		return Refusal{http.StatusUnsupportedMediaType, Fault{event.UnsupportedEncoding, "send gzip, deflate, br, zstd or no content encoding"}}
	case errors.Is(err, body.ErrStalled):
		return Refusal{http.StatusRequestTimeout, Fault{event.UnreadableBody, "the body did not arrive in time"}}
	case errors.Is(err, body.ErrNoBudget):
		return Refusal{http.StatusServiceUnavailable, Fault{event.Unavailable, "too much is waiting; send again"}}
	}
	return Refusal{http.StatusBadRequest, Fault{event.UnreadableBody, "the body could not be read"}}
}
