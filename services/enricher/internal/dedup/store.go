// Package dedup remembers which messages a partition of the raw topic has
// carried, so that a retry is recognised within the window of topics.DedupWindow.
//
// The index lives on local disk and is only a cache of the logs: it knows the raw
// offset up to which it is complete, and whatever it lacks is read again from the
// dense log. Entries carry the offset of the first occurrence, so that processing
// a record again answers as it did the first time: a record is a duplicate only
// of one with a smaller offset. Time is that of the partition (Tick), never that
// of a host.
//
// New entries are gathered in memory, some ten thousand for each partition, and
// written as one sorted table, which becomes part of the store (Pebble) as it is.
// So nothing goes through a log or a memory table of the store, where a look-up
// would cost most: nearly all are for ids never seen, which the filters of the
// tables answer.
//
// It reads and writes its directory, and guarantees that entries and the offset
// they reach to are written together. A store that cannot be read is set aside
// and begun anew. A disk that is nearly full is an error before anything is
// written: the storage engine itself would wait for ever.
//
// In memory are, for a process that has all 12 partitions, 25 MB of entries, 24 MB
// of filters and blocks, and some of the engine's own: about 55 MB.
package dedup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"touchline.dev/services/internal/telemetry"
)

// What stops a partition's worker.
var (
	// ErrOtherLog says that the index was made from another log: its offsets mean
	// nothing in this one.
	ErrOtherLog = errors.New("the deduplication index belongs to another topic: the raw topic was deleted and made again, or the broker's data was lost; see `touchline reset`")
	// ErrDiskFull says that there is too little room to write. It passes when there
	// is room again.
	ErrDiskFull = errors.New("the disk of the deduplication index is full")
	// ErrDamaged says that the store cannot be read. It has been set aside; opening
	// it again begins a new one.
	ErrDamaged = errors.New("the deduplication index is damaged")
)

// Store is the directory with the indexes of all partitions of this process. It
// is safe for concurrent use; only one process can open a directory.
type Store struct {
	db      *pebble.DB
	lock    *pebble.Lock
	disk    vfs.FS    // notices when it is slow
	watched io.Closer // ends that
	format  sstable.WriterOptions
	// tableEntries is how many entries an index gathers for a table.
	tableEntries int
	dir          string
	minFree      uint64
	log          *zap.Logger
	setAside     prometheus.Counter

	// full, failure and slow are the troubles that Trouble shows.
	full    atomic.Pointer[error]
	failure atomic.Pointer[error]
	slow    atomic.Int64 // when the disk last was, nanoseconds since 1970
	aside   sync.Once
}

const (
	// cacheBytes is room for the filters of 20 million entries, at 10 bits each.
	cacheBytes = 24 << 20
	// memTableBytes is the smallest useful: only what drops a partition goes there.
	memTableBytes = 256 << 10
	// fileBytes is the size of tables once they were merged. A filter is read as a
	// whole: 340 KB for 270,000 entries.
	fileBytes = 8 << 20
	// A disk is slow for slowFor after something took longer than slowWrite.
	slowWrite = 5 * time.Second
	slowFor   = time.Minute
	// failurePause is how long the engine waits after a failed write in the
	// background. Only such writes wait for it, and Close.
	failurePause = 100 * time.Millisecond
)

// Open opens the store in dir, or makes it. One that cannot be read is renamed to
// dir.damaged-1, or the next free number, logged and counted, and a new one made.
// While less than minFree bytes of the disk are free nothing is written, and Open
// is ErrDiskFull. The store's troubles are the health check "dedup-index".
func Open(dir string, minFree int64, deps telemetry.Deps) (*Store, error) {
	s := &Store{
		dir: dir, tableEntries: tableEntries, minFree: uint64(max(0, minFree)), log: deps.Log,
		setAside: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_enricher_dedup_set_aside_total",
			Help: "Deduplication indexes that could not be read and were set aside. They are rebuilt from the log.",
		}),
	}
	err := s.open()
	if errors.Is(err, ErrDamaged) {
		if err = s.putAside(err); err == nil {
			err = s.open()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open deduplication index %s: %w", dir, err)
	}
	deps.Metrics.MustRegister(s.setAside)
	deps.Health.Probe("dedup-index", s.Trouble)
	return s, nil
}

func (s *Store) open() (err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := s.room(); err != nil {
		return err
	}
	if s.lock, err = pebble.LockDirectory(s.dir, vfs.Default); err != nil {
		return fmt.Errorf("is another process using it? %w", err)
	}
	cache := pebble.NewCache(cacheBytes)
	defer cache.Unref()
	s.disk, s.watched = vfs.WithDiskHealthChecks(vfs.Default, slowWrite, nil, func(vfs.DiskSlowInfo) { s.slow.Store(time.Now().UnixNano()) })
	opts := &pebble.Options{
		FS:           s.disk,
		Cache:        cache,
		MemTableSize: memTableBytes,
		Lock:         s.lock,
		Logger:       quiet{},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) {
				s.failure.Store(&err)
				// The engine tries again at once, for as long as the disk is full.
				<-time.After(failurePause)
			},
			FlushEnd:       func(i pebble.FlushInfo) { s.wrote(i.Err) },
			CompactionEnd:  func(i pebble.CompactionInfo) { s.wrote(i.Err) },
			DataCorruption: func(i pebble.DataCorruptionInfo) { s.failure.Store(&i.Details) },
		},
	}
	for i := range opts.Levels {
		// Most lookups are for messages never seen; the filter answers them
		// without touching a block. Ids are random: nothing to compress.
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		opts.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
		opts.TargetFileSizes[i] = fileBytes
	}
	if s.db, err = pebble.Open(s.dir, opts); err != nil {
		if !ofTheSystem(err) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return errors.Join(err, s.watched.Close(), s.lock.Close())
	}
	s.format = opts.MakeWriterOptions(0, s.db.TableFormat())
	return nil
}

// wrote notes the end of a write in the background. Damage does not pass.
func (s *Store) wrote(err error) {
	if p := s.failure.Load(); err == nil && p != nil && !pebble.IsCorruptionError(*p) {
		s.failure.CompareAndSwap(p, nil)
	}
}

// ofTheSystem reports whether err is about the machine, such as missing rights or
// a full disk, and not about what the directory holds: nothing is known to be
// wrong with the store then.
func ofTheSystem(err error) bool {
	var number syscall.Errno
	return errors.As(err, &number) && !errors.Is(err, fs.ErrNotExist)
}

// putAside renames the directory, which is the way to begin a new store without
// losing the evidence.
func (s *Store) putAside(cause error) error {
	for n := 1; ; n++ {
		to := s.dir + ".damaged-" + strconv.Itoa(n)
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return fmt.Errorf("set store aside: %w", err)
			}
			continue
		}
		if err := os.Rename(s.dir, to); err != nil {
			return fmt.Errorf("set store aside: %w", err)
		}
		s.setAside.Inc()
		s.log.Error("deduplication index cannot be read, is set aside and rebuilt", zap.String("to", to), zap.Error(cause))
		return nil
	}
}

// damaged sets the store aside when err says that it cannot be read, and returns
// what to tell the caller. The files stay open under their new name until Close.
func (s *Store) damaged(err error) error {
	if !pebble.IsCorruptionError(err) && !errors.Is(err, ErrDamaged) {
		return err
	}
	s.aside.Do(func() {
		if aerr := s.putAside(err); aerr != nil {
			err = errors.Join(err, aerr)
		}
	})
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// Check returns ErrDiskFull while less than the wanted bytes are free and
// ErrDamaged once the store was found so. Who is about to decide about events asks
// first: what could not be noted afterwards must not be decided.
func (s *Store) Check() error {
	if p := s.failure.Load(); p != nil && pebble.IsCorruptionError(*p) {
		return s.damaged(*p)
	}
	return s.room()
}

// room returns ErrDiskFull while less than the wanted bytes are free.
func (s *Store) room() error {
	usage, err := vfs.Default.GetDiskUsage(s.dir)
	if err != nil {
		return fmt.Errorf("ask for free disk space: %w", err)
	}
	if usage.AvailBytes >= s.minFree {
		s.full.Store(nil)
		return nil
	}
	err = fmt.Errorf("%d MiB are free and %d MiB wanted: %w", usage.AvailBytes>>20, s.minFree>>20, ErrDiskFull)
	s.full.Store(&err)
	return err
}

// Trouble says why the store does not work as it should, as far as is known; nil
// when it does. It returns at once.
func (s *Store) Trouble() error {
	for _, trouble := range []*error{s.full.Load(), s.failure.Load()} {
		if trouble != nil {
			return *trouble
		}
	}
	if at := s.slow.Load(); at != 0 && time.Since(time.Unix(0, at)) < slowFor {
		return fmt.Errorf("the disk of the deduplication index is slow: something took more than %v within the last %v", slowWrite, slowFor)
	}
	return nil
}

// Close closes the files. The indexes were closed before, or what they had not
// written is read again from the log.
func (s *Store) Close() error {
	if err := errors.Join(s.db.Close(), s.watched.Close(), s.lock.Close()); err != nil {
		return fmt.Errorf("close deduplication index: %w", err)
	}
	return nil
}

// quiet drops the store's own log lines; trouble arrives by the event listener.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("deduplication index: "+format, args...))
}
