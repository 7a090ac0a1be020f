package clickhouse

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

// maxLibrary and maxArchive bound what is unpacked and read, in bytes; version
// 26.7.3 has 566 MB in 178 MB.
const (
	maxLibrary = 2 << 30
	maxArchive = 1 << 30
)

// unpack writes the library in the npm package at archive to target and returns
// its size in bytes. checksum is the SHA-512 of the archive in base64; nothing
// is written if it does not match.
func unpack(archive, checksum, target string) (size int64, err error) {
	file, err := os.Open(archive)
	if err != nil {
		return 0, fmt.Errorf("open package: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := verify(file, checksum); err != nil {
		return 0, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("read package: %w", err)
	}
	packed, err := gzip.NewReader(file)
	if err != nil {
		return 0, fmt.Errorf("read package: %w", err)
	}
	entries := tar.NewReader(packed)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("read package: it has no %s", libraryFile)
		}
		if err != nil {
			return 0, fmt.Errorf("read package: %w", err)
		}
		if entry.Typeflag != tar.TypeReg || path.Base(entry.Name) != libraryFile {
			continue
		}
		if entry.Size > maxLibrary {
			return 0, fmt.Errorf("read package: %s has %d bytes, more than %d", libraryFile, entry.Size, int64(maxLibrary))
		}
		return entry.Size, writeLibrary(target, entries)
	}
}

func verify(file io.Reader, checksum string) error {
	hash := sha512.New()
	size, err := io.Copy(hash, io.LimitReader(file, maxArchive+1))
	if err != nil {
		return fmt.Errorf("read package: %w", err)
	}
	if size > maxArchive {
		return fmt.Errorf("read package: more than %d bytes", int64(maxArchive))
	}
	if sum := base64.StdEncoding.EncodeToString(hash.Sum(nil)); checksum != "" && sum != checksum {
		return fmt.Errorf("verify package: SHA-512 is %s, not %s", sum, checksum)
	}
	return nil
}

// writeLibrary returns when the file is on the disk: the rename that follows
// must not outlive its content.
func writeLibrary(target string, content io.Reader) error {
	file, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write library: %w", err)
	}
	_, err = io.Copy(file, content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write library: %w", err)
	}
	return nil
}
