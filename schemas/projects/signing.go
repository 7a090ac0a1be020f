package projects

import (
	"encoding/base64"
	"strings"
	"time"
)

// Scheme is how the requests of a key are signed.
type Scheme string

// The schemes of signatures: whose headers they come in and what is signed.
const (
	SignedTouchline Scheme = "touchline"
	SignedStripe    Scheme = "stripe"
	SignedGitHub    Scheme = "github"
	SignedShopify   Scheme = "shopify"
	SignedSvix      Scheme = "svix"
)

func (s Scheme) known() bool {
	switch s {
	case SignedTouchline, SignedStripe, SignedGitHub, SignedShopify, SignedSvix:
		return true
	}
	return false
}

// SecretText is a text that no message may hold: however it is formatted or encoded,
// it shows itself as "[hidden]". Convert it to string or []byte to use it.
type SecretText string

const hidden = "[hidden]"

// String hides the secret.
func (SecretText) String() string { return hidden }

// GoString hides the secret.
func (SecretText) GoString() string { return hidden }

// MarshalText hides the secret.
func (SecretText) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Signing is how the requests of a key must be signed.
type Signing struct {
	Scheme Scheme
	// Secret is the key of the HMAC: for svix the bytes that the text after
	// "whsec_" stands for, else the text itself.
	Secret SecretText
	// Tolerance is how far a signed time may be from ours, either way.
	Tolerance time.Duration
}

// DefaultTolerance is what the senders of signed requests recommend.
const DefaultTolerance = 5 * time.Minute

const maxSecretBytes = 512

// signing reads how a key is signed. Nothing it notes quotes the file.
func (p *parse) signing(e entry) *Signing {
	s := &Signing{Tolerance: DefaultTolerance}
	entries := p.mapping(e.value, e.path, true, "scheme", "secret", "tolerance")
	if entries == nil {
		return s
	}
	if scheme, ok := entries["scheme"]; !ok {
		p.addf(e.value, join(e.path, "scheme"), "is missing")
	} else if text, ok := p.text(scheme.value, scheme.path); ok {
		if s.Scheme = Scheme(text); !s.Scheme.known() {
			p.addf(scheme.value, scheme.path, "want touchline, stripe, github, shopify or svix")
		}
	}
	if e, ok := entries["tolerance"]; ok {
		if text, ok := p.text(e.value, e.path); ok {
			var err error
			if s.Tolerance, err = time.ParseDuration(text); err != nil || s.Tolerance < time.Second || s.Tolerance > 24*time.Hour {
				p.addf(e.value, e.path, "want a duration from 1s to 24h, such as 5m")
			}
		}
	}
	if secret, ok := entries["secret"]; !ok {
		p.addf(e.value, join(e.path, "secret"), "is missing")
	} else if text, ok := p.text(secret.value, secret.path); ok {
		s.Secret = p.secret(secret, s.Scheme, text)
	}
	return s
}

func (p *parse) secret(e entry, scheme Scheme, text string) SecretText {
	if len(text) < 8 || len(text) > maxSecretBytes {
		p.addf(e.value, e.path, "want 8 to %d characters, got %d", maxSecretBytes, len(text))
		return ""
	}
	if scheme != SignedSvix {
		return SecretText(text)
	}
	encoded, ok := strings.CutPrefix(text, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil {
		p.addf(e.value, e.path, "want whsec_ and base64, as svix shows it")
	}
	return SecretText(key)
}
