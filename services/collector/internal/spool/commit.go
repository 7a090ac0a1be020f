package spool

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"
)

const (
	// commitBytes bounds what is gathered for one write. There are two at most: one
	// that is written and one that is gathered.
	commitBytes = 16 << 20
	// storedOverhead is what a record takes besides its key and value at most: the
	// stored key, two headers of 16 bytes with their names, lengths, the time.
	storedOverhead = 96
)

// Commit is the records of several requests that one synced write makes durable.
type Commit struct {
	batch *pebble.Batch
	count int
	bytes int64
	done  chan struct{}
	err   error // valid when done is closed

	key, value []byte // scratch
}

func newCommit() *Commit { return &Commit{batch: new(pebble.Batch), done: make(chan struct{})} }

// Done is closed when the records are synced, or will not be: see Err.
func (c *Commit) Done() <-chan struct{} { return c.done }

// Err says why the records are not synced. It is to be asked when Done is closed.
func (c *Commit) Err() error { return c.err }

// write makes one commit after the other durable, each with all that came while
// the one before it was written, until the spool is closed.
func (s *Spool) write() {
	defer close(s.committed)
	for range s.commits {
		s.mu.Lock()
		c := s.open
		if c.count == 0 {
			s.mu.Unlock()
			continue
		}
		s.open, s.writing = newCommit(), time.Now()
		s.mu.Unlock()

		c.err = s.store.write(c.batch)
		if c.err != nil {
			s.fail(c.err)
		} else {
			s.metrics.in.Add(float64(c.count))
		}
		s.mu.Lock()
		s.writing = time.Time{}
		for i := range s.lanes {
			if s.lanes[i].waits {
				select {
				case s.lanes[i].wake <- struct{}{}:
				default:
				}
			}
		}
		s.mu.Unlock()
		close(c.done)
	}
}

// Close writes what was taken and gives the directory back. Records that wait
// stay in it for the next start. Nothing is drained any more when it is called.
func (s *Spool) Close() error {
	s.mu.Lock()
	s.closed = true
	records, bytes := s.records, s.bytes
	s.mu.Unlock()
	select { // a last round for what is gathered
	case s.commits <- struct{}{}:
	default:
	}
	close(s.commits)
	if records > 0 {
		s.log.Warn("events stay in the spool and are sent after the next start", zap.Int("events", records), zap.Int64("bytes", bytes))
	}
	select {
	case <-s.stopped: // the engine would wait for what it cannot write
		return nil
	default:
	}
	s.store.closing.Store(true)
	select {
	case <-s.committed:
	case <-time.After(closeTime):
		return errors.New("close spool: a write does not end")
	}
	if err := s.store.close(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}
