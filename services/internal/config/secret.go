package config

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// redacted is all that is ever printed of a secret.
const redacted = "***"

// maxSecretBytes bounds a secret's file; keys and certificates are far below.
const maxSecretBytes = 64 << 10

// Secret is a text that is never printed, logged or marshalled; only Reveal
// returns it. The zero value is the empty secret.
//
// A secret named password is set in the file by password or password_file, in
// the environment by SERVICE_PASSWORD or SERVICE_PASSWORD_FILE, and on the
// command line by --password-file only, because arguments are visible to every
// user of the machine. A trailing line break of the file is not part of it.
type Secret struct {
	// A pointer, because package fmt prints the unexported fields of a struct
	// that it cannot call methods on; of a pointer it prints the address.
	text *string
}

// NewSecret returns a secret with this text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns "***", or nothing for an empty secret.
func (s Secret) String() string {
	if s.Reveal() == "" {
		return ""
	}
	return redacted
}

// GoString returns what String does, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText returns what String does, for JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// readSecret reads a secret from a file.
func readSecret(file string) (Secret, error) {
	f, err := os.Open(file)
	if err != nil {
		return Secret{}, fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretBytes+1))
	if err != nil {
		return Secret{}, fmt.Errorf("read secret: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case len(data) > maxSecretBytes:
		return Secret{}, fmt.Errorf("read secret: %s is larger than %v", file, Bytes(maxSecretBytes))
	case text == "":
		return Secret{}, fmt.Errorf("read secret: %s is empty", file)
	}
	return NewSecret(text), nil
}
