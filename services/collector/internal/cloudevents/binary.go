package cloudevents

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/unwrap"
	"touchline.dev/services/internal/jsonscan"
)

// compose makes the structured form of a binary event: b.Body becomes its object,
// with the attributes in the order of their names, so that a retry is the same
// bytes.
func compose(b *intake.Batch) {
	var space [24]string
	names := space[:0]
	for name, values := range b.Request.Header {
		if len(name) > len(prefix) && strings.HasPrefix(name, prefix) && len(values) == 1 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	from := len(b.Scratch)
	out := b.Scratch
	out = append(out, '{')
	for _, name := range names {
		out = append(jsonscan.AppendString(out, strings.ToLower(name[len(prefix):])), ':')
		out = jsonscan.AppendString(out, headerText(b.Request.Header[name][0]))
		out = append(out, ',')
	}
	if kind := b.Request.Header["Content-Type"]; len(kind) == 1 {
		out = append(jsonscan.AppendString(append(out, `"datacontenttype":`...), headerText(kind[0])), ',')
	}
	out = appendData(b, out)
	if out[len(out)-1] == ',' {
		out = out[:len(out)-1]
	}
	out = append(out, '}')
	b.Scratch = out
	b.Body = b.Scratch[from:len(b.Scratch):len(b.Scratch)]
}

// prefix begins the headers of attributes, in canonical form.
const prefix = "Ce-"

// appendData appends the body as the member that fits it: JSON as it is, other text
// as a string, anything else in base64.
func appendData(b *intake.Batch, out []byte) []byte {
	kind, _, _ := strings.Cut(contentType(b.Request), ";")
	kind = strings.TrimSpace(kind)
	switch {
	case len(b.Body) == 0:
		return out
	case (kind == "" || kind == "application/json" || strings.HasSuffix(kind, "+json")) && isJSON(b):
		return append(append(out, `"data":`...), b.Body...)
	case utf8.Valid(b.Body) && kind != "application/octet-stream":
		return jsonscan.AppendString(append(out, `"data":`...), b.Body)
	}
	out = base64.StdEncoding.AppendEncode(append(out, `"data_base64":"`...), b.Body)
	return append(out, '"')
}

// isJSON reports whether the body is one JSON value.
func isJSON(b *intake.Batch) bool {
	b.Cursor.Reset(b.Body)
	v, ok := b.Cursor.Value()
	return ok && b.Cursor.AtEnd() && !v.Malformed
}

// headerText returns what an attribute's header says. The specification wants
// percent signs for what is not ASCII; the Go SDK sends UTF-8 as it is, the
// JavaScript one Latin-1.
func headerText(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] == '%' || s[i] >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	if text := string(unwrap.Escapes(nil, s)); utf8.ValidString(text) {
		return text
	}
	var text strings.Builder
	for i := range len(s) {
		text.WriteRune(rune(s[i])) // the first 256 characters are Latin-1's
	}
	return text.String()
}
