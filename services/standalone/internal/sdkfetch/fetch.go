// Package sdkfetch takes the scripts of SDKs out of their npm packages into a
// directory that the collector serves.
//
// It runs the npm client, which knows the registry; nothing of a package is run.
// What npm brings is held against a checksum that stands here before it is opened.
// A script is written beside its gzip form, each under another name first, so that
// a collector that reads the directory at that moment finds whole files.
package sdkfetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// The largest package that is opened, and the largest script in it.
const (
	maxPackage = 128 << 20
	maxScript  = 8 << 20
)

// ErrIntegrity says that npm brought something else than what was tested.
var ErrIntegrity = errors.New("checksum differs")

// Pack writes the package of a spec into a directory as one .tgz file.
type Pack func(ctx context.Context, spec, dir string) error

// NPM runs the npm client.
func NPM(ctx context.Context, spec, dir string) error {
	cmd := exec.CommandContext(ctx, "npm", "pack", spec, "--ignore-scripts", "--silent", "--pack-destination", dir)
	var problem bytes.Buffer
	cmd.Stderr = &problem
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run npm pack %s: %w: %s", spec, err, strings.TrimSpace(problem.String()))
	}
	return nil
}

// Fetch takes the scripts of the packages into dir, a folder for each SDK, and says
// on progress what it does.
func Fetch(ctx context.Context, dir string, packages []Package, pack Pack, progress io.Writer) error {
	for _, p := range packages {
		if _, err := fmt.Fprintf(progress, "%-10s %s\n", p.Name, p.Spec); err != nil {
			return err
		}
		scripts, err := p.fetch(ctx, pack)
		if err != nil {
			return fmt.Errorf("fetch %s: %w", p.Name, err)
		}
		for _, s := range scripts {
			at := filepath.Join(dir, p.Name, filepath.FromSlash(s.name))
			if err := write(at, s.data); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(progress, "           %s, %d bytes\n", path.Join(p.Name, s.name), len(s.data)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p Package) fetch(ctx context.Context, pack Pack) (found []taken, err error) {
	dir, err := os.MkdirTemp("", "touchline-sdk-")
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := pack(ctx, p.Spec, dir); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("want one .tgz file of %s, got %d", p.Spec, len(files))
	}
	info, err := os.Stat(files[0])
	if err != nil {
		return nil, fmt.Errorf("stat package: %w", err)
	}
	if info.Size() > maxPackage {
		return nil, fmt.Errorf("package of %d bytes, the limit is %d", info.Size(), maxPackage)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return nil, fmt.Errorf("read package: %w", err)
	}
	sum := sha512.Sum512(data)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != p.Integrity {
		return nil, fmt.Errorf("%w: %s is %s, want %s", ErrIntegrity, p.Spec, got, p.Integrity)
	}
	return p.unpack(data)
}

// taken is a script, by its path below the SDK's folder.
type taken struct {
	name string
	data []byte
}

func (p Package) unpack(data []byte) (found []taken, err error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("open package: %w", err)
	}
	used := make([]bool, len(p.Scripts))
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read package: %w", err)
		}
		i, to, err := p.target(header)
		if err != nil {
			return nil, err
		}
		if i < 0 {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(archive, maxScript+1))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", header.Name, err)
		}
		if len(content) > maxScript {
			return nil, fmt.Errorf("%s has more than %d bytes", header.Name, maxScript)
		}
		used[i] = true
		found = append(found, taken{to, content})
	}
	for i, ok := range used {
		if !ok {
			return nil, fmt.Errorf("no %s in %s", p.Scripts[i].From, p.Spec)
		}
	}
	return found, nil
}

// target returns which of the scripts a file of the package is, -1 for none, and
// where it goes.
func (p Package) target(header *tar.Header) (i int, to string, err error) {
	_, name, ok := strings.Cut(header.Name, "/") // below a folder called package
	if !ok || header.Typeflag != tar.TypeReg {
		return -1, "", nil
	}
	for i, s := range p.Scripts {
		match, err := path.Match(s.From, name)
		if err != nil {
			return -1, "", fmt.Errorf("match %s: %w", s.From, err)
		}
		if match {
			if s.To == "" || strings.HasSuffix(s.To, "/") {
				return i, s.To + path.Base(name), nil
			}
			return i, s.To, nil
		}
	}
	return -1, "", nil
}

// write puts a script and its gzip form in place.
func write(at string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(data); err != nil {
		return fmt.Errorf("compress %s: %w", at, err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress %s: %w", at, err)
	}
	// The compressed form goes first: without it the old one would be served with
	// the new script's tag.
	return errors.Join(replace(at+".gz", packed.Bytes()), replace(at, data))
}

func replace(at string, data []byte) error {
	if err := os.WriteFile(at+".new", data, 0o644); err != nil {
		return fmt.Errorf("write script: %w", err)
	}
	if err := os.Rename(at+".new", at); err != nil {
		return fmt.Errorf("write script: %w", err)
	}
	return nil
}
