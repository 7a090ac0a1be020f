package clickhouse

import (
	"crypto/rand"
	"crypto/sha256"
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
	text = []byte(NewPassword())
	if err := writeFile(path, text); err != nil {
		return Credentials{}, fmt.Errorf("store password of %s: %w", user, err)
	}
	return Credentials{User: user, Password: string(text)}, nil
}

// NewPassword returns a random password of 192 bits in hexadecimal digits.
func NewPassword() string {
	random := make([]byte, passwordBytes)
	rand.Read(random)
	return hex.EncodeToString(random)
}

// hashOf returns what the users file holds of a password.
func hashOf(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

// WriterOf returns the user that may do everything, of the server with that data
// directory. The error says so if no server was ever started there.
func WriterOf(dir string) (Credentials, error) {
	path := filepath.Join(newLayout(dir).passwords, writerName)
	text, err := os.ReadFile(path)
	if err != nil {
		return Credentials{}, fmt.Errorf("read password of %s: %w", writerName, err)
	}
	return Credentials{User: writerName, Password: string(text)}, nil
}

// writeFile replaces the file at path as a whole, readable by its owner only.
func writeFile(path string, content []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
