package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What is wrong with the directory.
var (
	// ErrInUse says that another process has the directory open.
	ErrInUse = errors.New("another process is using the spool")
	// ErrDamaged says that the store cannot be read.
	ErrDamaged = errors.New("the spool is damaged")
	// ErrDiskFull says that there is too little room to write.
	ErrDiskFull = errors.New("the disk of the spool is full")
)

const (
	// memTableBytes is gathered before a table is written. Short outages never get
	// as far.
	memTableBytes = 8 << 20
	cacheBytes    = 1 << 20
	// openFree is what opening may write: a log, a list of tables, and one table of
	// what the log of the last run holds.
	openFree = 32 << 20
	// diskPause is how often a disk that was full is looked at.
	diskPause = 100 * time.Millisecond
	// closeTime is what closing may take. After it the process ends without: what
	// was reported as done is synced already.
	closeTime = 3 * time.Second
)

// store is the directory. It may be used concurrently.
type store struct {
	dir     string
	db      *pebble.DB
	lock    *pebble.Lock
	minFree uint64
	// fail is told what the engine cannot go on after.
	fail func(error)
	// opened and scanned say how far opening has come.
	opened, scanned atomic.Bool
	closing         atomic.Bool
}

func openStore(dir string, minFree uint64, disk vfs.FS, fail func(error)) (_ *store, err error) {
	s := &store{dir: dir, minFree: minFree, fail: fail}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := s.room(openFree); err != nil {
		return nil, err
	}
	if s.lock, err = pebble.LockDirectory(dir, vfs.Default); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	cache := pebble.NewCache(cacheBytes)
	defer cache.Unref()
	opts := &pebble.Options{
		// What waits for a full disk waits here, and is done as soon as there is room.
		FS:           vfs.OnDiskFull(disk, s.awaitRoom),
		Cache:        cache,
		MemTableSize: memTableBytes,
		Lock:         s.lock,
		// The log says how far it was synced, so that damage before that is no torn end.
		FormatMajorVersion: pebble.FormatNewest,
		// Nobody waits for compactions: a spool is read in order and emptied.
		L0StopWritesThreshold: 1 << 20,
		Logger:                s,
		EventListener: &pebble.EventListener{
			// The engine tries again at once.
			BackgroundError: func(error) { <-time.After(diskPause) },
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				if s.scanned.Load() { // else the scan finds it
					s.fail(fmt.Errorf("%w: %w", ErrDamaged, i.Details))
				}
			},
		},
	}
	if s.db, err = open(dir, opts); err != nil {
		if !ofTheSystem(err) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, errors.Join(err, s.lock.Close())
	}
	s.opened.Store(true)
	return s, nil
}

// open turns what the engine cannot go on after into an error.
//
// The first log of a new store is written in the oldest form, which does not say
// how far it was synced. So a new store is opened twice.
func open(dir string, opts *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if stopped, ok := recover().(fatal); ok {
			err = stopped
		}
	}()
	known, err := pebble.Peek(dir, vfs.Default)
	if err != nil {
		return nil, err
	}
	if db, err = pebble.Open(dir, opts); err != nil || known.Exists {
		return db, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return pebble.Open(dir, opts)
}

// fatal is the panic that ends an opening.
type fatal struct{ error }

// Infof drops the engine's own lines.
func (s *store) Infof(string, ...any) {}

// Errorf drops the engine's own lines; trouble arrives as errors.
func (s *store) Errorf(string, ...any) {}

// Fatalf is called where the engine cannot go on, and must not return.
func (s *store) Fatalf(format string, args ...any) {
	err := fmt.Errorf("storage engine of the spool: "+format, args...)
	if !s.opened.Load() {
		panic(fatal{err})
	}
	s.fail(err)
	select {}
}

// ofTheSystem reports whether err is about the machine, such as missing rights,
// and not about what the directory holds.
func ofTheSystem(err error) bool {
	var number syscall.Errno
	return errors.As(err, &number) && !errors.Is(err, fs.ErrNotExist)
}

// room returns ErrDiskFull while fewer bytes are free than wanted.
func (s *store) room(wanted uint64) error {
	usage, err := vfs.Default.GetDiskUsage(s.dir)
	if err != nil {
		return fmt.Errorf("ask for free disk space: %w", err)
	}
	if usage.AvailBytes < wanted {
		return fmt.Errorf("%w: %d MiB are free and %d MiB wanted", ErrDiskFull, usage.AvailBytes>>20, wanted>>20)
	}
	return nil
}

// awaitRoom returns when the disk takes writes again or the store closes.
func (s *store) awaitRoom() {
	for !s.closing.Load() && s.room(openFree) != nil {
		<-time.After(diskPause)
	}
}

// write makes a batch durable.
func (s *store) write(b *pebble.Batch) error {
	if err := s.db.Apply(b, pebble.Sync); err != nil {
		return fmt.Errorf("write to the spool: %w", err)
	}
	return nil
}

// remove deletes the records of a lane from the first to the last number, for
// good: deleted records that came back after days would not be recognised.
func (s *store) remove(lane int, first, last uint64) error {
	if err := s.db.DeleteRange(recordKey(nil, lane, first), recordKey(nil, lane, last+1), pebble.Sync); err != nil {
		return fmt.Errorf("remove from the spool: %w", err)
	}
	return nil
}

// reclaim gives back the disk of what was removed, but for some 32 MiB of logs
// that the engine uses again. By itself it would do so when it next has a reason.
func (s *store) reclaim(ctx context.Context) error {
	if err := s.db.Compact(ctx, recordKey(nil, 0, 0), layoutKey, false); err != nil && ctx.Err() == nil {
		return fmt.Errorf("give back disk of the spool: %w", err)
	}
	return nil
}

// chunk is what leaves a lane at once.
type chunk struct {
	records     []kgo.Record
	first, last uint64
	oldest      int64 // when the first was appended, in milliseconds since 1970
	bytes       int64 // of keys and values, as stored
}

// read returns the records of a lane from a number on: as many as fit, at least
// one when there is any.
func (s *store) read(lane int, from uint64, maxBytes int64) (c chunk, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: recordKey(nil, lane, from), UpperBound: recordKey(nil, lane+1, 0)})
	if err != nil {
		return c, fmt.Errorf("read the spool: %w", err)
	}
	defer func() {
		if cerr := it.Close(); cerr != nil {
			err = errors.Join(err, fmt.Errorf("read the spool: %w", cerr))
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return c, fmt.Errorf("read the spool: %w", err)
		}
		size := int64(keyBytes + len(v))
		if len(c.records) > 0 && c.bytes+size > maxBytes {
			break
		}
		r, millis, err := decodeRecord(v)
		if err != nil {
			return c, fmt.Errorf("read the spool: %w", err)
		}
		_, number, err := parseKey(it.Key())
		if err != nil {
			return c, fmt.Errorf("read the spool: %w", err)
		}
		if len(c.records) == 0 {
			c.first, c.oldest = number, millis
		}
		c.records, c.last, c.bytes = append(c.records, r), number, c.bytes+size
	}
	return c, nil
}

// scan reads everything, which also shows damage before anything relies on it.
func (s *store) scan(record func(lane int, number uint64, millis, bytes int64)) (lanes int, err error) {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return 0, fmt.Errorf("read the spool: %w", err)
	}
	defer func() {
		err = errors.Join(err, it.Close())
	}()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return 0, fmt.Errorf("read the spool: %w: %w", err, ErrDamaged)
		}
		if string(it.Key()) == string(layoutKey) {
			if lanes = int(binary.BigEndian.Uint16(v)); len(v) != 2 {
				return 0, fmt.Errorf("%d bytes are no layout: %w", len(v), ErrDamaged)
			}
			continue
		}
		lane, number, err := parseKey(it.Key())
		if err != nil {
			return 0, err
		}
		_, millis, err := decodeRecord(v)
		if err != nil {
			return 0, err
		}
		record(lane, number, millis, int64(keyBytes+len(v)))
	}
	if err := it.Error(); err != nil {
		return 0, fmt.Errorf("read the spool: %w: %w", err, ErrDamaged)
	}
	s.scanned.Store(true)
	return lanes, nil
}

// close gives the files back.
func (s *store) close() error {
	s.closing.Store(true)
	closed := make(chan error, 1)
	go func() { closed <- errors.Join(s.db.Close(), s.lock.Close()) }()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeTime):
		return fmt.Errorf("the disk has not answered for %v", closeTime)
	}
}

// putAside renames the directory and returns its new name and size.
func putAside(dir string) (to string, bytes int64, err error) {
	for n := 1; ; n++ {
		to = dir + ".damaged-" + strconv.Itoa(n)
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return "", 0, err
		}
	}
	if err := os.Rename(dir, to); err != nil {
		return "", 0, err
	}
	err = filepath.WalkDir(to, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return to, bytes, err
}
