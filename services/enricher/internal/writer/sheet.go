package writer

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
)

const (
	// sheetLines times a record of 1 KB is slabBytes. One that begins before that
	// may be of spareBytes before the slab has to grow.
	sheetLines = 256
	slabBytes  = 256 << 10
	spareBytes = 16 << 10
)

// sheet is the memory of some hundred records on their way to the dense log. It is
// used again once all of them were acknowledged; one with a record that failed is
// left to the collector of garbage, as the client may still be reading it.
type sheet struct {
	lines [sheetLines]appended
	used  int
	// slab is what values and headers are cut from. When it grows, earlier records
	// keep the memory that they have.
	slab []byte
	// holders is the number of records under way, and 1 for the worker.
	holders atomic.Int32
	spoiled atomic.Bool
	pool    *sheets
}

// appended is one record with what its promise needs.
type appended struct {
	record  kgo.Record
	headers [maxHeaders]kgo.RecordHeader
	pw      *partition
	next    int64
	counter prometheus.Counter
	events  float64
	promise func(*kgo.Record, error)
}

// sheets keeps sheets for their next use. It is safe for concurrent use.
type sheets struct{ pool sync.Pool }

// get returns a sheet that the caller holds until release.
func (p *sheets) get() *sheet {
	s, _ := p.pool.Get().(*sheet)
	if s == nil {
		s = &sheet{pool: p, slab: make([]byte, 0, slabBytes+spareBytes)}
		for i := range s.lines {
			a := &s.lines[i]
			a.promise = func(_ *kgo.Record, err error) { s.promised(a, err) }
		}
	}
	s.holders.Store(1)
	return s
}

func (s *sheet) full() bool {
	return s == nil || s.used == sheetLines || len(s.slab) >= slabBytes
}

// line returns the next record to fill, which must then be produced.
func (s *sheet) line() *appended {
	a := &s.lines[s.used]
	s.used++
	s.holders.Add(1)
	return a
}

// fill writes value and headers.
func (s *sheet) fill(a *appended, out *event.Enriched, at *position) {
	start := len(s.slab)
	b := out.Append(s.slab)
	a.record = kgo.Record{Value: b[start:len(b):len(b)]}
	a.record.Headers, s.slab = at.appendHeaders(a.headers[:0], b)
}

func (s *sheet) promised(a *appended, err error) {
	if err != nil {
		s.spoiled.Store(true)
	}
	a.pw.acknowledged(a, err)
	s.release()
}

// release gives up what one holder had.
func (s *sheet) release() {
	if s == nil || s.holders.Add(-1) > 0 || s.spoiled.Load() {
		return
	}
	for i := range s.lines[:s.used] {
		a := &s.lines[i]
		a.record, a.pw, a.counter = kgo.Record{}, nil, nil // nothing of theirs is kept alive
	}
	s.used = 0
	if s.slab = s.slab[:0]; cap(s.slab) > slabBytes+spareBytes {
		s.slab = make([]byte, 0, slabBytes+spareBytes)
	}
	s.pool.pool.Put(s)
}
