package clickhouse

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// archive writes an npm package with these files and returns its path and
// SHA-512 in base64.
func archive(t *testing.T, files map[string]string) (path, checksum string) {
	t.Helper()
	var content bytes.Buffer
	packed := gzip.NewWriter(&content)
	entries := tar.NewWriter(packed)
	for name, text := range files {
		if err := entries.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := entries.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(entries.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "package.tgz")
	if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(content.Bytes())
	return path, base64.StdEncoding.EncodeToString(sum[:])
}

func TestUnpackTakesTheLibraryAlone(t *testing.T) {
	path, checksum := archive(t, map[string]string{
		"package/index.js": "evil()", "package/libchdb.so": "the library", "../../escape": "out",
	})
	dir := t.TempDir()
	target := filepath.Join(dir, libraryFile)
	for _, known := range []string{checksum, ""} {
		size, err := unpack(path, known, target)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(target)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != "the library" || size != int64(len(text)) {
			t.Errorf("unpacked %d bytes: %q", size, text)
		}
		if err := os.Remove(target); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("also unpacked: %v, %v", left, err)
	}
}

func TestUnpackRefusesBadPackages(t *testing.T) {
	good, checksum := archive(t, map[string]string{"package/libchdb.so": "the library"})
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.tgz")
	if err := os.WriteFile(cut, content[:len(content)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	without, _ := archive(t, map[string]string{"package/index.js": "", "package/libchdb.so.txt": ""})
	_, otherChecksum := archive(t, map[string]string{"package/libchdb.so": "another"})

	// A header that promises more than the bound, and nothing behind it.
	var large bytes.Buffer
	packed := gzip.NewWriter(&large)
	if err := tar.NewWriter(packed).WriteHeader(&tar.Header{Name: "package/libchdb.so", Size: maxLibrary + 1}); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	tooLarge := filepath.Join(t.TempDir(), "large.tgz")
	if err := os.WriteFile(tooLarge, large.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct{ path, checksum, want string }{
		"other checksum": {good, otherChecksum, "SHA-512"},
		"cut":            {cut, "", "unexpected EOF"},
		"cut, checksum":  {cut, checksum, "SHA-512"},
		"no library":     {without, "", "has no libchdb.so"},
		"too large":      {tooLarge, "", "more than"},
		"missing":        {filepath.Join(t.TempDir(), "none"), "", "open package"},
	} {
		target := filepath.Join(t.TempDir(), libraryFile)
		_, err := unpack(c.path, c.checksum, target)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// script writes a program of that name into an otherwise empty PATH and returns
// its path.
func script(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	return path
}

func TestCachedLibraryNeedsNoNpm(t *testing.T) {
	cache := t.TempDir()
	called := filepath.Join(t.TempDir(), "called")
	script(t, "npm", "echo npm > '"+called+"'; exit 1")
	t.Setenv(cacheEnv, cache)
	library := filepath.Join(cache, "chdb-"+LibraryVersion, libraryFile)
	if err := os.MkdirAll(filepath.Dir(library), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(library, []byte("library"), 0o644); err != nil {
		t.Fatal(err)
	}
	engine, err := Locate(t.Context(), LocateConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Engine{Kind: Library, Path: library, Version: LibraryVersion}); engine != want {
		t.Errorf("found %+v instead of %+v", engine, want)
	}
	if _, err := os.Stat(called); err == nil {
		t.Error("npm was called")
	}
	// The configuration is stronger than the environment.
	if _, err := Locate(t.Context(), LocateConfig{CacheDir: t.TempDir()}); err == nil {
		t.Error("found a library in an empty cache")
	}
	if _, err := os.Stat(called); err != nil {
		t.Error("npm was not called for the empty cache")
	}
}

func TestLocateErrorsSayWhatHelps(t *testing.T) {
	for name, prepare := range map[string]func(){
		"find npm: ":                    func() { t.Setenv("PATH", t.TempDir()) },
		"getaddrinfo ENOTFOUND example": func() { script(t, "npm", "echo 'npm error getaddrinfo ENOTFOUND example' >&2; exit 1") },
		"left 0 archives":               func() { script(t, "npm", "exit 0") },
		"SHA-512":                       func() { script(t, "npm", "echo other > other.tgz") },
	} {
		prepare()
		cache := t.TempDir()
		_, err := Locate(t.Context(), LocateConfig{CacheDir: cache})
		if err == nil {
			t.Fatalf("%s: found an engine", name)
		}
		for _, want := range []string{name, "install Node.js with npm", "--clickhouse URL", "26.7",
			filepath.Join(cache, "chdb-"+LibraryVersion, libraryFile)} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in %v", name, want, err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(cache, "*", "fetch-*")); len(left) != 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

// Downloads at the same time, each of which would take the place of another, end
// in one download and one whole file.
func TestConcurrentFetchesDownloadOnce(t *testing.T) {
	source, checksum := archive(t, map[string]string{"package/libchdb.so": strings.Repeat("library ", 1<<16)})
	calls := filepath.Join(t.TempDir(), "calls")
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	npm := script(t, "npm", fmt.Sprintf("echo \"$@\" >> '%s'; %s '%s' > package.tgz", calls, cat, source))
	dir := filepath.Join(t.TempDir(), "cache")
	remains := filepath.Join(dir, temporaryPrefix+"killed")
	if err := os.MkdirAll(remains, 0o755); err != nil {
		t.Fatal(err)
	}
	var progress sync.Mutex
	var shown bytes.Buffer
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			var own bytes.Buffer
			f := fetcher{npm: npm, pkg: npmPackage{"@test/library", checksum}, dir: dir, progress: &own}
			if err := f.run(t.Context()); err != nil {
				t.Error(err)
			}
			progress.Lock()
			defer progress.Unlock()
			shown.Write(own.Bytes())
		})
	}
	wait.Wait()
	asked, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	if want := "pack --ignore-scripts --loglevel=error @test/library@" + LibraryVersion + "\n"; string(asked) != want {
		t.Errorf("npm was asked %q instead of once %q", asked, want)
	}
	info, err := os.Stat(filepath.Join(dir, libraryFile))
	if err != nil || info.Size() != 8<<16 {
		t.Errorf("library: %v, %v", info, err)
	}
	if _, err := os.Stat(remains); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("remains of a killed download are still there: %v", err)
	}
	for _, line := range []string{"downloading ClickHouse", "unpacking ClickHouse", "ClickHouse is ready in"} {
		if strings.Count(shown.String(), line) != 1 {
			t.Errorf("not once %q in %q", line, shown.String())
		}
	}
}

func TestFetchWaitsNoLongerThanItsContext(t *testing.T) {
	npm := script(t, "npm", "exit 1")
	dir := t.TempDir()
	lock, err := lockFile(filepath.Join(dir, "fetch.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = fetcher{npm: npm, dir: dir, progress: &bytes.Buffer{}}.run(ctx)
	if !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("fetch beside another: %v", err)
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]string{
		"ClickHouse local version 26.7.2.1 (official build).": "26.7.2.1",
		"ClickHouse local version 26.10.1.5.":                 "26.10.1.5",
		"ClickHouse local version 27.1.1.1":                   "27.1.1.1",
		"ClickHouse local version 26.6.9.9 (official build).": "",
		"ClickHouse local version 25.12.1.1":                  "",
		"version 99999999999999999999.1":                      "",
		"":                                                    "",
	} {
		got, err := parseVersion(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v instead of %q", text, got, err, want)
		}
	}
}

// An old or broken binary in PATH is passed over with a reason, one that was
// named is an error.
func TestUnusableBinaries(t *testing.T) {
	cache := t.TempDir()
	library := filepath.Join(cache, "chdb-"+LibraryVersion, libraryFile)
	if err := os.MkdirAll(filepath.Dir(library), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(library, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for reason, text := range map[string]string{
		"25.8.1.1 is older than 26.7": "echo 'ClickHouse local version 25.8.1.1'",
		"exit status 3":               "exit 3",
		"find version in":             "echo hello",
	} {
		path := script(t, "clickhouse", text)
		var progress bytes.Buffer
		engine, err := Locate(t.Context(), LocateConfig{CacheDir: cache, Progress: &progress})
		if err != nil || engine.Kind != Library {
			t.Errorf("%s: found %+v, %v", reason, engine, err)
		}
		if !strings.Contains(progress.String(), reason) {
			t.Errorf("no %q in %q", reason, progress.String())
		}
		if _, err := Locate(t.Context(), LocateConfig{CacheDir: cache, Binary: path}); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("named binary: %v, want %q", err, reason)
		}
	}
}

// The engine of the library takes the arguments of an installed binary, so it
// stands in for one on a machine without: what is tested is how a binary is found and run.
func TestInstalledBinaryRunsTheServer(t *testing.T) {
	if engine := config(t).Engine; engine.Kind == Library {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		script(t, "clickhouse", fmt.Sprintf(`test "$1" = local || exit 9
shift
if test "$1" = --version; then echo "ClickHouse local version 26.7.2.1 (official build)."; exit; fi
%s='%s' exec '%s' "$@"`, libraryEnv, engine.Path, self))
	}
	engine, err := Locate(t.Context(), LocateConfig{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if engine.Kind != Binary {
		t.Fatalf("found %+v", engine)
	}
	cfg := Default()
	cfg.Engine, cfg.Dir = engine, t.TempDir()
	s := start(t, cfg)
	if got := run(t, s, "SELECT 1"); got != "1" {
		t.Errorf("answer %q", got)
	}
}
