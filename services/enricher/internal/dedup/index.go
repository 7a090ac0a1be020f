package dedup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"touchline.dev/schemas/topics"
)

// bucketMillis is the span of append time whose entries share a key range, so
// that they expire together by one range deletion. A window of 7 days touches at
// most 3 buckets of 4 days; entries live 8 to 12 days.
const bucketMillis = int64(4 * 24 * time.Hour / time.Millisecond)

const (
	windowMillis = int64(topics.DedupWindow / time.Millisecond)
	keepMillis   = int64((topics.DedupWindow + topics.DedupMargin) / time.Millisecond)
)

// IDBytes is the length of a message hash or receipt id.
const IDBytes = 16

// Index is the index of one partition. Additions are gathered until Apply; they
// are seen by First at once. It is not safe for concurrent use.
type Index struct {
	store     *Store
	partition int32
	topicID   [16]byte
	next      int64
	// added holds what Apply has not written yet.
	added map[[IDBytes]byte]entry
	// oldest is the first bucket that may still hold entries.
	oldest uint32
	latest int64
	key    []byte
}

// entry is the first occurrence of an id.
type entry struct {
	offset, millis int64
}

// Partition returns the index of a partition of the topic with that id. It is
// ErrOtherLog when the stored index was made from another topic.
func (s *Store) Partition(topicID [16]byte, partition int32) (*Index, error) {
	x := &Index{store: s, partition: partition, topicID: topicID, added: make(map[[IDBytes]byte]entry)}
	v, closer, err := s.db.Get(stateKey(partition))
	if errors.Is(err, pebble.ErrNotFound) {
		return x, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state of partition %d: %w", partition, err)
	}
	defer closer.Close()
	if len(v) != 16+8+4 {
		return nil, fmt.Errorf("read state of partition %d: %d bytes are no state", partition, len(v))
	}
	if !bytes.Equal(v[:16], topicID[:]) {
		return nil, fmt.Errorf("%w (partition %d)", ErrOtherLog, partition)
	}
	x.next = int64(binary.BigEndian.Uint64(v[16:]))
	x.oldest = binary.BigEndian.Uint32(v[24:])
	return x, nil
}

// Next returns the first offset that has not been applied; 0 for a new index.
func (x *Index) Next() int64 { return x.next }

// First returns the offset of the first occurrence of id, when that is before
// offset and at most topics.DedupWindow of append time before millis.
func (x *Index) First(id [IDBytes]byte, offset, millis int64) (first int64, found bool, err error) {
	if e, ok := x.added[id]; ok && e.answers(offset, millis) {
		return e.offset, true, nil
	}
	for bucket := bucketOf(millis); ; bucket-- {
		e, ok, err := x.get(bucket, id)
		if err != nil {
			return 0, false, err
		}
		if ok && e.answers(offset, millis) {
			return e.offset, true, nil
		}
		if bucket == bucketOf(millis-windowMillis) {
			return 0, false, nil
		}
	}
}

func (e entry) answers(offset, millis int64) bool {
	return e.offset < offset && millis-e.millis <= windowMillis
}

// Add notes that offset is an occurrence of id that is not a duplicate.
func (x *Index) Add(id [IDBytes]byte, offset, millis int64) {
	x.added[id] = entry{offset, millis}
}

// Apply writes what was added, together with next, the offset up to which the
// log has been applied. It does not wait for the disk: what a crash takes away
// is read again from the log.
func (x *Index) Apply(next, millis int64) error {
	b := x.store.db.NewBatch()
	defer b.Close()
	var value [2 * binary.MaxVarintLen64]byte
	for id, e := range x.added {
		x.key = entryKey(x.key[:0], x.partition, bucketOf(e.millis), id[:])
		v := binary.AppendVarint(binary.AppendVarint(value[:0], e.offset), e.millis)
		if err := b.Set(x.key, v, nil); err != nil {
			return fmt.Errorf("add to deduplication index: %w", err)
		}
	}
	x.latest = max(x.latest, millis)
	oldest, err := x.expire(b)
	if err != nil {
		return err
	}
	state := append([]byte(nil), x.topicID[:]...)
	state = binary.BigEndian.AppendUint64(state, uint64(next))
	state = binary.BigEndian.AppendUint32(state, oldest)
	if err := b.Set(stateKey(x.partition), state, nil); err != nil {
		return fmt.Errorf("add to deduplication index: %w", err)
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("write deduplication index: %w", err)
	}
	x.next, x.oldest = next, oldest
	clear(x.added)
	return nil
}

// expire deletes the buckets that ended before everything a lookup can ask for.
func (x *Index) expire(b *pebble.Batch) (oldest uint32, err error) {
	keep := bucketOf(x.latest - keepMillis)
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
		return entry{}, false, fmt.Errorf("look up message: %w", err)
	}
	defer closer.Close()
	offset, n := binary.Varint(v)
	millis, m := binary.Varint(v[max(n, 0):])
	if n <= 0 || m <= 0 {
		return entry{}, false, fmt.Errorf("look up message: %d bytes are no entry", len(v))
	}
	return entry{offset, millis}, true, nil
}

func bucketOf(millis int64) uint32 { return uint32(max(0, millis) / bucketMillis) }
