package sdkfetch_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"touchline.dev/services/standalone/internal/sdkfetch"
)

// tarball is a package with these files, and its checksum.
func tarball(t *testing.T, files map[string]string) (data []byte, integrity string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(b.Bytes())
	return b.Bytes(), "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// local packs a tarball in place of npm.
func local(data []byte) sdkfetch.Pack {
	return func(_ context.Context, _, dir string) error {
		return os.WriteFile(filepath.Join(dir, "x-1.0.0.tgz"), data, 0o644)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFetch(t *testing.T) {
	data, integrity := tarball(t, map[string]string{
		"package/dist/web/p.js.txt": "one", "package/dist/a.bundle.1.js": "two", "package/dist/b.bundle.2.js": "three",
		"package/dist/a.bundle.1.js.map": "no", "package/../../evil.js": "no", "package/package.json": "{}",
	})
	p := sdkfetch.Package{Name: "x", Spec: "x@1.0.0", Integrity: integrity, Scripts: []sdkfetch.Script{
		{From: "dist/web/p.js.txt", To: "p.js"}, {From: "dist/*.bundle.*.js", To: "bundles/"},
	}}
	dir := t.TempDir()
	var said bytes.Buffer
	for range 2 { // the second time in place of the first
		if err := sdkfetch.Fetch(t.Context(), dir, []sdkfetch.Package{p}, local(data), &said); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"p.js": "one", "bundles/a.bundle.1.js": "two", "bundles/b.bundle.2.js": "three"} {
		at := filepath.Join(dir, "x", filepath.FromSlash(name))
		if got := read(t, at); got != want {
			t.Errorf("%s = %q", name, got)
		}
		z, err := gzip.NewReader(strings.NewReader(read(t, at+".gz")))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || string(got) != want {
			t.Errorf("%s.gz = %q, %v", name, got, err)
		}
	}
	var all []string
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	}); err != nil || len(all) != 6 {
		t.Errorf("files %v, %v", all, err)
	}
	if !strings.Contains(said.String(), "x@1.0.0") || !strings.Contains(said.String(), "x/p.js, 3 bytes") {
		t.Errorf("progress %q", said.String())
	}
}

func TestFetchRefuses(t *testing.T) {
	data, integrity := tarball(t, map[string]string{"package/a.js": "one"})
	scripts := []sdkfetch.Script{{From: "a.js", To: ""}}
	for name, c := range map[string]struct {
		p    sdkfetch.Package
		pack sdkfetch.Pack
		want string
	}{
		"another checksum":   {sdkfetch.Package{Name: "x", Spec: "x@1", Integrity: "sha512-AAAA", Scripts: scripts}, local(data), "checksum differs"},
		"no such file":       {sdkfetch.Package{Name: "x", Spec: "x@1", Integrity: integrity, Scripts: append(scripts, sdkfetch.Script{From: "b.js"})}, local(data), "no b.js in x@1"},
		"npm fails":          {sdkfetch.Package{Name: "x", Spec: "x@1"}, func(context.Context, string, string) error { return errors.New("no npm") }, "no npm"},
		"npm brings nothing": {sdkfetch.Package{Name: "x", Spec: "x@1"}, func(context.Context, string, string) error { return nil }, "want one .tgz"},
	} {
		dir := t.TempDir()
		err := sdkfetch.Fetch(t.Context(), dir, []sdkfetch.Package{c.p}, c.pack, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("%s: %v was written, %v", name, left, err)
		}
	}
	if err := sdkfetch.Fetch(t.Context(), t.TempDir(), []sdkfetch.Package{{Name: "x", Spec: "x@1", Integrity: "sha512-AAAA"}}, local(data), io.Discard); !errors.Is(err, sdkfetch.ErrIntegrity) {
		t.Errorf("checksum: %v", err)
	}
}

// Every package is pinned and goes into a folder of its own.
func TestPackages(t *testing.T) {
	names := map[string]bool{}
	for _, p := range sdkfetch.Packages() {
		at := strings.LastIndexByte(p.Spec, '@')
		if at < 1 || strings.Count(p.Spec[at:], ".") != 2 || !strings.HasPrefix(p.Integrity, "sha512-") || len(p.Integrity) != 95 || len(p.Scripts) == 0 || names[p.Name] {
			t.Errorf("%+v", p)
		}
		names[p.Name] = true
	}
}
