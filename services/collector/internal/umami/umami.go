// Package umami speaks the HTTP interface of Umami's script and its Node client:
// single calls, and batches of them.
//
// It reads requests and adds their calls as they were written, under the key of
// their website. Most carry no ids: their records are spread over the partitions,
// and a retry is a second event. The script never retries.
package umami

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/jsonlist"
	"touchline.dev/services/collector/internal/slice"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "umami"

// New returns the protocol for single calls. NewBatch has the batches; they are
// apart because they are answered differently.
func New() intake.Protocol {
	return protocol("/api/send", dialect{shape: shape()})
}

// NewBatch returns the protocol for batches, which are lists of calls.
func NewBatch() intake.Protocol {
	return protocol("/api/batch", batch{dialect{shape: shape()}})
}

func protocol(path string, d intake.Dialect) intake.Protocol {
	return intake.Protocol{Name: Name, Dialect: d, Routes: []intake.Route{{Method: http.MethodPost, Path: path, Endpoint: "send"}}}
}

func shape() jsonlist.Shape { return jsonlist.Shape{Members: []string{"payload"}, Event: call} }

// dialect is that of single calls.
type dialect struct{ shape jsonlist.Shape }

// batch is that of lists of them.
type batch struct{ dialect }

// Key returns nil: the website stands in the call.
func (dialect) Key(*http.Request, []byte) []byte { return nil }

// Slice adds the calls of the body.
func (d dialect) Slice(b *intake.Batch) { d.shape.Walk(b) }

// Members of a payload, and their places.
const (
	website = iota
	id
)

// call reads the website and, where the site names its users, the user.
func call(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
	payload := found[0]
	if payload.Kind != slice.Object {
		return intake.Event{}
	}
	b.Nested.At(b.Body, payload.Start)
	names, inner := [...]string{website: "website", id: "id"}, [2]slice.Value{}
	b.Nested.Members(names[:], inner[:])
	return intake.Event{Key: b.Text(inner[website]), UserID: b.Text(inner[id])}
}

// maxCache bounds the cache token that is given back; ours have 64 characters, those
// of Umami's own service about 300.
const maxCache = 1024

// Answer gives the script a token that it sends with its next call, and names a
// session and a visit, as Umami's own service does. Nothing is kept of them here:
// the token of the request is given back, and the names are made of it.
func (dialect) Answer(w http.ResponseWriter, r *http.Request, v *intake.Verdict) int {
	if v.Fault.Reason != "" {
		return refuse(w, v)
	}
	cache := token(r, v)
	sum := sha256.Sum256([]byte(cache))
	answer.WriteValue(w, v.Status, callVerdict{cache, named(sum[:16]), named(sum[16:])})
	return v.Status
}

// Answer counts the calls.
func (batch) Answer(w http.ResponseWriter, r *http.Request, v *intake.Verdict) int {
	if v.Fault.Reason != "" {
		return refuse(w, v)
	}
	answer.WriteValue(w, v.Status, batchVerdict{len(v.Events), v.Accepted, len(v.Rejected), token(r, v)})
	return v.Status
}

func refuse(w http.ResponseWriter, v *intake.Verdict) int {
	if v.RetryAfter > 0 {
		w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
	}
	answer.WriteValue(w, v.Status, refusal{v.Fault.Message})
	return v.Status
}

// token returns the token of the request, or makes one of the browser and its
// first call.
func token(r *http.Request, v *intake.Verdict) string {
	if cache := r.Header.Get("X-Umami-Cache"); isToken(cache) {
		return cache
	}
	h := sha256.New()
	h.Write([]byte(r.UserAgent()))
	for i := range v.Events {
		h.Write([]byte{0})
		h.Write(v.Events[i].Bytes)
	}
	return hex.EncodeToString(h.Sum(nil))
}

type refusal struct {
	Error string `json:"error"`
}

type callVerdict struct {
	Cache     string `json:"cache"`
	SessionID string `json:"sessionId"`
	VisitID   string `json:"visitId"`
}

type batchVerdict struct {
	Size      int    `json:"size"`
	Processed int    `json:"processed"`
	Errors    int    `json:"errors"`
	Cache     string `json:"cache"`
}

// named writes 16 bytes as a UUID of version 8.
func named(b []byte) string {
	u := uuid.UUID(b)
	u[6], u[8] = u[6]&0x0F|0x80, u[8]&0x3F|0x80
	return u.String()
}

// isToken reports whether a header may be given back in an answer: letters, digits,
// and what stands in a JSON web token.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c-'0' > 9 && c|0x20-'a' > 25 && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxCache
}
