package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/services/internal/telemetry"
)

// ErrRefused says that the spool takes nothing more for now.
var ErrRefused = errors.New("the spool takes no more")

// Produce writes records to the log, in order, and returns nil when all of them
// are acknowledged. It may keep them longer than it runs.
type Produce func(ctx context.Context, records []kgo.Record) error

// Spool is the lanes of one directory. It may be used concurrently.
type Spool struct {
	cfg     Config
	log     *zap.Logger
	now     func() time.Time
	metrics *metrics
	disk    vfs.FS
	store   *store
	// partitioner hashes keys as the producer does.
	partitioner kgo.TopicPartitioner

	// busy is the number of lanes that wait.
	busy atomic.Int32
	// stopped is closed when the spool has failed; failure is set then.
	stopped chan struct{}
	// commits wakes the goroutine that writes.
	commits   chan struct{}
	committed chan struct{} // closed when that has ended

	mu    sync.Mutex // guards the following
	lanes []lane
	// partitions is how many lanes there are to be once nothing waits.
	partitions int
	open       *Commit // what is written next
	writing    time.Time
	records    int
	bytes      int64
	refusing   bool
	closed     bool
	failure    error
	// drained counts since the first lane began to wait.
	drained int
	start   func(n int) // starts the drain of a lane; nil before Run and after it
}

// lane is the records of one partition.
type lane struct {
	waits  bool
	next   uint64        // number of the next record
	head   uint64        // nothing before it is stored
	count  int           // records that are stored or are being written
	oldest int64         // when the first of them was appended, in milliseconds since 1970
	wake   chan struct{} // something was written
}

// Open opens the spool in a directory, or makes it, and reads it through. It is
// ErrInUse while another process has it, and ErrDiskFull with less than 32 MiB
// free. A store that cannot be read is renamed to dir.damaged-1, or the next free
// number, logged and counted, and a new one is begun. Run and Close must follow.
// The health check "spool" fails while events are refused.
func Open(cfg Config, deps telemetry.Deps) (*Spool, error) { return openOn(vfs.Default, cfg, deps) }

func openOn(disk vfs.FS, cfg Config, deps telemetry.Deps) (*Spool, error) {
	s := &Spool{
		disk: disk, cfg: cfg, log: deps.Log, now: deps.Now, metrics: newMetrics(),
		partitioner: kgo.StickyKeyPartitioner(nil).ForTopic(""),
		stopped:     make(chan struct{}), commits: make(chan struct{}, 1), committed: make(chan struct{}),
		open: newCommit(),
	}
	err := s.load()
	if errors.Is(err, ErrDamaged) {
		if err = s.setAside(err); err == nil {
			err = s.load()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open spool %s: %w", cfg.Dir, err)
	}
	if err := s.metrics.register(deps.Metrics, s); err != nil {
		return nil, errors.Join(fmt.Errorf("register spool metrics: %w", err), s.store.close())
	}
	deps.Health.Probe("spool", s.Trouble)
	go s.write()
	if s.records > 0 {
		s.log.Warn("events of an earlier run wait in the spool", zap.Int("events", s.records), zap.Int64("bytes", s.bytes))
	}
	return s, nil
}

// load opens the store and counts what waits in it.
func (s *Spool) load() (err error) {
	if s.store, err = openStore(s.cfg.Dir, uint64(s.cfg.MinFree), s.disk, s.fail); err != nil {
		return err
	}
	s.lanes, s.records, s.bytes = nil, 0, 0
	lanes, err := s.store.scan(func(n int, number uint64, millis, bytes int64) {
		s.resize(max(n+1, len(s.lanes)))
		l := &s.lanes[n]
		if l.count == 0 {
			l.waits, l.head, l.oldest = true, number, millis
		}
		l.next = number + 1
		l.count++
		s.records++
		s.bytes += bytes
	})
	if err == nil && s.records > 0 && (lanes < len(s.lanes) || lanes > maxLanes) {
		err = fmt.Errorf("records of %d lanes where there are %d: %w", len(s.lanes), lanes, ErrDamaged)
	}
	if err != nil {
		return errors.Join(err, s.store.close())
	}
	if s.records == 0 {
		lanes = 1
	}
	s.resize(lanes)
	s.partitions = lanes
	busy := int32(0)
	for i := range s.lanes {
		if s.lanes[i].waits {
			busy++
		}
	}
	s.busy.Store(busy)
	return nil
}

// setAside renames the directory of a store that cannot be read. What is in it
// was accepted and is not in the log: it is for an operator to know.
func (s *Spool) setAside(cause error) error {
	readable := s.records
	to, bytes, err := putAside(s.cfg.Dir)
	if err != nil {
		return fmt.Errorf("set damaged spool aside: %w", errors.Join(err, cause))
	}
	s.metrics.setAside.Inc()
	s.metrics.lostBytes.Add(float64(bytes))
	s.log.Error("the spool cannot be read and is set aside; events in it were accepted and are not in Kafka",
		zap.String("to", to), zap.Int64("bytes_on_disk", bytes), zap.Int("events_read_before_the_damage", readable), zap.Error(cause))
	return nil
}

// resize makes lanes, keeping those that are there.
func (s *Spool) resize(lanes int) {
	for len(s.lanes) < lanes {
		s.lanes = append(s.lanes, lane{wake: make(chan struct{}, 1)})
	}
}

// Partitions says how many partitions the topic has. The lanes follow once nothing
// waits: until then a key must not change its lane. Before it is known there is
// one, or as many as records were stored for.
func (s *Spool) Partitions(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions = min(max(n, 1), maxLanes)
	s.layout()
}

func (s *Spool) layout() {
	if s.busy.Load() > 0 || s.partitions == len(s.lanes) {
		return
	}
	s.lanes = nil
	s.resize(s.partitions)
}

// Busy reports whether anything waits. Who sees false may send directly: a record
// whose predecessor was taken by the spool, and answered, sees true until that has
// been acknowledged.
func (s *Spool) Busy() bool { return s.busy.Load() > 0 }

// Follow takes those of the records whose lanes wait, marks them, and returns
// their commit and number. Without any the commit is nil. It takes all of them or
// returns ErrRefused and none. The records are copied.
func (s *Spool) Follow(records []kgo.Record, taken []bool) (*Commit, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for i := range records {
		taken[i] = s.lanes[s.lane(&records[i])].waits
		if taken[i] {
			n++
		}
	}
	if n == 0 {
		return nil, 0, nil
	}
	c, err := s.append(records, taken)
	return c, n, err
}

// Divert takes the chosen records, whose lanes wait from now on. It takes all of
// them or returns ErrRefused and none. The records are copied.
func (s *Spool) Divert(records []kgo.Record, chosen []bool) (*Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.append(records, chosen)
}

func (s *Spool) lane(r *kgo.Record) int { return s.partitioner.Partition(r, len(s.lanes)) }

// append puts records into the commit that is written next. The order of numbers
// in a lane is the order of writing, so a reader never sees one without those
// before it.
func (s *Spool) append(records []kgo.Record, chosen []bool) (*Commit, error) {
	size := int64(0)
	for i := range records {
		if chosen[i] {
			size += int64(len(records[i].Key) + len(records[i].Value) + storedOverhead)
		}
	}
	if err := s.refusal(size); err != nil {
		s.metrics.shed.Inc()
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	c, millis := s.open, s.now().UnixMilli()
	if c.count == 0 {
		if err := c.batch.Set(layoutKey, binary.BigEndian.AppendUint16(nil, uint16(len(s.lanes))), nil); err != nil {
			return nil, fmt.Errorf("add to spool batch: %w", err)
		}
	}
	for i := range records {
		if !chosen[i] {
			continue
		}
		n := s.lane(&records[i])
		l := &s.lanes[n]
		c.key = recordKey(c.key[:0], n, l.next)
		c.value = appendRecord(c.value[:0], millis, &records[i])
		if err := c.batch.Set(c.key, c.value, nil); err != nil {
			return nil, fmt.Errorf("add to spool batch: %w", err)
		}
		bytes := int64(len(c.key) + len(c.value))
		if l.count == 0 {
			l.head, l.oldest = l.next, millis
		}
		l.next++
		l.count++
		s.records++
		s.bytes += bytes
		c.count++
		c.bytes += bytes
		s.wait(n)
	}
	select {
	case s.commits <- struct{}{}:
	default:
	}
	return c, nil
}

// wait makes a lane one that waits.
func (s *Spool) wait(n int) {
	l := &s.lanes[n]
	if l.waits {
		return
	}
	l.waits = true
	if s.busy.Add(1) == 1 {
		s.drained = 0
		s.log.Warn("Kafka does not acknowledge in time: events go to the spool", zap.Int("partition", n), zap.Int("partitions", len(s.lanes)))
	}
	if s.start != nil {
		s.start(n)
	}
}

// Trouble says why events are refused; nil while they are not. It is the health
// check, and looks only while something waits: a spool that nobody needs makes
// nobody unready.
func (s *Spool) Trouble() error {
	if !s.Busy() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusal(0)
}

// resume is the part of the watermark below which a spool that was full takes
// events again, so that it does not go to and fro with every chunk that leaves.
const resume = 0.8

// stalled is how long a write may take before the disk counts as one that takes
// none. Most SDKs for servers never send again what was refused, and a busy disk
// stands still for a second or two: requests wait for it rather than get 503.
const stalled = 3 * time.Second

// refusal says why more bytes are not taken.
func (s *Spool) refusal(more int64) error {
	err := s.trouble(more)
	if refusing := err != nil; refusing != s.refusing {
		s.refusing = refusing
		if refusing {
			s.log.Warn("the spool takes no more events", zap.Error(err))
		} else {
			s.log.Info("the spool takes events again")
		}
	}
	return err
}

func (s *Spool) trouble(more int64) error {
	part := s.cfg.Watermark
	if s.refusing {
		part *= resume
	}
	switch age := s.age(); {
	case s.failure != nil:
		return s.failure
	case s.closed:
		return errors.New("the collector is stopping")
	case float64(s.bytes) > part*float64(s.cfg.MaxBytes), s.bytes+more > int64(s.cfg.MaxBytes):
		return fmt.Errorf("%d MiB wait in it for Kafka, of at most %v", s.bytes>>20, s.cfg.MaxBytes)
	case age.Seconds() > part*s.cfg.MaxAge.Seconds():
		return fmt.Errorf("events wait in it for Kafka since %v, of at most %v", age.Round(time.Second), s.cfg.MaxAge)
	case !s.writing.IsZero() && time.Since(s.writing) > stalled:
		return fmt.Errorf("its disk has not taken a write for %v", time.Since(s.writing).Round(time.Second))
	case s.open.count > 0 && s.open.bytes+more > commitBytes:
		return errors.New("its disk does not keep up")
	}
	return s.store.room(s.store.minFree)
}

// age is how long the oldest record waits.
func (s *Spool) age() time.Duration {
	oldest := int64(0)
	for i := range s.lanes {
		if l := &s.lanes[i]; l.count > 0 && (oldest == 0 || l.oldest < oldest) {
			oldest = l.oldest
		}
	}
	if oldest == 0 {
		return 0
	}
	return max(0, s.now().Sub(time.UnixMilli(oldest)))
}

// status is what metrics show.
type status struct {
	records int
	bytes   int64
	busy    int
	age     time.Duration
}

func (s *Spool) status() status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return status{records: s.records, bytes: s.bytes, busy: int(s.busy.Load()), age: s.age()}
}

// fail notes what the spool cannot go on after: nothing more is taken, and Run
// returns it.
func (s *Spool) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = err
		close(s.stopped)
	}
}
