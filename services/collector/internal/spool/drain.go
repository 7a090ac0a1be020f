package spool

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

const (
	// drainBytes is what all lanes together have on the way, and laneBytes what one
	// has at most: larger chunks are not faster.
	drainBytes = 16 << 20
	laneBytes  = 1 << 20
	// A chunk that was not acknowledged is sent again after a pause.
	leastPause = 50 * time.Millisecond
	mostPause  = time.Second
)

// DrainBytes is how many bytes of records may be with the producer at a time, if
// no record is larger than its lane's share.
const DrainBytes = drainBytes

// Run sends what waits until ctx ends, and returns nil when everything that was
// handed to produce has come back. It returns an error when the spool has failed:
// the process should end then, and starts with what is on disk. It runs once.
func (s *Spool) Run(ctx context.Context, produce Produce) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var drains sync.WaitGroup
	s.mu.Lock()
	s.start = func(n int) {
		drains.Go(func() {
			if err := s.drain(ctx, n, produce); err != nil {
				s.fail(err)
			}
		})
	}
	for n := range s.lanes {
		if s.lanes[n].waits {
			s.start(n)
		}
	}
	s.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-s.stopped:
	}
	s.mu.Lock()
	s.start = nil
	err := s.failure
	s.mu.Unlock()
	cancel()
	if err != nil { // a drain may wait for an engine that does not go on
		return fmt.Errorf("spool: %w", err)
	}
	drains.Wait()
	return nil
}

// drain sends what waits in a lane, chunk by chunk, until nothing does: then the
// lane is direct again. A chunk is deleted when all of it is acknowledged, and
// sent again as a whole otherwise.
func (s *Spool) drain(ctx context.Context, n int, produce Produce) error {
	s.mu.Lock()
	l := &s.lanes[n] // lanes are not replaced while one waits
	share := min(laneBytes, drainBytes/int64(len(s.lanes)))
	s.mu.Unlock()
	for ctx.Err() == nil {
		s.mu.Lock()
		if l.count == 0 {
			s.direct(l)
			s.mu.Unlock()
			if s.Busy() {
				return nil
			}
			return s.store.reclaim(ctx)
		}
		from := l.head
		s.mu.Unlock()

		c, err := s.store.read(n, from, share)
		if err != nil {
			return err
		}
		if len(c.records) == 0 { // still being written
			select {
			case <-l.wake:
			case <-ctx.Done():
			}
			continue
		}
		s.mu.Lock()
		l.oldest = c.oldest
		s.mu.Unlock()
		if !s.deliver(ctx, n, c.records, produce) {
			break
		}
		if err := s.store.remove(n, c.first, c.last); err != nil {
			return err
		}
		s.metrics.out.Add(float64(len(c.records)))
		s.mu.Lock()
		l.head = c.last + 1
		l.count -= len(c.records)
		s.records -= len(c.records)
		s.bytes -= c.bytes
		s.drained += len(c.records)
		s.mu.Unlock()
	}
	return nil
}

// deliver sends records until all are acknowledged, and reports whether they are:
// not when ctx has ended.
func (s *Spool) deliver(ctx context.Context, n int, records []kgo.Record, produce Produce) bool {
	for pause := leastPause; ctx.Err() == nil; pause = min(2*pause, mostPause) {
		err := produce(ctx, records)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			break
		}
		s.metrics.failures.Inc()
		if pause == leastPause { // one line for each chunk
			s.log.Warn("events in the spool are not acknowledged, and sent again", zap.Int("partition", n), zap.Error(err))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return false
}

// direct ends the waiting of a lane that is empty. Nothing can have come between:
// what comes is added under the lock that the caller holds.
func (s *Spool) direct(l *lane) {
	l.waits = false
	if s.busy.Add(-1) > 0 {
		return
	}
	s.log.Info("the spool is empty: events go to Kafka directly", zap.Int("drained", s.drained))
	s.refusing = false
	s.layout()
}
