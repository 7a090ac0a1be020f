// Package matomo speaks the HTTP interface of Matomo's trackers: hits in the query
// of a GET or of a POST without a body (the default of the browser's tracker), in
// a form, or many of them as JSON.
//
// It reads requests and adds their hits as query strings, as they were written;
// the parameters of a URL come before those of its body. Each hit goes under the
// number of its site. A hit that is sent again is recognised by the random number,
// the time of day, the page view and the visitor in it; the token of an
// administrator is not looked at.
package matomo

import (
	"net/http"
	"strconv"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/unwrap"
)

// Name is the protocol's name in raw records and in the projects file.
const Name = "matomo"

// paths are those of Matomo's tracker and of its former name's.
func paths() []string { return []string{"/matomo.php", "/piwik.php"} }

// New returns the protocol for requests with one hit. NewBulk has the others; it is
// apart because they are answered differently.
func New() intake.Protocol {
	p := intake.Protocol{Name: Name, Dialect: dialect{}}
	for _, path := range paths() {
		p.Routes = append(p.Routes,
			intake.Route{Method: http.MethodPost, Path: path, Endpoint: "hit"},
			intake.Route{Method: http.MethodGet, Path: path, Endpoint: "hit"},
		)
	}
	return p
}

// dialect is that of requests with one hit.
type dialect struct{}

// Key returns nil: the site stands in the hit.
func (dialect) Key(*http.Request, []byte) []byte { return nil }

// Slice adds the hit that query and body are together.
func (dialect) Slice(b *intake.Batch) {
	text, query := b.Body, b.Request.URL.RawQuery
	if query != "" {
		from := len(b.Scratch)
		b.Scratch = append(b.Scratch, query...)
		if len(b.Body) > 0 {
			b.Scratch = append(append(b.Scratch, '&'), b.Body...)
		}
		text = b.Scratch[from:len(b.Scratch):len(b.Scratch)]
	}
	b.Add(hit(b, text))
}

// Answer writes the picture that an image tag asks for, or nothing. The trackers
// are done with a hit whatever the answer is.
func (dialect) Answer(w http.ResponseWriter, r *http.Request, v *intake.Verdict) int {
	if v.Fault.Reason != "" {
		return refuse(w, v)
	}
	without, _ := unwrap.Field(r.URL.RawQuery, "send_image")
	if r.Method == http.MethodGet && without != "0" {
		answer.WriteGIF(w, http.StatusOK)
		return http.StatusOK
	}
	w.WriteHeader(http.StatusNoContent)
	return http.StatusNoContent
}

func refuse(w http.ResponseWriter, v *intake.Verdict) int {
	if v.RetryAfter > 0 {
		w.Header()["Retry-After"] = []string{strconv.Itoa(v.RetryAfter)}
	}
	answer.WriteText(w, v.Status, v.Fault.Message)
	return v.Status
}

// ids are the parameters that tell hits apart, as they are written. Of a parameter
// that stands twice the first that says something counts, as for the adapter.
type ids struct {
	site, device, override, user, view []byte
	random, hour, minute, second       []byte
}

func (p *ids) field(name []byte) *[]byte {
	switch string(name) {
	case "idsite":
		return &p.site
	case "_id":
		return &p.device
	case "cid":
		return &p.override
	case "uid":
		return &p.user
	case "pv_id":
		return &p.view
	case "r", "rand":
		return &p.random
	case "h":
		return &p.hour
	case "m":
		return &p.minute
	case "s":
		return &p.second
	}
	return nil
}

func (p *ids) read(query []byte) {
	for start := 0; start < len(query); {
		end, equals := start, -1
		for end < len(query) && query[end] != '&' {
			if equals < 0 && query[end] == '=' {
				equals = end
			}
			end++
		}
		if equals > 0 && equals+1 < end {
			if field := p.field(query[start:equals]); field != nil && len(*field) == 0 {
				*field = query[equals+1 : end]
			}
		}
		start = end + 1
	}
}

// hit returns the event of a query string.
func hit(b *intake.Batch, query []byte) intake.Event {
	e := intake.Event{Bytes: query}
	if !utf8.Valid(query) {
		e.Fault = intake.Fault{Reason: event.InvalidUTF8, Message: "holds bytes that are not UTF-8"}
	}
	var p ids
	p.read(query)
	if len(p.override) > 0 {
		p.device = p.override
	}
	e.Key, e.AnonymousID, e.UserID = percent(b, p.site), percent(b, p.device), percent(b, p.user)
	e.MessageID = p.messageID(b)
	return e
}

// messageID names a hit by its random number, of a million, and the second of the
// day, together with the page view or the visitor. Without either hits of
// strangers would be taken for one.
func (p *ids) messageID(b *intake.Batch) []byte {
	if len(p.random) == 0 || len(p.device)+len(p.user)+len(p.view) == 0 {
		return nil
	}
	from := len(b.Scratch)
	for _, part := range [...][]byte{p.site, p.device, p.user, p.view, p.random, p.hour, p.minute, p.second} {
		b.Scratch = append(append(b.Scratch, part...), '\n')
	}
	return b.Scratch[from:len(b.Scratch):len(b.Scratch)]
}

// percent returns text without percent escapes and pluses.
func percent(b *intake.Batch, text []byte) []byte {
	for _, c := range text {
		if c == '%' || c == '+' {
			from := len(b.Scratch)
			b.Scratch = unwrap.Percent(b.Scratch, text)
			return b.Scratch[from:len(b.Scratch):len(b.Scratch)]
		}
	}
	return text
}
