package dedup

import (
	"encoding/binary"
	"errors"
	"fmt"
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

// Index is the index of one partition. Additions are gathered until Apply; they
// are seen by First at once. It is not safe for concurrent use.
type Index struct {
	store     *Store
	partition int32
	log       Log
	// next and clock are as of the last Apply.
	next, clock int64
	// oldest is the first bucket that may still hold entries.
	oldest uint32
	// added holds what Apply has not written yet.
	added map[[IDBytes]byte]entry
	key   []byte
}

// entry is the first occurrence of an id within a window.
type entry struct {
	offset, clock int64
	// older is one of another window that was not written yet either.
	older *entry
}

// Partition returns the index of a partition of that log. It is ErrOtherLog when
// the stored index was made of another, and empty where nothing usable is stored.
func (s *Store) Partition(log Log, partition int32) (*Index, error) {
	x := &Index{store: s, partition: partition, log: log, added: make(map[[IDBytes]byte]entry)}
	v, closer, err := s.db.Get(stateKey(partition))
	if errors.Is(err, pebble.ErrNotFound) {
		return x, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state of partition %d: %w", partition, s.damaged(err))
	}
	defer closer.Close()
	if len(v) != stateBytes {
		// Of an earlier release: its entries mean something else.
		return x, x.Reset()
	}
	if [16]byte(v) != log.Topic || binary.BigEndian.Uint64(v[16:]) != log.Epoch {
		return nil, fmt.Errorf("%w (partition %d)", ErrOtherLog, partition)
	}
	x.next = int64(binary.BigEndian.Uint64(v[24:]))
	x.clock = int64(binary.BigEndian.Uint64(v[32:]))
	x.oldest = binary.BigEndian.Uint32(v[40:])
	return x, nil
}

const stateBytes = 16 + 8 + 8 + 8 + 4

// Drop forgets all of a partition, of whatever log.
func (s *Store) Drop(partition int32) error {
	if err := s.Check(); err != nil {
		return err
	}
	b := s.db.NewBatch()
	defer b.Close()
	from, to := entryKey(nil, partition, 0, nil), entryKey(nil, partition+1, 0, nil)
	err := errors.Join(b.DeleteRange(from, to, nil), b.Delete(stateKey(partition), nil), b.Commit(pebble.NoSync))
	if err != nil {
		return fmt.Errorf("drop deduplication index of partition %d: %w", partition, s.damaged(err))
	}
	return nil
}

// Reset empties the index.
func (x *Index) Reset() error {
	if err := x.store.Drop(x.partition); err != nil {
		return err
	}
	x.next, x.clock, x.oldest = 0, 0, 0
	clear(x.added)
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
	if e, ok := x.added[id]; ok {
		for e := &e; e != nil; e = e.older {
			if e.answers(offset, clock) {
				return e.offset, true, nil
			}
		}
	}
	for bucket, last := bucketOf(clock), bucketOf(clock-windowMillis); ; bucket-- {
		e, ok, err := x.get(bucket, id)
		if err != nil {
			return 0, false, err
		}
		if ok && e.answers(offset, clock) {
			return e.offset, true, nil
		}
		if bucket == last {
			return 0, false, nil
		}
	}
}

func (e entry) answers(offset, clock int64) bool {
	return e.offset < offset && clock-e.clock <= windowMillis
}

// Add notes that the event at offset, at the partition's time clock, makes later
// ones of the same id duplicates.
func (x *Index) Add(id [IDBytes]byte, offset, clock int64) {
	e := entry{offset: offset, clock: clock}
	if last, ok := x.added[id]; ok {
		older := last // only this one is worth an allocation
		e.older = &older
	}
	x.added[id] = e
}

// Apply writes what was added of offsets before next, and that the index is
// complete up to there, where the partition's time is clock. It does not wait for
// the disk: what a crash takes away is read again from the log. It is ErrDiskFull
// or ErrDamaged where Store.Check is, and has then changed nothing; after another
// error the index is to be opened anew.
func (x *Index) Apply(next, clock int64) error {
	if err := x.store.Check(); err != nil {
		return err
	}
	b := x.store.db.NewBatch()
	defer b.Close()
	for id, e := range x.added {
		if err := x.write(b, id, e, next); err != nil {
			return fmt.Errorf("add to deduplication index: %w", err)
		}
	}
	clock = max(x.clock, clock)
	oldest, err := x.expire(b, clock)
	if err != nil {
		return err
	}
	state := append(make([]byte, 0, stateBytes), x.log.Topic[:]...)
	state = binary.BigEndian.AppendUint64(state, x.log.Epoch)
	state = binary.BigEndian.AppendUint64(state, uint64(next))
	state = binary.BigEndian.AppendUint64(state, uint64(clock))
	state = binary.BigEndian.AppendUint32(state, oldest)
	if err := b.Set(stateKey(x.partition), state, nil); err != nil {
		return fmt.Errorf("add to deduplication index: %w", err)
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("write deduplication index: %w", x.store.damaged(err))
	}
	x.next, x.clock, x.oldest = next, clock, oldest
	return nil
}

// write moves the entries of an id from before next to b.
func (x *Index) write(b *pebble.Batch, id [IDBytes]byte, e entry, next int64) error {
	var left *entry
	for {
		if e.offset >= next {
			left = &entry{e.offset, e.clock, left}
		} else {
			var value [2 * binary.MaxVarintLen64]byte
			x.key = entryKey(x.key[:0], x.partition, bucketOf(e.clock), id[:])
			v := binary.AppendVarint(binary.AppendVarint(value[:0], e.offset), e.clock)
			if err := b.Set(x.key, v, nil); err != nil {
				return err
			}
		}
		if e.older == nil {
			break
		}
		e = *e.older
	}
	if left == nil {
		delete(x.added, id)
	} else {
		x.added[id] = *left
	}
	return nil
}

// expire deletes the buckets that ended before everything a lookup can ask for.
func (x *Index) expire(b *pebble.Batch, clock int64) (oldest uint32, err error) {
	keep := bucketOf(clock - keepMillis)
	if x.oldest >= keep {
		return x.oldest, nil
	}
	from := entryKey(nil, x.partition, x.oldest, nil)
	to := entryKey(nil, x.partition, keep, nil)
	if err := b.DeleteRange(from, to, nil); err != nil {
		return 0, fmt.Errorf("expire deduplication entries: %w", err)
	}
	return keep, nil
}

func (x *Index) get(bucket uint32, id [IDBytes]byte) (entry, bool, error) {
	x.key = entryKey(x.key[:0], x.partition, bucket, id[:])
	v, closer, err := x.store.db.Get(x.key)
	if errors.Is(err, pebble.ErrNotFound) {
		return entry{}, false, nil
	}
	if err != nil {
		return entry{}, false, fmt.Errorf("look up message: %w", x.store.damaged(err))
	}
	defer closer.Close()
	offset, n := binary.Varint(v)
	clock, m := binary.Varint(v[max(n, 0):])
	if n <= 0 || m <= 0 {
		return entry{}, false, fmt.Errorf("look up message: %w", x.store.damaged(fmt.Errorf("%d bytes are no entry: %w", len(v), ErrDamaged)))
	}
	return entry{offset: offset, clock: clock}, true, nil
}

func bucketOf(clock int64) uint32 { return uint32(max(0, clock) / bucketMillis) }
