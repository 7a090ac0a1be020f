package ga4

import (
	"bytes"
	"net/http"
	"strconv"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/unwrap"
)

// NewTag returns the protocol for what gtag.js sends.
func NewTag() intake.Protocol {
	return intake.Protocol{Name: Name, Dialect: tag{}, Routes: []intake.Route{
		{Method: http.MethodPost, Path: "/g/collect", Endpoint: "gtag"},
		{Method: http.MethodGet, Path: "/g/collect", Endpoint: "gtag"},
	}}
}

// tag is the dialect of queries: the one of the URL is an event, or, where the body
// has lines, what they have in common.
type tag struct{}

// Key returns the measurement id.
func (tag) Key(r *http.Request, scratch []byte) []byte { return auth.Query(r, "tid", scratch) }

// Slice adds the lines of the body, or the query.
func (tag) Slice(b *intake.Batch) {
	from := len(b.Scratch)
	b.Scratch = append(b.Scratch, b.Request.URL.RawQuery...)
	query := b.Scratch[from:len(b.Scratch):len(b.Scratch)]
	var common hit
	common.read(query)
	if intake.IsBlank(b.Body) {
		b.Add(common.event(b, query, 0))
		return
	}
	b.Context = query
	if !utf8.Valid(query) {
		b.Context, b.Fault = nil, invalid("query")
	}
	for rest, i := b.Body, 0; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		one := common
		one.read(line)
		if !b.Add(one.event(b, line, i)) {
			return
		}
		i++
	}
}

func invalid(what string) intake.Fault {
	return intake.Fault{Reason: event.InvalidUTF8, Message: "the " + what + " holds bytes that are not UTF-8"}
}

// hit is the parameters that tell events apart, as they are written.
type hit struct{ stream, client, user, session, page, count, name []byte }

func (h *hit) read(query []byte) {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte{'&'})
		name, value, _ := bytes.Cut(pair, []byte{'='})
		switch string(name) {
		case "tid":
			h.stream = value
		case "cid":
			h.client = value
		case "uid":
			h.user = value
		case "sid":
			h.session = value
		case "_p":
			h.page = value
		case "_s":
			h.count = value
		case "en":
			h.name = value
		}
	}
}

// event returns the event that written is, with position i in its request.
func (h *hit) event(b *intake.Batch, written []byte, i int) intake.Event {
	e := intake.Event{Bytes: written, MessageID: h.id(b, i), AnonymousID: plain(b, h.client), UserID: plain(b, h.user)}
	if !utf8.Valid(written) {
		e.Fault = invalid("event")
	}
	return e
}

// id composes a message id of what a browser that sends a request again repeats:
// _p is a random number for each load of the page, _s counts its requests. An event
// without the two has none, as no second one could be told from a repetition.
func (h *hit) id(b *intake.Batch, i int) []byte {
	if len(h.page) == 0 || len(h.count) == 0 {
		return nil
	}
	from := len(b.Scratch)
	for _, part := range [...][]byte{h.stream, h.client, h.session, h.page, h.count, h.name} {
		b.Scratch = append(append(b.Scratch, part...), '&')
	}
	b.Scratch = strconv.AppendInt(b.Scratch, int64(i), 10)
	return b.Scratch[from:len(b.Scratch):len(b.Scratch)]
}

// plain returns the text of an escaped value.
func plain(b *intake.Batch, value []byte) []byte {
	from := len(b.Scratch)
	b.Scratch = unwrap.Percent(b.Scratch, value)
	return b.Scratch[from:len(b.Scratch):len(b.Scratch)]
}

// Answer writes nothing but the status.
func (tag) Answer(w http.ResponseWriter, _ *http.Request, v *intake.Verdict) int { return write(w, v) }
