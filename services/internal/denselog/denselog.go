// Package denselog holds the rules of the dense log: a partition that carries
// exactly one record for each record of a source partition, in order, written
// and read so that crashes, repeats and two writers at once do no harm.
//
// A writer starts at its committed source offset and appends everything again
// from there. A reader keeps the highest source offset it has taken, the mark,
// and takes only a record that follows it without a gap: what lies at or below
// the mark is a repeat, what lies beyond a gap is a hole that the writer will
// fill when it starts again. The first copy of a record is the truth.
//
// The package does no I/O.
package denselog

import (
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
)

// Position says which source record a record of the dense log answers.
type Position struct {
	// Src is its offset in the source log, Prev the offset before it.
	Src, Prev int64
	Outcome   event.Outcome
}

// Headers returns the record headers that carry the position.
func (p Position) Headers() []kgo.RecordHeader {
	headers, _ := p.AppendHeaders(nil, nil)
	return headers
}

// AppendHeaders appends the record headers that carry the position, and their
// values to b, of which the headers keep parts: b must not change while they are in
// use.
func (p Position) AppendHeaders(headers []kgo.RecordHeader, b []byte) ([]kgo.RecordHeader, []byte) {
	src := len(b)
	b = strconv.AppendInt(b, p.Src, 10)
	prev := len(b)
	b = strconv.AppendInt(b, p.Prev, 10)
	outcome := len(b)
	b = append(b, p.Outcome...)
	return append(headers,
		kgo.RecordHeader{Key: topics.Src, Value: b[src:prev:prev]},
		kgo.RecordHeader{Key: topics.Prev, Value: b[prev:outcome:outcome]},
		kgo.RecordHeader{Key: topics.Outcome, Value: b[outcome:len(b):len(b)]},
	), b
}

// Parse reads the position from a record's headers.
func Parse(r *kgo.Record) (Position, error) {
	p := Position{Src: -1, Prev: -2}
	var err error
	for i := range r.Headers {
		h := &r.Headers[i]
		switch h.Key {
		case topics.Src:
			p.Src, err = strconv.ParseInt(string(h.Value), 10, 64)
		case topics.Prev:
			p.Prev, err = strconv.ParseInt(string(h.Value), 10, 64)
		case topics.Outcome:
			p.Outcome = outcome(h.Value)
		}
		if err != nil {
			return Position{}, fmt.Errorf("read header %s of %s offset %d: %w", h.Key, r.Topic, r.Offset, err)
		}
	}
	if p.Src < 0 || p.Prev < -1 || p.Prev >= p.Src {
		return Position{}, fmt.Errorf("read headers of %s offset %d: src %d, prev %d is no position", r.Topic, r.Offset, p.Src, p.Prev)
	}
	return p, nil
}

// outcome returns the outcome of that name; the frequent ones without memory of
// their own.
func outcome(name []byte) event.Outcome {
	switch string(name) {
	case string(event.Stored):
		return event.Stored
	case string(event.Duplicate):
		return event.Duplicate
	case string(event.Rejected):
		return event.Rejected
	}
	return event.Outcome(name)
}

// Verdict is what a reader does with a record.
type Verdict int

// The verdicts.
const (
	// Take: the record follows the mark.
	Take Verdict = iota
	// Repeat: it was taken before.
	Repeat
	// Hole: something between the mark and it was not written; the writer will
	// write both again.
	Hole
)

// Mark is a reader's place in the source log. The zero value is not usable; see
// NewMark. It is not safe for concurrent use.
type Mark struct {
	src int64
	// holeSince is when the hole that is now open was first met.
	holeSince time.Time
}

// None is the mark of a reader that has taken nothing.
const None = -1

// NewMark returns the mark of a reader whose highest source offset is src, or
// None.
func NewMark(src int64) Mark { return Mark{src: src} }

// Src returns the highest source offset taken, or None.
func (m *Mark) Src() int64 { return m.src }

// Judge decides about the next record of the log, and moves the mark when it is
// taken. now is used only to say how long a hole has been open.
func (m *Mark) Judge(p Position, now time.Time) Verdict {
	switch {
	case p.Src <= m.src:
		return Repeat
	case p.Prev > m.src:
		if m.holeSince.IsZero() {
			m.holeSince = now
		}
		return Hole
	}
	m.src = p.Src
	m.holeSince = time.Time{}
	return Take
}

// Raise moves the mark up to src if that is higher.
func (m *Mark) Raise(src int64) { m.src = max(m.src, src) }

// HoleAge returns how long the hole now open has been so; 0 when there is none.
// A writer that works fills a hole within seconds.
func (m *Mark) HoleAge(now time.Time) time.Duration {
	if m.holeSince.IsZero() {
		return 0
	}
	return now.Sub(m.holeSince)
}
