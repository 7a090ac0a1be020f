package webhook

import (
	"net/http"
	"strconv"
	"strings"

	"touchline.dev/services/collector/internal/client"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/internal/jsonscan"
)

// maxHeader is how much is kept of a header, in bytes.
const maxHeader = 256

// deliveryHeaders returns the headers, in canonical form, by which senders tell one
// delivery from another, however often they send it.
func deliveryHeaders() [5]string {
	return [...]string{"X-Shopify-Webhook-Id", "Svix-Id", "Webhook-Id", "X-Github-Delivery", "Idempotency-Key"}
}

// otherHeaders returns the headers that say what happened, when, and where.
func otherHeaders() [11]string {
	return [...]string{
		"X-Shopify-Topic", "X-Github-Event", "X-Gitlab-Event", "X-Wc-Webhook-Topic", "X-Event-Key", "X-Event-Type",
		"X-Shopify-Triggered-At", "X-Shopify-Shop-Domain", "X-Wc-Webhook-Source", "Svix-Timestamp", "Webhook-Timestamp",
	}
}

// headers returns the JSON object of those headers that the request has, nil when
// it has none.
func headers(b *intake.Batch) []byte {
	from := len(b.Scratch)
	out := b.Scratch
	for _, name := range deliveryHeaders() {
		out = appendHeader(out, from, b.Request.Header, name)
	}
	for _, name := range otherHeaders() {
		out = appendHeader(out, from, b.Request.Header, name)
	}
	if len(out) == from {
		return nil
	}
	out = append(out, '}')
	b.Scratch = out
	return b.Scratch[from:len(b.Scratch):len(b.Scratch)]
}

// appendHeader adds a member to the object that begins at from.
func appendHeader(out []byte, from int, h http.Header, name string) []byte {
	values := h[name]
	if len(values) != 1 || values[0] == "" {
		return out
	}
	separator := byte(',')
	if len(out) == from {
		separator = '{'
	}
	out = jsonscan.AppendString(append(out, separator), strings.ToLower(name))
	return jsonscan.AppendString(append(out, ':'), client.Clean(values[0], maxHeader))
}

// delivery returns the id of the delivery, with the position where it holds several
// payloads; nil when the request names none.
func delivery(b *intake.Batch) []byte {
	for _, name := range deliveryHeaders() {
		values := b.Request.Header[name]
		if len(values) != 1 || values[0] == "" {
			continue
		}
		from := len(b.Scratch)
		b.Scratch = append(b.Scratch, client.Clean(values[0], maxHeader)...)
		if n := b.Len(); n > 0 {
			b.Scratch = strconv.AppendInt(append(b.Scratch, '#'), int64(n), 10)
		}
		return b.Scratch[from:len(b.Scratch):len(b.Scratch)]
	}
	return nil
}
