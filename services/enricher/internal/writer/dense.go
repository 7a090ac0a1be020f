package writer

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

// position is what the headers of a dense-log record say: which raw record it
// answers, and what the deduplication index has to know of it.
type position struct {
	denselog.Position
	// offset is the record's own; not in the headers.
	offset int64
	// clock is the partition's time at the raw record.
	clock int64
	// id is set where idKey is: where the event makes later ones duplicates.
	id    [dedup.IDBytes]byte
	idKey string
	// value is the record's; not in the headers.
	value []byte
}

// idKey is the header for what an event is recognised by.
func idKey(r event.Reason) string {
	if r == event.SameMessage {
		return topics.MID
	}
	return topics.RID
}

// maxHeaders is how many headers a position has at most.
const maxHeaders = 5

// appendHeaders is Position.AppendHeaders for the whole of p.
func (p *position) appendHeaders(headers []kgo.RecordHeader, b []byte) ([]kgo.RecordHeader, []byte) {
	headers, b = p.AppendHeaders(headers, b)
	clock := len(b)
	b = strconv.AppendInt(b, p.clock, 10)
	headers = append(headers, kgo.RecordHeader{Key: topics.Clock, Value: b[clock:len(b):len(b)]})
	if p.idKey != "" {
		id := len(b)
		b = append(b, p.id[:]...)
		headers = append(headers, kgo.RecordHeader{Key: p.idKey, Value: b[id:len(b):len(b)]})
	}
	return headers, b
}

func parsePosition(r *kgo.Record) (p position, err error) {
	p.offset, p.clock, p.value = r.Offset, -1, r.Value
	if p.Position, err = denselog.Parse(r); err != nil {
		return p, err
	}
	for i := range r.Headers {
		h := &r.Headers[i]
		switch h.Key {
		case topics.Clock:
			if p.clock, err = strconv.ParseInt(string(h.Value), 10, 64); err != nil {
				return p, fmt.Errorf("read header %s of %s offset %d: %w", h.Key, r.Topic, r.Offset, err)
			}
		case topics.MID, topics.RID:
			if len(h.Value) != dedup.IDBytes {
				return p, fmt.Errorf("read header %s of %s offset %d: %d bytes are no id", h.Key, r.Topic, r.Offset, len(h.Value))
			}
			p.id, p.idKey = [dedup.IDBytes]byte(h.Value), h.Key
		}
	}
	if p.clock < 0 || noticed(p.Outcome) != (p.idKey != "") {
		return p, fmt.Errorf("read headers of %s offset %d: they lack what deduplication needs", r.Topic, r.Offset)
	}
	return p, nil
}

// denseLog is one partition of the dense log as it was when it was opened.
type denseLog struct {
	start, end int64
	scan       func(ctx context.Context, from, to int64, fn func(position) error) error
}

func openDense(ctx context.Context, deps Deps, partition int32) (denseLog, error) {
	start, end, err := kafka.Bounds(ctx, deps.Producer, topics.Enriched, partition)
	if err != nil {
		return denseLog{}, err
	}
	return denseLog{start: start, end: end, scan: func(ctx context.Context, from, to int64, fn func(position) error) error {
		return kafka.Scan(ctx, deps.Kafka, kafka.Deps{Log: deps.Log}, topics.Enriched, partition, from, to, func(r *kgo.Record) error {
			p, err := parsePosition(r)
			if err != nil {
				return err
			}
			return fn(p)
		})
	}}, nil
}

// Seeking reads single records, first backwards from the end in growing steps,
// then by halves, until what is left between is not worth another look: a look
// costs a connection, and 4,096 records are read in some milliseconds.
const (
	seekGrowth = 32
	seekGap    = 1 << 12
)

// seek returns a record for which early holds, the last one if it holds for all
// records up to some place of the log and for none behind. Repeats may lie on the
// wrong side, so what seek finds is only where to begin: that what is wanted lies
// behind it must show when that is read, and where it does not, seek is asked
// again in what lies before. found is false when early does not even hold for the
// first record, which is returned, or there is none.
func (d denseLog) seek(ctx context.Context, early func(position) bool) (at position, found bool, err error) {
	high := d.end
	for step := int64(1); !found; step *= seekGrowth {
		if high == d.start {
			return at, false, nil
		}
		low := max(d.start, d.end-step)
		if at, err = d.at(ctx, low); err != nil {
			return at, false, err
		}
		if found = early(at); !found {
			high = low
		}
	}
	for high-at.offset > seekGap {
		middle, err := d.at(ctx, at.offset+(high-at.offset)/2)
		if err != nil {
			return at, false, err
		}
		if early(middle) {
			at = middle
		} else {
			high = middle.offset
		}
	}
	err = d.scan(ctx, at.offset+1, high, func(p position) error {
		if early(p) {
			at = p
		}
		return nil
	})
	return at, true, err
}

// seekAgain is how often a search is repeated before what lies behind the record
// found: a million records in the end, ten times what a producer holds, and so
// more than the repeats of a writer that was thought dead.
const seekAgain = 5

// before returns the log up to a place before offset, where a search that was in
// vain for the nth time, from 0, goes on.
func (d denseLog) before(offset int64, nth int) denseLog {
	d.end = max(d.start, offset-seekGap<<(2*nth))
	return d
}

// locate returns a record that answers the raw offset. Where the log begins behind
// it, found is false and at the first record, if there is one; where all before
// offset epoch answers another raw log and the rest begins behind it, it is the
// last record from before. The error is ErrTruncated where the log does not reach
// the raw offset.
func (d denseLog) locate(ctx context.Context, epoch, offset int64) (at position, found bool, err error) {
	for nth, part := 0, d; nth < seekAgain; nth++ {
		early, ok, err := part.seek(ctx, func(p position) bool { return p.offset < epoch || p.Src <= offset })
		if err != nil || !ok && nth == 0 {
			return early, false, err
		}
		from := d.start
		if ok {
			from = early.offset
		}
		err = d.scan(ctx, from, d.end, func(p position) error {
			if at = p; p.offset >= epoch && p.Src == offset {
				return errFound
			}
			return nil
		})
		switch {
		case errors.Is(err, errFound):
			return at, true, nil
		case err != nil:
			return at, false, err
		case ok && from < epoch:
			return early, true, nil
		}
		part = d.before(from, nth)
	}
	return at, false, kafka.Fatal(fmt.Errorf("the dense log ends before source offset %d, which is committed: %w", offset, checkpoint.ErrTruncated))
}

var errFound = errors.New("found")

// at reads one record.
func (d denseLog) at(ctx context.Context, offset int64) (at position, err error) {
	err = d.scan(ctx, offset, offset+1, func(p position) error { at = p; return nil })
	return at, err
}
