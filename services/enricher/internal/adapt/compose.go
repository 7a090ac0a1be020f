package adapt

import (
	"bytes"
	"unicode/utf8"

	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// queryObject returns the JSON object of a query's parameters, in the order in
// which they stand, built in e.Scratch. A value that is a JSON object itself stands
// there as one, every other is a string; parameters without a value are left out,
// and so are write keys.
func queryObject(e *pipeline.Event, query []byte) []byte {
	from := len(e.Scratch)
	e.Scratch = append(e.Scratch, '{')
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte{'&'})
		name, value, _ := bytes.Cut(pair, []byte{'='})
		if len(name) == 0 || len(value) == 0 || string(name) == "writeKey" || string(name) == "write_key" {
			continue
		}
		e.Scratch = jsonscan.AppendString(e.Scratch, decoded(e, name))
		e.Scratch = append(e.Scratch, ':')
		if text := decoded(e, value); text[0] == '{' && utf8.Valid(text) && jsonscan.Valid(text) == nil {
			e.Scratch = append(e.Scratch, bytes.TrimRight(text, " \t\r\n")...)
		} else {
			e.Scratch = jsonscan.AppendString(e.Scratch, text)
		}
		e.Scratch = append(e.Scratch, ',')
	}
	return closeObject(e, from)
}

// decoded returns a piece of a query without percent signs and pluses; what is no
// escape stays as it is. It holds until the next member is kept.
func decoded(e *pipeline.Event, s []byte) []byte {
	if bytes.IndexByte(s, '%') < 0 && bytes.IndexByte(s, '+') < 0 {
		return s
	}
	from := len(e.Extra)
	b := appendUnescaped(e.Extra, alias(s))
	e.Extra = b[:from]
	return b[from:]
}

// closeObject ends the object that begins at from in e.Scratch and whose members
// are each followed by a comma.
func closeObject(e *pipeline.Event, from int) []byte {
	if end := len(e.Scratch) - 1; end > from {
		e.Scratch[end] = '}' // instead of the last comma
	} else {
		e.Scratch = append(e.Scratch, '}')
	}
	return e.Scratch[from:len(e.Scratch):len(e.Scratch)]
}

// appendMember appends a member with a comma, unless its value says nothing.
func appendMember(dst []byte, rawName string, value []byte) []byte {
	if !says(value) {
		return dst
	}
	dst = append(append(append(dst, '"'), rawName...), '"', ':')
	return append(append(dst, value...), ',')
}

const hexDigits = "0123456789abcdef"
