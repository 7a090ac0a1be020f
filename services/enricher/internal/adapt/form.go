package adapt

import (
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// form walks the fields of a query string or of a form's body where it lies,
// without allocating:
//
//	f := formOf(e.Raw.Event)
//	for f.next() {
//		switch f.name(e) {
//		case "url":
//			url = f.text(e, maxURL)
//		default:
//			f.keep(e)
//		}
//	}
//
// Of fields of the same name the last counts, as of members of an object.
type form struct {
	rest string
	// rawName and rawValue are the field as it is written, escapes and all.
	rawName, rawValue string
}

// formOf starts a walk over data, which may begin with a question mark and must
// be valid UTF-8.
func formOf(data []byte) form {
	return form{rest: strings.TrimPrefix(alias(data), "?")}
}

// next steps to the next field and reports whether there is one. A field without
// an equals sign has an empty value.
func (f *form) next() bool {
	for f.rest != "" {
		var pair string
		pair, f.rest, _ = strings.Cut(f.rest, "&")
		if pair != "" {
			f.rawName, f.rawValue, _ = strings.Cut(pair, "=")
			return true
		}
	}
	return false
}

// name returns the field's name, unescaped. It aliases the form or e.Scratch.
func (f *form) name(e *pipeline.Event) string { return unescape(e, f.rawName, len(f.rawName)) }

// text returns the field's value, unescaped and cut to limit bytes. It aliases
// the form or e.Scratch.
func (f *form) text(e *pipeline.Event, limit int) string { return unescape(e, f.rawValue, limit) }

// whole returns the field's value, unescaped, however long it is.
func (f *form) whole(e *pipeline.Event) string { return unescape(e, f.rawValue, len(f.rawValue)) }

// keep puts the field into e.Extra as a string, unless it is empty.
func (f *form) keep(e *pipeline.Event) {
	if f.rawValue != "" {
		keepText(e, f.name(e), f.whole(e))
	}
}

// keepText puts a member with a text for its value into e.Extra, unless the text
// is empty. Both must be valid UTF-8.
func keepText(e *pipeline.Event, name, text string) {
	if text == "" {
		return
	}
	e.Extra = append(jsonscan.AppendString(e.Extra, bytesOf(name)), ':')
	e.Extra = append(jsonscan.AppendString(e.Extra, bytesOf(text)), ',')
}

// column returns a text cut to the limit of its column; the whole of a longer one
// is kept under name.
func column(e *pipeline.Event, name, text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	keepText(e, name, text)
	return cut(text, limit)
}

// appendNumber appends s as a JSON number if it is one, else as a string.
func appendNumber(dst []byte, s string) []byte {
	if jsonscan.KindOf(bytesOf(s)) == jsonscan.Number && s[len(s)-1] > ' ' && jsonscan.Valid(bytesOf(s)) == nil {
		return append(dst, s...)
	}
	return jsonscan.AppendString(dst, bytesOf(s))
}

// idText reads an id that is a text already, as identifier does.
func idText(e *pipeline.Event, field, id string) (string, *pipeline.Verdict) {
	switch {
	case id == "":
		return "", nil
	case len(id) > maxID:
		return "", refuse(event.FieldTooLong, field, field+" is longer than 512 bytes")
	case nobody(id):
		keepText(e, field, id)
		return "", nil
	}
	return id, nil
}

// priceText sets the money of an event from an amount and a currency that are
// texts already, as purchase does, and reports whether the amount is a number.
func priceText(e *pipeline.Event, amount, code string) bool {
	t := e.Touchpoint
	code = strings.TrimSpace(code)
	t.Currency = currency(e, code)
	value, ok := jsonscan.Decimal(bytesOf(strings.TrimSpace(amount)), 4)
	if !ok {
		return false
	}
	t.RevenueE4 = value
	if code == "" {
		t.Currency = e.Project.Currency
	}
	return true
}
