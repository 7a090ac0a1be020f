package intake

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/collector/internal/publish"
)

const (
	// maxID is the longest id that is used as a key; the enricher rejects events
	// with longer ones.
	maxID = 512
	// keptBytes is how much is kept of an event over the size limit, and the
	// longest context that is written into each record of a batch; real ones
	// have a few hundred bytes.
	keptBytes = 64 << 10
	// maxGrowth bounds what the records of a request may be together, as a
	// multiple of the body limit: the context of a batch is written into each of
	// its records, so a small body could ask for thousands of large ones.
	maxGrowth = 4
	// namesBytes bounds a project's id and a source label with their tags.
	namesBytes = 2 * (63 + 2)
)

// publish gives each event its project and verdict, writes them and waits. fixed
// is the grant of the request's own key; without one each event's key decides.
func (t *taker) publish(q *request, protocol string, fixed projects.Grant) {
	b := &q.batch
	if n := len(b.Context); n > keptBytes || n*len(b.events) > maxGrowth*t.cfg.Body.Unpacked {
		b.Fault = Fault{event.EventTooLarge, "the context of the batch is too large for so many events"}
		q.raw.Context = nil
	}
	if fixed.Project != nil {
		if denial := t.admit(q, fixed, len(b.events)); denial.Reason != "" {
			q.deny(denial, len(b.events))
			return
		}
	}
	q.seal(fixed)
	size := 0
	for i := range b.events {
		e := &b.events[i]
		size += len(q.envelope) + namesBytes + min(len(e.Bytes), t.cfg.MaxEventBytes) +
			publish.ItemBytes + max(len(e.AnonymousID), len(e.UserID))
	}
	out := t.deps.Publisher.Batch(len(b.events), size)
	if out == nil {
		q.refuse(http.StatusServiceUnavailable, event.Unavailable, "too much is waiting; send again")
		return
	}
	taken := 0
	last := denial{Refusal: Refusal{http.StatusUnauthorized, Fault{event.Unauthorized, "no write key that is known here"}}}
	for i := range b.events {
		grant := fixed
		if grant.Project == nil {
			var denied denial
			if grant, denied = t.ownGrant(q, &b.events[i], protocol); denied.Reason != "" {
				if denied.Reason != event.Unauthorized {
					last = denied
				}
				q.verdict.Rejected = append(q.verdict.Rejected, Rejection{i, denied.Fault})
				continue
			}
		}
		if limit := grant.Project.Limits.MaxEventsPerRequest; len(b.events) > limit {
			out.Discard()
			q.refuse(http.StatusRequestEntityTooLarge, event.TooManyEvents, tooMany(limit))
			return
		}
		t.add(q, out, i, grant)
		taken++
	}
	if taken == 0 && len(b.events) > 0 || fixed.Project == nil && len(b.events) == 0 && b.drops.N == 0 {
		out.Discard()
		q.deny(last, len(b.events))
		return
	}
	if err := out.Send(); err != nil {
		q.refuse(http.StatusServiceUnavailable, event.Unavailable, "the events are not stored yet; send again")
		return
	}
	t.recent.add(q.seen)
	q.verdict.Status = http.StatusOK
	q.verdict.Accepted = len(b.events) - len(q.verdict.Rejected)
}

// denial is why what a key opens is not open to this request.
type denial struct {
	Refusal
	after time.Duration // until it may come again
}

// deny refuses a request that was understood, with n events.
func (q *request) deny(d denial, n int) {
	q.refuseFor(d.Refusal)
	q.verdict.Refused = n
	q.denied = d.Reason == event.OriginDenied
	if d.after > 0 {
		q.verdict.RetryAfter = int((d.after + time.Second - 1) / time.Second)
	}
}

// admit says why the holder of a key may not send n events now from where they
// come from; the zero denial when it may.
func (t *taker) admit(q *request, grant projects.Grant, n int) denial {
	if from := origin(q.batch.Request); from != "" && !grant.AllowsOrigin(from) {
		return denial{Refusal: Refusal{http.StatusForbidden, Fault{event.OriginDenied, "the write key is not for pages of this origin"}}}
	}
	if t.deps.Limiter == nil {
		return denial{}
	}
	address, _ := netip.ParseAddr(q.address) // of no network without one
	if ok, after := t.deps.Limiter.Take(grant, address, n, q.now); !ok {
		return denial{Refusal{http.StatusTooManyRequests, Fault{event.RateLimited, "more events than this write key may send"}}, after}
	}
	return denial{}
}

// ownKey is the write key of an event and what it opens: as a rule all events of
// a request have the same.
type ownKey struct {
	key    []byte
	grant  projects.Grant
	denial denial
}

// ownGrant returns what the event's own write key opens.
func (t *taker) ownGrant(q *request, e *Event, protocol string) (projects.Grant, denial) {
	o := &q.own
	if o.key != nil && bytes.Equal(o.key, e.Key) && o.denial.Reason != "" {
		return o.grant, o.denial
	}
	if o.key == nil || !bytes.Equal(o.key, e.Key) {
		*o = ownKey{key: e.Key}
		known := len(e.Key) > 0
		if known {
			o.grant, known = q.set.Key(e.Key, protocol, q.now)
		}
		if !known {
			o.grant = projects.Grant{}
			o.denial.Refusal = Refusal{http.StatusUnauthorized, Fault{event.Unauthorized, "unknown write key"}}
			return o.grant, o.denial
		}
	}
	o.denial = t.admit(q, o.grant, 1)
	return o.grant, o.denial
}

// add appends event i of the request to the records of a project.
func (t *taker) add(q *request, out *publish.Batch, i int, grant projects.Grant) {
	e := &q.batch.events[i]
	if q.granted != grant {
		q.seal(grant)
	}
	record := publish.Event{
		Project: grant.Project.ID, ReceivedAt: q.received, Envelope: q.envelope,
		Item:      event.Raw{Index: uint32(i), Event: e.Bytes},
		MessageID: usable(e.MessageID), AnonymousID: usable(e.AnonymousID), UserID: usable(e.UserID),
	}
	fault := e.Fault
	if fault.Reason == "" {
		fault = q.batch.Fault
	}
	if limit := min(t.cfg.MaxEventBytes, grant.Project.Limits.MaxEventBytes); len(e.Bytes) > limit {
		fault = Fault{event.EventTooLarge, tooLong(len(e.Bytes), limit)}
		if len(e.Bytes) > keptBytes {
			record.Item.Event = e.Bytes[:keptBytes]
			record.Item.OriginalBytes = uint64(len(e.Bytes))
		}
	}
	if fault.Reason != "" {
		record.Item.RejectReason, record.Item.RejectMessage = fault.Reason, fault.Message
		q.verdict.Rejected = append(q.verdict.Rejected, Rejection{i, fault})
	}
	hash := out.Add(&record)
	if fault.Reason == "" && len(hash) > 0 {
		f := fingerprintOf(hash)
		if t.recent.has(f) {
			q.verdict.Duplicates = append(q.verdict.Duplicates, i)
		}
		q.seen = append(q.seen, f)
	}
}

// seal writes the envelope of the grant's project.
func (q *request) seal(grant projects.Grant) {
	q.granted = grant
	q.raw.Project, q.raw.Source = "", grant.Source
	if grant.Project != nil {
		q.raw.Project = grant.Project.ID
	}
	q.envelope = q.raw.Append(q.envelope[:0])
}

func usable(id []byte) []byte {
	if len(id) > maxID {
		return nil
	}
	return id
}

func tooDeep(depth, limit int) string {
	return fmt.Sprintf("nested %d levels deep, the limit is %d", depth, limit)
}

func tooManyKeys(keys, limit int) string {
	return fmt.Sprintf("%d members in all, the limit is %d", keys, limit)
}

func stringTooLong(length, limit int) string {
	return fmt.Sprintf("a string of %d bytes, the limit is %d", length, limit)
}

func tooLong(length, limit int) string {
	return fmt.Sprintf("%d bytes long, the limit is %d", length, limit)
}

func tooMany(limit int) string {
	return fmt.Sprintf("more than %d events in one request", limit)
}
