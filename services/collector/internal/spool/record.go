package spool

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A record is stored under its lane and its number in it, in Kafka's own wire
// form; the time delta is when it was appended, in milliseconds since 1970.
const keyBytes = 2 + 8

// maxLanes is the most that a key can tell apart, with room for layoutKey.
const maxLanes = 1 << 15

// layoutKey lies behind the keys of all records. Its value is the number of lanes.
var layoutKey = []byte{0xff, 0xff, 'l', 'a', 'n', 'e', 's'}

func recordKey(dst []byte, lane int, number uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint16(dst, uint16(lane)), number)
}

func parseKey(key []byte) (lane int, number uint64, err error) {
	if len(key) != keyBytes {
		return 0, 0, fmt.Errorf("%d bytes are no key: %w", len(key), ErrDamaged)
	}
	return int(binary.BigEndian.Uint16(key)), binary.BigEndian.Uint64(key[2:]), nil
}

// appendRecord encodes a record that was appended at millis.
func appendRecord(dst []byte, millis int64, r *kgo.Record) []byte {
	var headers [2]kmsg.Header
	w := kmsg.Record{TimestampDelta64: millis, Key: r.Key, Value: r.Value, Headers: headers[:0]}
	for i := range r.Headers {
		w.Headers = append(w.Headers, kmsg.Header{Key: r.Headers[i].Key, Value: r.Headers[i].Value})
	}
	return w.AppendTo(dst)
}

// decodeRecord reads what appendRecord wrote. The record does not alias b.
func decodeRecord(b []byte) (r kgo.Record, millis int64, err error) {
	var w kmsg.Record
	if err := w.ReadFrom(bytes.Clone(b)); err != nil {
		return r, 0, fmt.Errorf("%d bytes are no record: %w: %w", len(b), err, ErrDamaged)
	}
	r.Key, r.Value = w.Key, w.Value
	r.Headers = make([]kgo.RecordHeader, len(w.Headers))
	for i := range w.Headers {
		r.Headers[i] = kgo.RecordHeader{Key: w.Headers[i].Key, Value: w.Headers[i].Value}
	}
	return r, w.TimestampDelta64, nil
}
