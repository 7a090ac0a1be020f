// Package scripts serves the scripts of SDKs to browsers, so that a site needs no
// host besides the collector: under the paths that the SDKs' snippets ask for, from
// a directory that the operator fills.
//
// It reads the directory into memory at the start and at each SIGHUP, within
// limits; a directory that cannot be read keeps what was read before. What is asked
// for only ever names an entry of what was read, never a file. A script that is not
// there is answered 404 with an empty body, because some snippets run whatever text
// they get. A sibling with the ending .br or .gz is the script compressed, and sent
// to browsers that take it.
package scripts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"strings"
	"sync/atomic"
	"syscall"

	"go.uber.org/zap"
)

// The most that a directory may hold. The scripts of all SDKs together have about
// a hundred files and 10 MB with their compressed siblings.
const (
	maxFiles     = 2000
	maxFileBytes = 8 << 20
	maxBytes     = 128 << 20
)

// ErrTooMuch says that a directory holds more than is kept in memory.
var ErrTooMuch = errors.New("more than 2000 files, 8 MiB in a file or 128 MiB in all")

// Scripts is what a directory holds. It may be used concurrently.
type Scripts struct {
	dir   string
	log   *zap.Logger
	files atomic.Pointer[map[string]*file]
}

// file is a script, by its path below the directory, with slashes.
type file struct {
	kind string
	// plain, brotli and gzip are its forms; the last two may be missing.
	plain, brotli, gzip []byte
	tag                 string // of plain, in quotes
}

// Open reads dir, which must be readable. Without a directory there are no scripts.
func Open(dir string, log *zap.Logger) (*Scripts, error) {
	s := &Scripts{dir: dir, log: log}
	s.files.Store(&map[string]*file{})
	if dir == "" {
		return s, nil
	}
	return s, s.read()
}

// Watch reads the directory again at each SIGHUP, until ctx ends.
func (s *Scripts) Watch(ctx context.Context) {
	if s.dir == "" {
		return
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			s.Reload()
		}
	}
}

// Reload reads the directory again; on an error what was read before stays.
func (s *Scripts) Reload() {
	if err := s.read(); err != nil {
		s.log.Error("scripts refused, those read before stay in use", zap.Error(err))
		return
	}
	s.log.Info("scripts read", zap.String("directory", s.dir), zap.Int("files", len(*s.files.Load())))
}

func (s *Scripts) read() error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return fmt.Errorf("open scripts: %w", err)
	}
	files, err := collect(root.FS())
	if err = errors.Join(err, root.Close()); err != nil {
		return fmt.Errorf("read scripts in %s: %w", s.dir, err)
	}
	s.files.Store(&files)
	return nil
}

// collect reads all scripts. Links that lead out of the directory are errors.
func collect(dir fs.FS) (map[string]*file, error) {
	contents := map[string][]byte{}
	n, size := 0, 0
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return nil
		}
		plain := strings.TrimSuffix(strings.TrimSuffix(name, ".br"), ".gz")
		if kindOf(plain) == "" {
			return nil
		}
		data, err := readFile(dir, name)
		if err != nil {
			return err
		}
		if n, size = n+1, size+len(data); n > maxFiles || size > maxBytes {
			return ErrTooMuch
		}
		contents[name] = data
		return nil
	})
	if err != nil {
		return nil, err
	}
	files := map[string]*file{}
	for name, data := range contents {
		if kind := kindOf(name); kind != "" {
			sum := sha256.Sum256(data)
			files[name] = &file{
				kind: kind, plain: data, brotli: contents[name+".br"], gzip: contents[name+".gz"],
				tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`,
			}
		}
	}
	return files, nil
}

func readFile(dir fs.FS, name string) (data []byte, err error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: not a regular file", name)
	}
	if data, err = io.ReadAll(io.LimitReader(f, maxFileBytes+1)); err == nil && len(data) > maxFileBytes {
		err = ErrTooMuch
	}
	return data, err
}

// kindOf returns the Content-Type by the ending of a name, "" for what is not
// served.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	}
	return ""
}
