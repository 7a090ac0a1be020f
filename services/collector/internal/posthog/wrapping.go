package posthog

import (
	"net/http"
	"strings"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/unwrap"
)

// unwrapped replaces b.Body by the JSON in it and reports whether there is any to
// walk. What the SDK says about the wrapping is often wrong, so the bytes decide:
// JSON, or the field data of a form or query, which holds JSON or base64, in which
// there may be gzip; or that base64 without a form.
func unwrapped(b *intake.Batch) bool {
	query := b.Request.URL.RawQuery
	data := b.Body
	if intake.IsBlank(data) {
		value, ok := unwrap.Field(query, "data")
		if !ok {
			b.Refuse(http.StatusBadRequest, event.UnreadableBody, "the body is empty")
			return false
		}
		b.Scratch = unwrap.Percent(b.Scratch, value)
		b.Body, data = b.Scratch, b.Scratch
	} else if isJSON(data) {
		return true
	} else if value, ok := unwrap.Field(data, "data"); ok {
		readFormKey(b, data)
		b.Scratch = unwrap.Percent(b.Scratch, value)
		data = b.Scratch
	}
	if isJSON(data) {
		b.Body = data
		return true
	}
	if packing, _ := unwrap.Field(query, "compression"); strings.HasPrefix(packing, "lz") {
		b.Reject(event.MalformedBatch, "packed with lz-string, which is not spoken here; use gzip or base64")
		return false
	}
	if n := len(b.Scratch); n == 0 { // the base64 is the body itself, which is not to be written to
		b.Scratch = append(b.Scratch, data...)
		data = b.Scratch
	}
	from := len(b.Scratch)
	var err error
	if b.Scratch, err = unwrap.Base64(b.Scratch, data); err != nil {
		b.Reject(event.MalformedJSON, "neither JSON nor base64")
		return false
	}
	packed := b.Scratch[from:len(b.Scratch):len(b.Scratch)]
	unpacked, ok := b.Unpack(packed)
	if ok {
		b.Body = unwrap.CESU8(unpacked)
	}
	return ok
}

// isJSON reports whether data begins like the JSON that SDKs send.
func isJSON(data []byte) bool {
	for _, c := range data {
		switch c {
		case ' ', '\t', '\r', '\n':
		case '{', '[':
			return true
		default:
			return false
		}
	}
	return false
}

// readFormKey reads the key of a form that has it beside its data.
func readFormKey(b *intake.Batch, form []byte) {
	for _, name := range [...]string{"api_key", "token"} {
		if key, ok := unwrap.Field(form, name); ok && len(key) > 0 {
			b.Scratch = unwrap.Percent(b.Scratch, key)
			b.Key = append([]byte(nil), b.Scratch...)
			b.Scratch = b.Scratch[:0]
			return
		}
	}
}

// maxTime bounds the text of a time; RFC 3339 with nanoseconds has 35 bytes.
const maxTime = 64

// readQuery reads what old SDKs say in the query: the time of sending, and whether
// the person's address may be used.
func readQuery(b *intake.Batch) {
	query := b.Request.URL.RawQuery
	if query == "" {
		return
	}
	if sent, ok := unwrap.Field(query, "_"); ok && len(sent) <= len("1795290440214123") && strings.Trim(sent, "0123456789") == "" {
		b.SentAt = sent
	}
	if ip, ok := unwrap.Field(query, "ip"); ok && ip == "0" {
		b.Anonymous()
	}
}

// readHeaders reads what version 1 says in the headers: the time of sending, and
// the SDK, which its events do not name.
func readHeaders(b *intake.Batch) {
	if sent := b.Request.Header["Posthog-Request-Timestamp"]; len(sent) == 1 && isPlain(sent[0], maxTime) {
		b.SentAt = sent[0]
	}
	sdk := b.Request.Header["Posthog-Sdk-Info"]
	if len(sdk) != 1 || !isPlain(sdk[0], maxSDK) {
		return
	}
	name, version, _ := strings.Cut(sdk[0], "/")
	b.Scratch = append(append(append(b.Scratch, `{"$lib":"`...), name...), `","$lib_version":"`...)
	b.Scratch = append(append(b.Scratch, version...), `"}`...)
	b.Context = b.Scratch[:len(b.Scratch):len(b.Scratch)]
}

// maxSDK bounds the name and version of an SDK.
const maxSDK = 128

// isPlain reports whether a text is printable ASCII that stands in a JSON string as
// it is.
func isPlain(text string, most int) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return text != "" && len(text) <= most
}
