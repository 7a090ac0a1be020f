package adapt

import (
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// Reserved members of a stored context.
const (
	// extraMember holds the members of the event that have no field: those that
	// are not known here, and known ones whose value could not be used or was
	// longer than its field.
	extraMember = `"$event":{`
	// requestMember holds the context of the whole request, where it could not be
	// merged.
	requestMember = `"$request":`
)

// maxMerged is how many members each of two contexts may have for them to be
// merged: finding equal names takes the product.
const maxMerged = 64

// finishContext stores the context: the event's own as it was written, if that is
// all there is. Otherwise the members of the request's context that the event's
// does not have follow its own, then "$event" with what is in e.Extra.
func finishContext(e *pipeline.Event, own, request []byte) {
	t := e.Touchpoint
	if !says(request) {
		request = nil
	}
	if request == nil && len(e.Extra) == 0 {
		t.Context = own
		return
	}
	if !says(own) && len(e.Extra) == 0 {
		t.Context = request
		return
	}
	from := len(e.Scratch)
	e.Scratch = append(e.Scratch, '{')
	if says(own) {
		e.Scratch = append(e.Scratch, inside(own)...)
		e.Scratch = append(e.Scratch, ',')
	}
	if request != nil {
		e.Scratch = appendRequest(e.Scratch, own, request)
	}
	if len(e.Extra) > 0 {
		e.Scratch = append(e.Scratch, extraMember...)
		e.Scratch = append(e.Scratch, e.Extra[:len(e.Extra)-1]...)
		e.Scratch = append(e.Scratch, '}', ',')
	}
	e.Scratch[len(e.Scratch)-1] = '}' // instead of the last comma
	t.Context = e.Scratch[from:len(e.Scratch):len(e.Scratch)]
}

// inside returns what stands between the braces of an object.
func inside(object []byte) []byte { return object[1 : len(object)-1] }

// appendRequest appends the members of request whose names own does not have,
// each with a comma.
func appendRequest(dst, own, request []byte) []byte {
	if !says(own) {
		return append(append(dst, inside(request)...), ',')
	}
	var names [maxMerged][]byte
	n, ok := rawNames(own, &names)
	var other [maxMerged][]byte
	if _, fits := rawNames(request, &other); !ok || !fits {
		return append(append(append(dst, requestMember...), request...), ',')
	}
	m := jsonscan.MembersOf(request)
next:
	for m.Next() {
		for _, name := range names[:n] {
			if string(name) == string(m.RawName()) {
				continue next
			}
		}
		dst = append(dst, '"')
		dst = append(dst, m.RawName()...)
		dst = append(dst, '"', ':')
		dst = append(append(dst, m.Value()...), ',')
	}
	return dst
}

func rawNames(object []byte, names *[maxMerged][]byte) (n int, ok bool) {
	m := jsonscan.MembersOf(object)
	for m.Next() {
		if n == len(names) {
			return n, false
		}
		names[n] = m.RawName()
		n++
	}
	return n, true
}

// contextOf returns a context of one member, nil where its value says nothing.
func contextOf(e *pipeline.Event, name string, value []byte) []byte {
	from := beginObject(e)
	e.Scratch = appendMember(e.Scratch, name, value)
	return endObject(e, from)
}
