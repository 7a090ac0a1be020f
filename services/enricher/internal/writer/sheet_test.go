package writer

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/denselog"
)

// A sheet is emptied for its next use by whoever gives it up last, and never when
// one of its records failed.
func TestSheet_isUsedAgainOnceAllRecordsAreAcknowledged(t *testing.T) {
	for name, failure := range map[string]error{"acknowledged": nil, "failed": errors.New("refused")} {
		t.Run(name, func(t *testing.T) {
			var pool sheets
			pw := &partition{failure: make(chan error, 1), idle: make(chan struct{}, 1)}
			s := pool.get()
			var lines []*appended
			for i := range int64(3) {
				a := s.line()
				at := position{Position: denselog.Position{Src: i, Prev: i - 1, Outcome: event.Duplicate}, clock: 7}
				s.fill(a, &event.Enriched{Outcome: event.Duplicate, Project: "shop"}, &at)
				a.pw, a.next, a.events, a.counter = pw, i+1, 1, prometheus.NewCounter(prometheus.CounterOpts{Name: "n"})
				pw.inFlight.Add(1)
				lines = append(lines, a)
			}
			lines[0].promise(&lines[0].record, nil)
			s.release() // by the worker
			lines[1].promise(&lines[1].record, failure)
			if s.used != 3 || pw.inFlight.Load() != 1 {
				t.Fatalf("with a record under way %d lines, %d in flight", s.used, pw.inFlight.Load())
			}
			for i, a := range lines {
				p, err := parsePosition(&a.record)
				var e event.Enriched
				if err := errors.Join(err, e.Decode(a.record.Value)); err != nil || p.Src != int64(i) || p.Prev != int64(i)-1 || p.clock != 7 || e.Project != "shop" {
					t.Errorf("record %d is %+v, %+v, %v", i, p, e, err)
				}
			}
			lines[2].promise(&lines[2].record, nil)
			if emptied := s.used == 0 && lines[0].record.Value == nil; emptied != (failure == nil) {
				t.Errorf("emptied: %v", emptied)
			}
			acked, failed := pw.acked.Load(), len(pw.failure)
			if failure == nil && (acked != 3 || failed != 0) || failure != nil && (acked != 1 || failed != 1) {
				t.Errorf("acknowledged up to %d, %d failures", acked, failed)
			}
		})
	}
}

// A record larger than what is left takes memory of its own, and those before keep
// theirs.
func TestSheet_growsForALargeRecord(t *testing.T) {
	var pool sheets
	s := pool.get()
	at := position{Position: denselog.Position{Prev: -1, Outcome: event.Duplicate}}
	small, large := s.line(), s.line()
	s.fill(small, &event.Enriched{Outcome: event.Duplicate, Project: "first"}, &at)
	s.fill(large, &event.Enriched{Outcome: event.Duplicate, Project: string(make([]byte, 1<<20))}, &at)
	var e event.Enriched
	if err := e.Decode(small.record.Value); err != nil || e.Project != "first" {
		t.Errorf("%q, %v", e.Project, err)
	}
	if err := e.Decode(large.record.Value); err != nil || len(e.Project) != 1<<20 {
		t.Errorf("%d bytes, %v", len(e.Project), err)
	}
	if !s.full() {
		t.Error("takes more")
	}
	pw := &partition{failure: make(chan error, 1), idle: make(chan struct{}, 1)}
	pw.inFlight.Add(2)
	for _, a := range []*appended{small, large} {
		a.pw, a.counter = pw, prometheus.NewCounter(prometheus.CounterOpts{Name: "n"})
		a.promise(&a.record, nil)
	}
	s.release()
	if cap(s.slab) > slabBytes+spareBytes || s.full() {
		t.Errorf("keeps %d bytes", cap(s.slab))
	}
}
