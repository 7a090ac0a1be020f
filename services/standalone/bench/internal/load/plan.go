package load

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// Plan says what is sent. Two plans with different seeds have no event in common.
type Plan struct {
	Seed uint64
	// Requests is how many are sent, retries included.
	Requests int
	// PerRequest is the number of events in each; one is sent as a browser sends
	// it, more as a server's batch.
	PerRequest int
	// RetryEvery makes one request of so many, on average, a repetition of an
	// earlier one, as a client sends that has missed the answer; 0 none.
	RetryEvery int
	// Users is how many there are; their activity follows Zipf's law.
	Users int
	// Start is the time of the first event. The events of request i happened i
	// milliseconds later.
	Start time.Time
}

// retryDistance is how many requests lie between a request and its retry.
const retryDistance = 97

// zipfExponent gives the busiest of 20,000 users a seventh of the events.
const zipfExponent = 1.1

// Events is the number of events sent.
func (p Plan) Events() int { return p.Requests * p.PerRequest }

// Retried is the number of events that repeat an earlier one, so that
// Events - Retried of them differ.
func (p Plan) Retried() int {
	n := 0
	for i := range p.Requests {
		if p.original(i) != i {
			n += p.PerRequest
		}
	}
	return n
}

// original is the request that request i repeats, itself if it repeats none.
func (p Plan) original(i int) int {
	for i >= retryDistance && p.RetryEvery > 0 && mix(p.Seed, uint64(i))%uint64(p.RetryEvery) == 0 {
		i -= retryDistance
	}
	return i
}

// mix scrambles two numbers into one (the finaliser of SplitMix64).
func mix(seed, n uint64) uint64 {
	x := seed*0x9e3779b97f4a7c15 + n + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// writer makes the requests of a plan. It is not for concurrent use.
type writer struct {
	corpus *Corpus
	plan   Plan
	source *rand.PCG
	random *rand.Rand
	users  *rand.Zipf
	body   []byte
	// compress makes bodies gzip.
	compress bool
	gzip     *gzip.Writer
	packed   bytes.Buffer
}

func newWriter(c *Corpus, p Plan) *writer {
	w := &writer{corpus: c, plan: p, source: rand.NewPCG(0, 0)}
	w.random = rand.New(w.source)
	w.users = rand.NewZipf(w.random, zipfExponent, 1, uint64(p.Users-1))
	w.gzip = gzip.NewWriter(&w.packed)
	return w
}

// append appends request i, sent at now.
func (w *writer) append(dst []byte, i int, now time.Time) ([]byte, error) {
	i = w.plan.original(i)
	w.source.Seed(w.plan.Seed, uint64(i))
	at := w.plan.Start.Add(time.Duration(i) * time.Millisecond).UTC()
	target, head := "/v1/batch", w.corpus.batch
	if w.plan.PerRequest == 1 {
		e, v := w.event(at)
		target, head = "/v1/"+e.kind[:1], w.corpus.single
		// A browser puts the time of sending into the event.
		w.body = now.AppendFormat(append(w.body[:0], `{"sentAt":"`...), timeLayout)
		w.body = append(w.body, `",`...)
		comma := len(w.body) - 1
		w.body = e.append(w.body[:comma], &v)
		w.body[comma] = ',' // in place of the event's opening brace
	} else {
		w.body = append(w.body[:0], `{"batch":[`...)
		for k := range w.plan.PerRequest {
			if k > 0 {
				w.body = append(w.body, ',')
			}
			e, v := w.event(at)
			w.body = e.append(w.body, &v)
		}
		w.body = append(w.body, `],"writeKey":"`+WriteKey+`","sentAt":"`...)
		w.body = now.AppendFormat(w.body, timeLayout)
		w.body = append(w.body, `"}`...)
	}
	if !w.compress {
		return w.frame(dst, target, head, w.body), nil
	}
	w.packed.Reset()
	w.gzip.Reset(&w.packed)
	_, err := w.gzip.Write(w.body)
	if err = errors.Join(err, w.gzip.Close()); err != nil {
		return dst, fmt.Errorf("compress request: %w", err)
	}
	return w.frame(dst, target, head+"Content-Encoding: gzip\r\n", w.packed.Bytes()), nil
}

// frame puts a body into a request.
func (w *writer) frame(dst []byte, target, head string, body []byte) []byte {
	dst = append(dst, "POST "...)
	dst = append(dst, target...)
	dst = append(dst, " HTTP/1.1\r\nHost: collect.test\r\n"...)
	dst = append(dst, head...)
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

// event draws the next event of the request.
func (w *writer) event(at time.Time) (*template, values) {
	v := values{user: w.users.Uint64(), at: at}
	binary.BigEndian.PutUint64(v.message[:8], w.random.Uint64())
	binary.BigEndian.PutUint64(v.message[8:], w.random.Uint64())
	v.message[6], v.message[8] = v.message[6]&0x0f|0x40, v.message[8]&0x3f|0x80
	binary.BigEndian.PutUint64(v.device[:8], mix(1, v.user))
	binary.BigEndian.PutUint64(v.device[8:], mix(2, v.user))
	v.device[6], v.device[8] = v.device[6]&0x0f|0x40, v.device[8]&0x3f|0x80
	return w.corpus.events[w.random.IntN(len(w.corpus.events))], v
}
