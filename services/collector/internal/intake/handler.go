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
	// nesting; a project may set the first two lower.
	MaxEvents     int
	MaxEventBytes int
	MaxDepth      int
	// TrustedProxies may name the client in X-Forwarded-For.
	TrustedProxies []netip.Prefix
}

// Deps is what a handler works with.
type Deps struct {
	// Keys returns the projects as they are now; it is asked once a request.
	Keys      func() *projects.Set
	Publisher *publish.Publisher
	Budget    *budget.Budget
	Metrics   *Metrics
	// Now is the clock of received_at.
	Now func() time.Time
}

// taker takes the events of one protocol in.
type taker struct {
	cfg      Config
	deps     Deps
	protocol string
	dialect  Dialect
	pool     *sync.Pool // of *request
}

// request is the memory of a request, used again for the next one.
type request struct {
	batch  Batch
	buffer body.Buffer
	key    []byte

	set      *projects.Set
	received int64
	raw      event.Raw // what all events of the request share
	granted  projects.Grant
	envelope []byte // raw in its wire form, for granted

	verdict Verdict
}

// keepEvents and keepText bound what a request keeps for the next one: events,
// and bytes of its other buffers.
const (
	keepEvents = 1024
	keepText   = 128 << 10
)

func (t *taker) serve(w http.ResponseWriter, r *http.Request, endpoint string) int {
	q := t.pool.Get().(*request)
	t.take(q, r, endpoint)
	status := t.dialect.Answer(w, &q.verdict)
	t.deps.Metrics.events(&q.verdict)
	q.buffer.Free(t.deps.Budget)
	q.reset()
	if cap(q.batch.events) <= keepEvents && cap(q.batch.Scratch)+cap(q.envelope) <= keepText {
		t.pool.Put(q)
	}
	return status
}

func (q *request) reset() {
	clear(q.batch.events)
	q.batch.events = q.batch.events[:0]
	q.batch.Cursor.Reset(nil)
	q.batch.Body, q.batch.Key, q.batch.Context = nil, nil, nil
	q.batch.SentAt, q.batch.Fault = "", Fault{}
	q.set, q.granted = nil, projects.Grant{}
	q.raw = event.Raw{Headers: q.raw.Headers[:0]}
	q.verdict = Verdict{Rejected: q.verdict.Rejected[:0]}
}

// take does everything but answer, and leaves its verdict in q.
func (t *taker) take(q *request, r *http.Request, endpoint string) {
	q.set = t.deps.Keys()
	var grant projects.Grant
	known := false
	if q.key = t.dialect.Key(r, q.key[:0]); len(q.key) > 0 {
		// Before the body is read: it costs a stranger more than us.
		if grant, known = q.set.Key(q.key, t.protocol); !known {
			q.refuse(http.StatusUnauthorized, event.Unauthorized, "unknown write key")
			return
		}
	}
	data, err := q.buffer.Read(r, t.cfg.Body, t.deps.Budget)
	if err != nil {
		q.refuseBody(err)
		return
	}
	q.received = t.deps.Now().UnixMilli()

	b := &q.batch
	b.Endpoint, b.Body = endpoint, data
	b.maxEvents, b.maxDepth = t.cfg.MaxEvents, t.cfg.MaxDepth
	if isBlank(data) {
		if known {
			q.refuse(http.StatusBadRequest, event.UnreadableBody, "the body is empty")
		} else {
			q.refuse(http.StatusUnauthorized, event.Unauthorized, "no write key")
		}
		return
	}
	t.dialect.Slice(b)
	if len(b.events) > b.maxEvents {
		q.refuse(http.StatusRequestEntityTooLarge, event.TooManyEvents, tooMany(b.maxEvents))
		return
	}
	if !known && len(b.Key) > 0 {
		if grant, known = q.set.Key(b.Key, t.protocol); !known {
			q.refuse(http.StatusUnauthorized, event.Unauthorized, "unknown write key")
			return
		}
	}
	q.raw.Protocol, q.raw.Endpoint, q.raw.SentAt, q.raw.Context = t.protocol, endpoint, b.SentAt, b.Context
	q.raw.ReceivedAt = q.received
	q.raw.ClientIP = client.Address(r, t.cfg.TrustedProxies)
	q.raw.UserAgent = client.UserAgent(r.Header)
	q.raw.Headers = client.Headers(q.raw.Headers[:0], r.Header)
	t.publish(q, grant)
}

func (q *request) refuse(status int, reason event.Reason, message string) {
	q.verdict = Verdict{Status: status, Fault: Fault{reason, message}, Rejected: q.verdict.Rejected[:0]}
}

func (q *request) refuseBody(err error) {
	switch {
	case errors.Is(err, body.ErrTooLarge):
		q.refuse(http.StatusRequestEntityTooLarge, event.BodyTooLarge, err.Error())
	case errors.Is(err, body.ErrEncoding):
		q.refuse(http.StatusUnsupportedMediaType, event.UnsupportedEncoding, "send gzip, deflate, zstd or no content encoding")
	case errors.Is(err, body.ErrStalled):
		q.refuse(http.StatusRequestTimeout, event.UnreadableBody, "the body did not arrive in time")
	case errors.Is(err, body.ErrNoBudget):
		q.refuse(http.StatusServiceUnavailable, event.Unavailable, "too much is waiting; send again")
	default:
		q.refuse(http.StatusBadRequest, event.UnreadableBody, "the body could not be read")
	}
}

func isBlank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}
