package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/collector/internal/intake"
)

// maxSignatures is how many signatures of one request are tried: senders give two
// while a secret is being changed.
const maxSignatures = 8

// Verify checks the signature where the write key asks for one, over the bytes as
// they came. Schemes with a timestamp also refuse what is older than the tolerance,
// or as far ahead; of the others (GitHub, Shopify) a repetition is recognised by
// its delivery id alone.
func (dialect) Verify(b *intake.Batch, grant projects.Grant, now time.Time) intake.Fault {
	s := grant.Signing
	if s == nil {
		return intake.Fault{}
	}
	signed := signatureOf(b.Request.Header, s.Scheme)
	if len(signed.macs) == 0 || b.Request.Method == http.MethodGet { // no scheme signs a query
		return intake.Fault{Reason: event.BadSignature, Message: "the request is not signed"}
	}
	mac := hmac.New(sha256.New, []byte(s.Secret))
	mac.Write([]byte(signed.before))
	mac.Write(b.Wire)
	want := mac.Sum(nil)
	good := false
	for _, given := range signed.macs {
		good = hmac.Equal(given, want) || good
	}
	switch {
	case !good:
		return intake.Fault{Reason: event.BadSignature, Message: "the signature is wrong"}
	case signed.stamped && !recent(signed.at, now, s.Tolerance):
		return intake.Fault{Reason: event.BadSignature, Message: "the signature is too old, or from the future"}
	}
	return intake.Fault{}
}

// signature is what the headers of a request say.
type signature struct {
	// before is what is signed before the body.
	before string
	macs   [][]byte
	// stamped says that the time of signing is signed too: at, in seconds since
	// 1970.
	stamped bool
	at      string
}

func signatureOf(h http.Header, scheme projects.Scheme) (s signature) {
	switch scheme {
	case projects.SignedTouchline:
		return timed(only(h, "Touchline-Signature"))
	case projects.SignedStripe:
		return timed(only(h, "Stripe-Signature"))
	case projects.SignedGitHub:
		if text, ok := strings.CutPrefix(only(h, "X-Hub-Signature-256"), "sha256="); ok {
			s.add(hex.DecodeString(text))
		}
	case projects.SignedShopify:
		if text := only(h, "X-Shopify-Hmac-Sha256"); text != "" {
			s.add(base64.StdEncoding.DecodeString(text))
		}
	case projects.SignedSvix:
		return standard(h)
	}
	return s
}

// timed reads "t=1761991200,v1=<hex>,v1=<hex>": time, dot and body are signed.
func timed(header string) signature {
	s := signature{stamped: true}
	for part := range strings.SplitSeq(header, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			s.at = value
		case "v1":
			s.add(hex.DecodeString(value))
		}
	}
	s.before = s.at + "."
	return s
}

// standard reads the headers of Standard Webhooks, which Svix calls by its own
// name: id, time and body, joined by dots, are signed.
func standard(h http.Header) signature {
	prefix := "Webhook-"
	if h[prefix+"Signature"] == nil {
		prefix = "Svix-"
	}
	s := signature{stamped: true, at: only(h, prefix+"Timestamp")}
	s.before = only(h, prefix+"Id") + "." + s.at + "."
	for part := range strings.FieldsSeq(only(h, prefix+"Signature")) {
		if text, ok := strings.CutPrefix(part, "v1,"); ok {
			s.add(base64.StdEncoding.DecodeString(text))
		}
	}
	return s
}

func (s *signature) add(mac []byte, err error) {
	if err == nil && len(s.macs) < maxSignatures {
		s.macs = append(s.macs, mac)
	}
}

// only returns the header of that canonical name, "" when there is none or there
// are several.
func only(h http.Header, name string) string {
	if values := h[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// recent reports whether a time in seconds since 1970 is within tolerance of now.
func recent(text string, now time.Time, tolerance time.Duration) bool {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false
	}
	off := now.Sub(time.Unix(seconds, 0))
	return off <= tolerance && off >= -tolerance
}
