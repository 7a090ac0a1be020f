// Package dedup remembers which messages a partition of the raw topic has
// carried, so that a retry is recognised within the window of topics.DedupWindow.
//
// The index lives on local disk and is only a cache of the log: it knows the
// offset up to which it has applied the log, and whatever it lacks is read again
// from there. Entries carry the offset of the first occurrence, so that
// processing a record again answers as it did the first time: a record is a
// duplicate only of one with a smaller offset.
//
// It reads and writes its directory, and guarantees that entries and the offset
// they reach to are written together.
package dedup

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// ErrOtherLog says that the index was made from another topic of the same name;
// its offsets mean nothing in this one.
var ErrOtherLog = errors.New("the deduplication index belongs to another topic: the raw topic was deleted and made again, or the broker's data was lost")

// Store is the directory with the indexes of all partitions of this process. It
// is safe for concurrent use; only one process can open a directory.
type Store struct {
	db *pebble.DB
}

// Options says what a store needs besides its directory.
type Options struct {
	// Trouble is called when a background write fails. Until the disk is well
	// again, writes wait for ever, so the caller must show it. It may be called
	// from any goroutine.
	Trouble func(error)
}

const (
	cacheBytes    = 32 << 20
	memTableBytes = 16 << 20
)

// Open opens the store in dir, or makes it.
func Open(dir string, o Options) (*Store, error) {
	cache := pebble.NewCache(cacheBytes)
	defer cache.Unref()
	opts := &pebble.Options{
		Cache:        cache,
		MemTableSize: memTableBytes,
		Logger:       quiet{},
		EventListener: &pebble.EventListener{
			BackgroundError: o.Trouble,
		},
	}
	for i := range opts.Levels {
		// Most lookups are for messages never seen; the filter answers them
		// without touching a block.
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("open deduplication index %s: %w", dir, err)
	}
	return &Store{db}, nil
}

// Close writes what is in memory and closes the files.
func (s *Store) Close() error {
	if err := errors.Join(s.db.Flush(), s.db.Close()); err != nil {
		return fmt.Errorf("close deduplication index: %w", err)
	}
	return nil
}

// Keys. An entry is 'e', partition, bucket, id; the state of a partition is 's',
// partition. Numbers are big-endian, so ranges are contiguous.
const (
	entryPrefix = 'e'
	statePrefix = 's'
)

func entryKey(b []byte, partition int32, bucket uint32, id []byte) []byte {
	b = append(b, entryPrefix)
	b = binary.BigEndian.AppendUint32(b, uint32(partition))
	b = binary.BigEndian.AppendUint32(b, bucket)
	return append(b, id...)
}

func stateKey(partition int32) []byte {
	return binary.BigEndian.AppendUint32([]byte{statePrefix}, uint32(partition))
}

// quiet drops the store's own log lines; trouble arrives by the event listener.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("deduplication index: "+format, args...))
}
