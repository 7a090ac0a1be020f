package dedup

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// tableEntries is how many entries make a table of about 1 MB. Those of records
// not acknowledged yet, some 10,000, are in memory beside them: 43,000 entries of
// 32 bytes and 131,072 slots of 4 are 2 MB a partition, 25 MB for the 12 of a topic.
// After a crash as many records are read back from the dense log, 200,000 a second.
const tableEntries = 1 << 15

// unfinished is how the files begin that are no tables of the store yet. A crash may
// leave one for each partition, which the next replaces.
const unfinished = "unfinished-"

// save writes a table with the entries of offsets before next and the state up to
// there. Both become part of the store at once, or neither does: a table needs no
// log of its own.
func (x *Index) save() error {
	keep := bucketOf(x.clock - keepMillis)
	written := x.ordered(keep)
	oldest := max(x.oldest, keep)
	if len(written) > 0 {
		oldest = min(oldest, bucketOf(written[0].clock))
	}
	file := filepath.Join(x.store.dir, unfinished+strconv.Itoa(int(x.partition)))
	if err := x.writeTable(file, written, keep, oldest); err != nil {
		return fmt.Errorf("write deduplication table: %w", errors.Join(x.store.damaged(err), x.store.disk.Remove(file)))
	}
	if err := x.store.db.Ingest(context.Background(), []string{file}); err != nil {
		return fmt.Errorf("add deduplication table: %w", x.store.damaged(err))
	}
	x.saved, x.oldest = x.next, oldest
	x.recent.forget(x.next)
	return nil
}

// ordered returns the entries to write in the order of their keys, without those
// of buckets before keep.
func (x *Index) ordered(keep uint32) []*entry {
	written := make([]*entry, 0, len(x.recent.entries))
	for i := range x.recent.entries {
		if e := &x.recent.entries[i]; e.offset < x.next && bucketOf(e.clock) >= keep {
			written = append(written, e)
		}
	}
	slices.SortFunc(written, func(a, b *entry) int {
		if p, q := bucketOf(a.clock), bucketOf(b.clock); p != q {
			return cmp.Compare(p, q)
		}
		if p, q := binary.BigEndian.Uint64(a.id[:]), binary.BigEndian.Uint64(b.id[:]); p != q {
			return cmp.Compare(p, q)
		}
		return cmp.Or(bytes.Compare(a.id[8:], b.id[8:]), cmp.Compare(a.offset, b.offset))
	})
	return written
}

// writeTable writes a file. It also deletes the buckets before keep, which ended
// before everything that a look-up can ask for.
func (x *Index) writeTable(file string, entries []*entry, keep, oldest uint32) error {
	f, err := x.store.disk.Create(file, "dedup-table")
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), x.store.format)
	if x.oldest < keep {
		err = w.DeleteRange(entryKey(nil, x.partition, x.oldest, nil), entryKey(nil, x.partition, keep, nil))
	}
	var value [2 * binary.MaxVarintLen64]byte
	for i := range entries {
		e := entries[i]
		if i > 0 && e.id == entries[i-1].id && bucketOf(e.clock) == bucketOf(entries[i-1].clock) {
			continue // the first is enough
		}
		x.key = entryKey(x.key[:0], x.partition, bucketOf(e.clock), e.id[:])
		v := binary.AppendVarint(binary.AppendVarint(value[:0], e.offset), e.clock)
		if err == nil {
			err = w.Set(x.key, v)
		}
	}
	state := append(make([]byte, 0, stateBytes), x.log.Topic[:]...)
	state = binary.BigEndian.AppendUint64(state, x.log.Epoch)
	state = binary.BigEndian.AppendUint64(state, uint64(x.next))
	state = binary.BigEndian.AppendUint64(state, uint64(x.clock))
	state = binary.BigEndian.AppendUint32(state, oldest)
	return errors.Join(err, w.Set(stateKey(x.partition), state), w.Close())
}

// stateBytes is the length of a state: log, next, clock, oldest.
const stateBytes = 16 + 8 + 8 + 8 + 4

// Keys. An entry is 'e', partition, bucket, id; the state of a partition stands
// behind its last bucket. Numbers are big-endian, so a partition is one range and
// so is each of its buckets.
func partitionKey(partition int32) []byte {
	return binary.BigEndian.AppendUint32([]byte{'e'}, uint32(partition))
}

func entryKey(b []byte, partition int32, bucket uint32, id []byte) []byte {
	b = append(b, 'e')
	b = binary.BigEndian.AppendUint32(b, uint32(partition))
	b = binary.BigEndian.AppendUint32(b, bucket)
	return append(b, id...)
}

func stateKey(partition int32) []byte { return entryKey(nil, partition, noBucket, nil) }
