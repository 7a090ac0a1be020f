package clickhouse

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The names of the users.
const (
	writerName = "writer"
	biName     = "bi"
)

// Credentials let a user log in.
type Credentials struct {
	User     string
	Password string
}

// passwordBytes is the entropy of a password: 192 bits.
const passwordBytes = 24

// readPassword returns the password of a user from the directory, which keeps
// it over restarts, and makes one up the first time.
func readPassword(dir, user string) (Credentials, error) {
	path := filepath.Join(dir, user)
	text, err := os.ReadFile(path)
	switch {
	case err == nil && len(text) == hex.EncodedLen(passwordBytes):
		return Credentials{User: user, Password: string(text)}, nil
	case err == nil:
		return Credentials{}, fmt.Errorf("read password of %s: %s has %d bytes instead of %d; delete it to get a new one",
			user, path, len(text), hex.EncodedLen(passwordBytes))
	case !errors.Is(err, fs.ErrNotExist):
		return Credentials{}, fmt.Errorf("read password of %s: %w", user, err)
	}
	random := make([]byte, passwordBytes)
	rand.Read(random)
	text = []byte(hex.EncodeToString(random))
	if err := writeFile(path, text); err != nil {
		return Credentials{}, fmt.Errorf("store password of %s: %w", user, err)
	}
	return Credentials{User: user, Password: string(text)}, nil
}

// writeFile replaces the file at path as a whole, readable by its owner only.
func writeFile(path string, content []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
