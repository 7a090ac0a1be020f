package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// fetcher downloads the library.
type fetcher struct {
	npm      string // the program
	pkg      npmPackage
	dir      string // of this version in the cache
	progress io.Writer
}

// progressEvery is how often the download, which is silent, shows that it lives.
const progressEvery = 5 * time.Second

// temporaryPrefix starts the names of the directories of running downloads.
const temporaryPrefix = "fetch-"

// maxNpmOutput is how much of the end of what npm says goes into an error, in
// bytes.
const maxNpmOutput = 2 << 10

// run puts the library into the directory unless another process has.
func (f fetcher) run(ctx context.Context) (err error) {
	npm, err := exec.LookPath(f.npm)
	if err != nil {
		return fmt.Errorf("find npm: %w", err)
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return fmt.Errorf("create cache: %w", err)
	}
	lock, err := f.lock(ctx)
	if err != nil {
		return fmt.Errorf("wait for another download: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	target := filepath.Join(f.dir, libraryFile)
	if present, err := isFile(target); err != nil || present {
		return err
	}
	if err := f.clean(); err != nil {
		return fmt.Errorf("remove remains of a killed download: %w", err)
	}
	temporary, err := os.MkdirTemp(f.dir, temporaryPrefix)
	if err != nil {
		return fmt.Errorf("create temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()

	begin := time.Now()
	fmt.Fprintf(f.progress, "downloading ClickHouse %s (%s, about 180 MB, once) with npm\n", LibraryVersion, f.pkg.name)
	archive, err := f.pack(ctx, npm, temporary)
	if err != nil {
		return err
	}
	fmt.Fprintf(f.progress, "unpacking ClickHouse after %.1f s\n", time.Since(begin).Seconds())
	unpacked := filepath.Join(temporary, libraryFile)
	size, err := unpack(archive, f.pkg.sha512, unpacked)
	if err != nil {
		return err
	}
	if err := os.Rename(unpacked, target); err != nil {
		return fmt.Errorf("keep library: %w", err)
	}
	fmt.Fprintf(f.progress, "ClickHouse is ready in %s: %d MB, %.1f s\n", target, size/1e6, time.Since(begin).Seconds())
	return nil
}

// lock takes the directory for this download.
func (f fetcher) lock(ctx context.Context) (*os.File, error) {
	path := filepath.Join(f.dir, "fetch.lock")
	lock, err := lockFile(path)
	if !errors.Is(err, ErrLocked) {
		return lock, err
	}
	fmt.Fprintln(f.progress, "another process downloads ClickHouse, waiting for it")
	return awaitLock(ctx, path)
}

// clean removes what a download that was killed has left.
func (f fetcher) clean() error {
	remains, err := filepath.Glob(filepath.Join(f.dir, temporaryPrefix+"*"))
	for _, path := range remains {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// pack downloads the package into dir and returns the file. npm compares it
// with the registry's checksum; no script of the package runs.
func (f fetcher) pack(ctx context.Context, npm, dir string) (string, error) {
	cmd := exec.CommandContext(ctx, npm, "pack", "--ignore-scripts", "--loglevel=error", f.pkg.name+"@"+LibraryVersion)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output

	finished := make(chan struct{})
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		begin := time.Now()
		for {
			select {
			case <-finished:
				return
			case <-time.After(progressEvery):
				fmt.Fprintf(f.progress, "still downloading after %.0f s\n", time.Since(begin).Seconds())
			}
		}
	}()
	err := cmd.Run()
	close(finished)
	<-shown
	if err != nil {
		return "", fmt.Errorf("run npm pack %s@%s: %w: %s", f.pkg.name, LibraryVersion, err, lastBytes(output.Bytes(), maxNpmOutput))
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil {
		return "", fmt.Errorf("find package: %w", err)
	}
	if len(archives) != 1 {
		return "", fmt.Errorf("find package: npm pack left %d archives", len(archives))
	}
	return archives[0], nil
}

// remedy says what to do when the download is not possible.
func (f fetcher) remedy() string {
	return fmt.Sprintf("One of these helps: install Node.js with npm and try again with network access; "+
		"or install clickhouse %d.%d or newer; or name an existing server with --clickhouse URL; "+
		"or put %s of the npm package %s@%s at %s",
		MinVersion[0], MinVersion[1], libraryFile, f.pkg.name, LibraryVersion, filepath.Join(f.dir, libraryFile))
}

func lastBytes(text []byte, size int) []byte {
	return text[max(0, len(text)-size):]
}
