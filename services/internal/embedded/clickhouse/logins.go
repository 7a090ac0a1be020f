package clickhouse

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

var (
	// ErrLoginExists says that there is a user of that name.
	ErrLoginExists = errors.New("there is a user of that name")
	// ErrNoLogin says that there is no user of that name.
	ErrNoLogin = errors.New("there is no user of that name")
	// ErrLoginName says that a user cannot have that name.
	ErrLoginName = errors.New("want a name of a-z, 0-9 and _, at most 32 bytes, that begins with a letter and is not default, writer or bi")
)

// Logins are the users of BI tools besides "bi": they have its rights and limits,
// and passwords of their own. Which projects they may read is not decided here but
// by the table touchline.bi_access.
//
// They stand in a file of a server's data directory, with hashes of the passwords. A
// server that runs looks at it every second; when it has changed, the server starts
// its engine again, because the engine reads its users at the start only. Methods
// may be called from several processes at once.
type Logins struct{ path string }

// LoginsOf returns the logins of the server with that data directory.
func LoginsOf(dir string) Logins { return Logins{newLayout(dir).logins} }

// loginName is also a name of an XML element and an SQL identifier.
var loginName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// CheckLogin returns ErrLoginName if no login may have that name.
func CheckLogin(name string) error {
	if !loginName.MatchString(name) || slices.Contains([]string{"default", writerName, biName}, name) {
		return fmt.Errorf("%q: %w", name, ErrLoginName)
	}
	return nil
}

// List returns the names in alphabetical order.
func (l Logins) List() ([]string, error) {
	_, hashes, err := l.read()
	return slices.Sorted(maps.Keys(hashes)), err
}

// Add makes a login with a new password, which is kept nowhere. The error wraps
// ErrLoginName or ErrLoginExists.
func (l Logins) Add(ctx context.Context, name string) (Credentials, error) {
	if err := CheckLogin(name); err != nil {
		return Credentials{}, err
	}
	made := Credentials{User: name, Password: NewPassword()}
	err := l.change(ctx, func(hashes map[string]string) error {
		if hashes[name] != "" {
			return ErrLoginExists
		}
		hashes[name] = hashOf(made.Password)
		return nil
	})
	if err != nil {
		return Credentials{}, fmt.Errorf("add login %s: %w", name, err)
	}
	return made, nil
}

// Remove takes a login away. The error wraps ErrNoLogin.
func (l Logins) Remove(ctx context.Context, name string) error {
	err := l.change(ctx, func(hashes map[string]string) error {
		if hashes[name] == "" {
			return ErrNoLogin
		}
		delete(hashes, name)
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove login %q: %w", name, err)
	}
	return nil
}

// change replaces the file by what edit makes of it, one process at a time.
func (l Logins) change(ctx context.Context, edit func(hashes map[string]string) error) error {
	lock, err := awaitLock(ctx, l.path+".lock")
	if err != nil {
		return fmt.Errorf("lock logins: %w", err)
	}
	_, hashes, err := l.read()
	if err == nil {
		err = edit(hashes)
	}
	var text []byte
	if err == nil {
		text, err = json.MarshalIndent(hashes, "", "  ")
	}
	if err == nil {
		err = writeFile(l.path, append(text, '\n'))
	}
	return errors.Join(err, lock.Close())
}

// read returns the file, and the hash of each login's password. A file that is not
// there has none.
func (l Logins) read() (text []byte, hashes map[string]string, err error) {
	text, err = os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, map[string]string{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &hashes)
	}
	if err != nil {
		return text, nil, fmt.Errorf("read logins: %w", err)
	}
	if hashes == nil {
		hashes = map[string]string{}
	}
	for name, hash := range hashes {
		if sum, err := hex.DecodeString(hash); CheckLogin(name) != nil || err != nil || len(sum) != sha256.Size {
			return text, nil, fmt.Errorf("read logins: %s: entry %.40q is not a name with a SHA-256", filepath.Base(l.path), name)
		}
	}
	return text, hashes, nil
}

// reader is a user of the generated users file that may read analytics.
type reader struct{ Name, Hash string }

// readers returns the readers of a server, of which bi is the first, and the text
// of the file that the others stand in.
func (l Logins) readers(bi Credentials) (all []reader, text []byte, err error) {
	text, hashes, err := l.read()
	all = []reader{{bi.User, hashOf(bi.Password)}}
	for _, name := range slices.Sorted(maps.Keys(hashes)) {
		all = append(all, reader{name, hashes[name]})
	}
	return all, text, err
}

// loginsChanged reports whether the file of logins is another one than the engine
// knows, and writes the users file anew if so. A file that cannot be used is told of
// once; the engine goes on with the users that it has. Only one goroutine may call it.
func (s *Server) loginsChanged() (bool, error) {
	readers, text, err := LoginsOf(s.files.dir).readers(s.bi)
	if bytes.Equal(text, s.loginsText) {
		return false, nil
	}
	s.loginsText = text
	if err != nil {
		return false, err
	}
	return true, s.writeUsers(readers)
}
