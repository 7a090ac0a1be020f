package dedup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"touchline.dev/schemas/topics"
)

// bucketMillis is the span of partition time whose entries share a key range, so
// that they expire together by one range deletion. A window of 7 days touches at
// most 3 buckets of 4 days; entries live 8 to 12 days. Two entries of one id are
// more than a window apart, so a bucket never holds both.
const bucketMillis = int64(4 * 24 * time.Hour / time.Millisecond)

const (
	windowMillis = int64(topics.DedupWindow / time.Millisecond)
	keepMillis   = int64((topics.DedupWindow + topics.DedupMargin) / time.Millisecond)
)

// IDBytes is the length of a message hash or receipt id.
const IDBytes = 16

// BeforeAll is the offset of an entry whose event came by a log that was replaced:
// it is smaller than every offset of the present one.
const BeforeAll = -1

// Log names the raw log that an index is made of. Offsets of one log say nothing
// in another.
type Log struct {
	// Topic is the topic's id.
	Topic [16]byte
	// Epoch counts up when the offsets of the topic got a new meaning although
	// its id is the same.
	Epoch uint64
}

// Index is the index of one partition. What is added is seen by First at once; it
// is gathered in memory and written as one table when there is enough, and by
// Close. It is not safe for concurrent use.
type Index struct {
	store     *Store
	partition int32
	log       Log
	// next and clock are as of the last Apply, saved is next as of the last table.
	next, clock, saved int64
	// oldest is the first bucket that tables may have entries of; noBucket when
	// they have none.
	oldest uint32
	// recent holds what no table has.
	recent recent
	// tables reads the tables as they were when it was opened; nil until the next
	// look-up.
	tables *pebble.Iterator
	key    []byte
}

// noBucket lies behind every bucket.
const noBucket = math.MaxUint32

// Partition returns the index of a partition of that log. It is ErrOtherLog when
// the stored index was made of another, and empty where nothing usable is stored.
// A partition has one open index at a time.
func (s *Store) Partition(log Log, partition int32) (*Index, error) {
	x := &Index{store: s, partition: partition, log: log, oldest: noBucket, recent: newRecent()}
	v, closer, err := s.db.Get(stateKey(partition))
	if errors.Is(err, pebble.ErrNotFound) {
		return x, x.dropStateless()
	}
	if err != nil {
		return nil, fmt.Errorf("read state of partition %d: %w", partition, s.damaged(err))
	}
	defer closer.Close()
	if len(v) != stateBytes {
		return nil, s.damaged(fmt.Errorf("%d bytes are no state of partition %d: %w", len(v), partition, ErrDamaged))
	}
	if [16]byte(v) != log.Topic || binary.BigEndian.Uint64(v[16:]) != log.Epoch {
		return nil, fmt.Errorf("%w (partition %d)", ErrOtherLog, partition)
	}
	x.next = int64(binary.BigEndian.Uint64(v[24:]))
	x.clock = int64(binary.BigEndian.Uint64(v[32:]))
	x.oldest = binary.BigEndian.Uint32(v[40:])
	x.saved = x.next
	return x, nil
}

// dropStateless empties the index if it has entries although it has no state: they
// are of an earlier release, and nothing says of which log.
func (x *Index) dropStateless() error {
	if err := x.open(); err != nil {
		return err
	}
	if !x.tables.First() {
		return x.rest()
	}
	return x.Reset()
}

// Drop forgets all of a partition, of whatever log. It has no open index.
func (s *Store) Drop(partition int32) error {
	if err := s.Check(); err != nil {
		return err
	}
	if err := s.db.DeleteRange(partitionKey(partition), partitionKey(partition+1), pebble.NoSync); err != nil {
		return fmt.Errorf("drop deduplication index of partition %d: %w", partition, s.damaged(err))
	}
	return nil
}

// Reset empties the index.
func (x *Index) Reset() error {
	if err := errors.Join(x.rest(), x.store.Drop(x.partition)); err != nil {
		return err
	}
	x.next, x.clock, x.saved, x.oldest = 0, 0, 0, noBucket
	x.recent.clear()
	return nil
}

// Next returns the first offset that has not been applied; 0 for a new index.
func (x *Index) Next() int64 { return x.next }

// Clock returns the partition's time after the last offset applied; 0 for a new
// index.
func (x *Index) Clock() int64 { return x.clock }

// First returns the offset of the first occurrence of id, when that is before
// offset and at most topics.DedupWindow before clock, the partition's time at
// offset.
func (x *Index) First(id [IDBytes]byte, offset, clock int64) (first int64, found bool, err error) {
	if e := x.recent.first(&id, offset, clock); e != nil {
		return e.offset, true, nil
	}
	for bucket, last := bucketOf(clock), max(x.oldest, bucketOf(clock-windowMillis)); bucket >= last; bucket-- {
		e, ok, err := x.get(bucket, id)
		if err != nil {
			return 0, false, err
		}
		if ok && e.answers(offset, clock) {
			return e.offset, true, nil
		}
	}
	return 0, false, nil
}

// answers reports whether a record at that offset and time repeats e.
func (e *entry) answers(offset, clock int64) bool {
	return e.offset < offset && clock-e.clock <= windowMillis
}

// Add notes that the event at offset, at the partition's time clock, makes later
// ones of the same id duplicates.
func (x *Index) Add(id [IDBytes]byte, offset, clock int64) {
	x.recent.add(entry{id, offset, clock})
}

// Apply notes that the index is complete up to next, where the partition's time is
// clock: what was added of smaller offsets is to be kept. Now and then it writes a
// table with all of that; what a crash takes away is read again from the log. It
// is ErrDiskFull or ErrDamaged where Store.Check is, and has then changed nothing;
// after another error the index is to be opened anew.
func (x *Index) Apply(next, clock int64) error {
	if err := errors.Join(x.rest(), x.store.Check()); err != nil {
		return err
	}
	x.next, x.clock = next, max(x.clock, clock)
	if len(x.recent.entries) < x.store.tableEntries {
		return nil
	}
	return x.save()
}

// Close writes what was applied and not yet written, and releases the tables. The
// index is not to be used any more, also after an error: what could not be
// written is read again from the log.
func (x *Index) Close() error {
	if err := x.rest(); err != nil || x.next == x.saved {
		return err
	}
	if err := x.store.Check(); err != nil {
		return err
	}
	return x.save()
}

// get returns what the tables say about an id.
func (x *Index) get(bucket uint32, id [IDBytes]byte) (e entry, found bool, err error) {
	if err := x.open(); err != nil {
		return e, false, err
	}
	x.key = entryKey(x.key[:0], x.partition, bucket, id[:])
	if !x.tables.SeekPrefixGE(x.key) || !bytes.Equal(x.tables.Key(), x.key) {
		if err := x.tables.Error(); err != nil {
			return e, false, fmt.Errorf("look up message: %w", x.store.damaged(err))
		}
		return e, false, nil
	}
	v, err := x.tables.ValueAndErr()
	if err != nil {
		return e, false, fmt.Errorf("look up message: %w", x.store.damaged(err))
	}
	offset, n := binary.Varint(v)
	clock, m := binary.Varint(v[max(n, 0):])
	if n <= 0 || m <= 0 {
		return e, false, fmt.Errorf("look up message: %w", x.store.damaged(fmt.Errorf("%d bytes are no entry: %w", len(v), ErrDamaged)))
	}
	return entry{id, offset, clock}, true, nil
}

// open opens the tables, if they are not open. The filters of the last level are
// used as well: nearly all look-ups are in vain.
func (x *Index) open() (err error) {
	if x.tables != nil {
		return nil
	}
	opts := &pebble.IterOptions{LowerBound: partitionKey(x.partition), UpperBound: partitionKey(x.partition + 1), UseL6Filters: true}
	if x.tables, err = x.store.db.NewIter(opts); err != nil {
		return fmt.Errorf("open tables: %w", x.store.damaged(err))
	}
	return nil
}

// rest releases the tables. An index that is at rest keeps no files from being
// deleted.
func (x *Index) rest() error {
	if x.tables == nil {
		return nil
	}
	err := x.tables.Close()
	x.tables = nil
	if err != nil {
		return fmt.Errorf("release tables: %w", x.store.damaged(err))
	}
	return nil
}

func bucketOf(clock int64) uint32 { return uint32(max(0, clock) / bucketMillis) }
