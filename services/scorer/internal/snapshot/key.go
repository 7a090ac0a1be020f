// Package snapshot holds what writing and reading snapshots of fragments has in
// common: the keys of records, appending with acknowledgement, and reading a
// compacted log back.
//
// It reads and writes whatever topic its caller names. It guarantees that
// everything appended is acknowledged when Append returns nil, and that a log is
// read back complete while others still write to it.
package snapshot

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// PersonKey returns the key under which a person's records stand together:
// PROJECT/16 hex digits. Ids of projects have no slash.
func PersonKey(project string, person uint64) string {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], person)
	return project + "/" + hex.EncodeToString(id[:])
}

// Key names one writer's snapshots of one fragment; its text is
// PROJECT/PERSON/EPOCH/DEVICE.
type Key struct {
	// Person is a PersonKey.
	Person string
	// Epoch is that of the writer, which grows with each takeover.
	Epoch uint64
	// Device is the partition key of the events, as Device returns it.
	Device string
}

// Fragment returns what the keys of all writers of the fragment have in common.
func (k Key) Fragment() string { return k.Person + "/" + k.Device }

// AppendFragment appends what Key.Fragment returns for events under a partition
// key.
func AppendFragment(dst []byte, project string, person uint64, key []byte) []byte {
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], person)
	dst = append(append(dst, project...), '/')
	dst = append(hex.AppendEncode(dst, id[:]), '/')
	if utf8.Valid(key) {
		return append(dst, key...)
	}
	return append(dst, Device(key)...)
}

// Text returns the record key.
func (k Key) Text() []byte {
	return fmt.Appendf(nil, "%s/%d/%s", k.Person, k.Epoch, k.Device)
}

// ErrKey says that a record's key is not one of a snapshot.
var ErrKey = errors.New("key is not PROJECT/PERSON/EPOCH/DEVICE")

// ParseKey reads a record key.
func ParseKey(text []byte) (Key, error) {
	parts := strings.SplitN(string(text), "/", 4)
	if len(parts) != 4 || parts[0] == "" || len(parts[1]) != 16 {
		return Key{}, ErrKey
	}
	epoch, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return Key{}, ErrKey
	}
	return Key{Person: parts[0] + "/" + parts[1], Epoch: epoch, Device: parts[3]}, nil
}

// Device returns the partition key of an event as text. Keys begin with the
// project, so what stands for one that is not UTF-8 is no other key.
func Device(key []byte) string {
	if utf8.Valid(key) {
		return string(key)
	}
	return "hex:" + hex.EncodeToString(key)
}

// Partitioner finds the partition of a person's key, the way every Kafka client
// does. It is not safe for concurrent use.
type Partitioner struct {
	topic      kgo.TopicPartitioner
	record     kgo.Record
	partitions int
}

// NewPartitioner returns a partitioner for topics of so many partitions.
func NewPartitioner(partitions int32) *Partitioner {
	return &Partitioner{topic: kgo.StickyKeyPartitioner(nil).ForTopic(""), partitions: int(partitions)}
}

// Partition returns the partition of all records of a person.
func (p *Partitioner) Partition(personKey string) int32 {
	p.record.Key = append(p.record.Key[:0], personKey...)
	return int32(p.topic.Partition(&p.record, p.partitions))
}
