package adapt

import (
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// identifier reads an id: a string, or an integer as it is written. Null, the
// empty string and ids that stand for "nobody" count as absent; the latter are
// kept in e.Extra.
func identifier(e *reader, field string, value []byte) (string, *pipeline.Verdict) {
	id, verdict := token(e, field, value)
	if id != "" && nobody(id) {
		keep(e.Event, field, value)
		return "", verdict
	}
	return id, verdict
}

// token reads any id, whatever it says.
func token(e *reader, field string, value []byte) (string, *pipeline.Verdict) {
	switch jsonscan.KindOf(value) {
	case jsonscan.Absent, jsonscan.Null:
		return "", nil
	case jsonscan.String:
	case jsonscan.Number:
		if jsonscan.Integer(value) {
			break
		}
		fallthrough
	default:
		return "", refuse(event.WrongType, field, field+" must be a string or an integer")
	}
	id := whole(e, value)
	if len(id) > maxID {
		return "", refuse(event.FieldTooLong, field, field+" is longer than 512 bytes")
	}
	return id, nil
}

// longestNobody is the length of the longest of the names that nobody knows.
const longestNobody = len("not_authenticated")

// nobody reports whether an id is what broken code sends for "no id". Joined to
// it, unrelated people would become one person. Case, spaces around it and a pair
// of quotes make no difference.
func nobody(id string) bool {
	if id == "" {
		return true
	}
	if first, last := id[0], id[len(id)-1]; len(id) > longestNobody && isDigitOrLetter(first) && isDigitOrLetter(last) && (first != '0' || last != '0') {
		return false // nothing can be trimmed off, and it is too long for what is left
	}
	if len(id) > 64 {
		return consistsOf(id, "0- ")
	}
	id = strings.TrimSpace(id)
	for len(id) >= 2 && id[0] == id[len(id)-1] && (id[0] == '"' || id[0] == '\'' || id[0] == '`') {
		id = strings.TrimSpace(id[1 : len(id)-1])
	}
	if consistsOf(id, "0-") || id == "-1" { // 0, -, the UUID of zeros
		return true
	}
	if len(id) > longestNobody {
		return false
	}
	var b [longestNobody]byte
	for i := range len(id) {
		b[i] = id[i]
		if 'A' <= id[i] && id[i] <= 'Z' {
			b[i] |= 0x20
		}
	}
	switch string(b[:len(id)]) {
	case "null", "nil", "none", "n/a", "na", "nan", "undefined", "unknown", "anonymous", "anon", "guest", "id",
		"distinct_id", "email", "not_authenticated", "true", "false", "[]", "{}", "[object object]":
		return true
	}
	return false
}

func consistsOf(s, characters string) bool {
	for i := range len(s) {
		if strings.IndexByte(characters, s[i]) < 0 {
			return false
		}
	}
	return true
}

func isDigitOrLetter(c byte) bool { return c-'0' <= 9 || c|0x20-'a' < 26 }
