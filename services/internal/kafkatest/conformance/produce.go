package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

// stream produces numbered records to every partition of a topic, one after the
// other in each, with the producer of the services, until it is stopped.
type stream struct {
	topic      string
	partitions int32
	cl         *kgo.Client
	cancel     context.CancelFunc
	running    sync.WaitGroup

	mu    sync.Mutex
	sent  []int       // by partition
	acked []time.Time // by partition: when the last answer came
	gaps  []time.Duration
	count int
	errs  []error
}

// pace is how often a record is sent to each partition.
const pace = 2 * time.Millisecond

func (s *site) stream(t *testing.T, topic string, partitions int32, d kafka.Deps) *stream {
	t.Helper()
	cl, err := kafka.NewProducer(s.reach.Kafka, d, "stream", kafka.Producing{
		Linger: 2 * time.Millisecond, MaxBufferedBytes: 16 << 20, MaxBufferedRecords: 1 << 20, Manual: true,
	})
	must(t, err)
	t.Cleanup(cl.Close)
	st := &stream{topic: topic, partitions: partitions, cl: cl,
		sent: make([]int, partitions), acked: make([]time.Time, partitions), gaps: make([]time.Duration, partitions)}
	var ctx context.Context
	ctx, st.cancel = context.WithCancel(context.WithoutCancel(t.Context()))
	st.running.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for p := range partitions {
				st.send(p)
			}
		}
	})
	t.Cleanup(func() { st.cancel(); st.running.Wait() })
	return st
}

func (st *stream) send(p int32) {
	st.mu.Lock()
	number := st.sent[p]
	st.sent[p]++
	st.mu.Unlock()
	r := &kgo.Record{Topic: st.topic, Partition: p, Value: []byte(strconv.Itoa(number))}
	st.cl.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		st.mu.Lock()
		defer st.mu.Unlock()
		if err != nil {
			st.errs = append(st.errs, fmt.Errorf("record %d of partition %d: %w", number, p, err))
			return
		}
		now := time.Now()
		if !st.acked[p].IsZero() {
			st.gaps[p] = max(st.gaps[p], now.Sub(st.acked[p]))
		}
		st.acked[p] = now
		st.count++
	})
}

// answered returns how many records were acknowledged.
func (st *stream) answered() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.count
}

// answeredSince reports whether every partition has had an answer since then.
func (st *stream) answeredSince(since time.Time) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, at := range st.acked {
		if !at.After(since) {
			return false
		}
	}
	return true
}

// longestGap returns the longest time that a partition was without an answer.
func (st *stream) longestGap() (longest time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, gap := range st.gaps {
		longest = max(longest, gap)
	}
	return longest
}

// finish stops the stream, waits for all answers, and checks that each partition
// holds every record, in order, and how many are there again after they were read
// once.
func (st *stream) finish(t *testing.T, s *site) (repeats int) {
	t.Helper()
	st.cancel()
	st.running.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	if err := st.cl.Flush(ctx); err != nil {
		t.Fatalf("wait for the last answers: %v", err)
	}
	if err := errors.Join(st.errs...); err != nil {
		t.Fatalf("produce: %v", err)
	}
	for p := range st.partitions {
		next := 0
		var held []*kgo.Record
		// A broker that was paused takes itself for the leader until it hears
		// otherwise, and its log ends where it was paused.
		s.eventually(t, fmt.Sprintf("%d records of partition %d, which were acknowledged", st.sent[p], p), func(context.Context) bool {
			held = s.reach.ReadAll(t, st.topic, p)
			return len(held) >= st.sent[p]
		})
		for i, r := range held {
			number, err := strconv.Atoi(string(r.Value))
			must(t, err)
			if r.Offset != int64(i) {
				t.Fatalf("partition %d: offset %d is the log's number %d", p, r.Offset, i)
			}
			switch {
			case number == next:
				next++
			case number < next:
				repeats++
			default:
				t.Fatalf("partition %d: record %d follows %d at offset %d", p, number, next-1, r.Offset)
			}
		}
		if next != st.sent[p] {
			t.Errorf("partition %d holds %d records, %d were acknowledged", p, next, st.sent[p])
		}
	}
	t.Logf("%d records acknowledged, longest gap %s, %d stored again", st.count, st.longestGap().Round(10*time.Millisecond), repeats)
	return repeats
}

func killWhileProducing(t *testing.T, s *site) {
	topic := s.topic(t, "", 4)
	st := s.stream(t, topic, 4, s.reach.Deps)
	for round := range 2 {
		before := st.answered()
		s.eventually(t, "traffic", func(context.Context) bool { return st.answered() > before+1000 })
		s.restart(t)
		revived := time.Now()
		s.eventually(t, fmt.Sprintf("traffic after kill %d", round+1), func(context.Context) bool { return st.answeredSince(revived) })
	}
	if repeats := st.finish(t, s); repeats > 0 && s.kind == Apache {
		t.Errorf("%d records are there twice", repeats)
	}
}

func lostAcknowledgements(t *testing.T, s *site) {
	topic := s.topic(t, "", 4)
	var answers, lost atomic.Int64
	d := s.reach.Deps
	d.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &forgetful{Conn: conn, forgets: func() bool {
			if answers.Add(1)%10 != 0 {
				return false
			}
			lost.Add(1)
			return true
		}}, nil
	}
	st := s.stream(t, topic, 4, d)
	s.eventually(t, "20 lost answers", func(context.Context) bool { return lost.Load() >= 20 })
	if repeats := st.finish(t, s); repeats > 0 {
		t.Errorf("%d records are there twice", repeats)
	}
	t.Logf("%d of %d answers were lost", lost.Load(), answers.Load())
}

// forgetful is a connection that breaks after the broker has answered a produce
// request and before the client learns of it.
type forgetful struct {
	net.Conn
	forgets func() bool
	produce atomic.Bool
}

// Write sees whole requests: 4 bytes of length, then the number of the request's
// kind, which is 0 for produce.
func (f *forgetful) Write(b []byte) (int, error) {
	if len(b) >= 6 && b[4] == 0 && b[5] == 0 {
		f.produce.Store(true)
	}
	return f.Conn.Write(b)
}

func (f *forgetful) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if n > 0 && f.produce.Load() && f.forgets() {
		f.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

// Sizes that make each record a batch of its own, and one of them too large:
// two small ones do not fit into a batch, and a large one fits, but is more than
// the topic takes.
const (
	burstBatch = 4000
	burstSmall = 2500
	burstLimit = 3000
	burstLarge = 3600
)

// refusedBatch writes a dense log the way a writer does that hands over records
// faster than it looks at the answers.
func refusedBatch(t *testing.T, s *site) {
	topic := s.topic(t, "", 1, "max.message.bytes", strconv.Itoa(burstLimit))
	const n, tooLarge, behind = 60, 20, 40
	b := &burst{refused: make(map[int64]error)}
	var err error
	b.cl, err = kafka.NewClient(s.reach.Kafka, s.reach.Deps, "burst", kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(burstBatch), kgo.ProducerLinger(0))
	must(t, err)
	t.Cleanup(b.cl.Close)

	b.write(t, topic, 0, tooLarge, burstSmall)
	b.write(t, topic, tooLarge, tooLarge+1, burstLarge)
	b.write(t, topic, tooLarge+1, behind, burstSmall)
	// The client refuses what it holds of the partition, and takes what comes next.
	s.eventually(t, "the refusal", func(context.Context) bool { return errors.Is(b.answer(tooLarge), kerr.MessageTooLarge) })
	b.write(t, topic, behind, n, burstSmall)
	must(t, b.cl.Flush(t.Context()))
	for src := range int64(n) {
		if err := b.answer(src); err != nil && (src < tooLarge || src >= behind) {
			t.Fatalf("record %d was refused with %v: no hole, nothing to prove", src, err)
		}
	}
	mark, taken, holes := s.readDense(t, topic)
	if taken != tooLarge || mark.Src() != tooLarge-1 || holes < n-behind {
		t.Errorf("took %d up to %d with %d beyond the hole, want %d, %d and at least %d",
			taken, mark.Src(), holes, tooLarge, tooLarge-1, n-behind)
	}
	t.Logf("refused %d records, stored %d beyond the hole", len(b.refused), holes)

	// The writer starts again at what it had committed, which lies before the hole.
	b.refused = make(map[int64]error)
	b.write(t, topic, tooLarge-5, n, burstSmall)
	must(t, b.cl.Flush(t.Context()))
	if len(b.refused) > 0 {
		t.Fatalf("records of the redo were refused: %v", b.refused)
	}
	if mark, taken, _ := s.readDense(t, topic); taken != n || mark.Src() != n-1 {
		t.Errorf("after the redo took %d up to %d, want %d", taken, mark.Src(), n)
	}
}

// burst is a writer of a dense log that waits for no answer.
type burst struct {
	cl      *kgo.Client
	mu      sync.Mutex
	refused map[int64]error
}

// write hands over the records of the source offsets from..to-1.
func (b *burst) write(t *testing.T, topic string, from, to int64, size int) {
	for src := from; src < to; src++ {
		r := &kgo.Record{Topic: topic, Value: make([]byte, size),
			Headers: denselog.Position{Src: src, Prev: src - 1, Outcome: event.Stored}.Headers()}
		b.cl.Produce(t.Context(), r, func(_ *kgo.Record, err error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if err != nil {
				b.refused[src] = err
			}
		})
	}
}

func (b *burst) answer(src int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused[src]
}

// readDense reads a dense log as landing does, and checks that what is taken is
// every source record, once and in order.
func (s *site) readDense(t *testing.T, topic string) (mark denselog.Mark, taken, holes int) {
	t.Helper()
	mark = denselog.NewMark(denselog.None)
	for _, r := range s.reach.ReadAll(t, topic, 0) {
		p, err := denselog.Parse(r)
		must(t, err)
		switch mark.Judge(p, r.Timestamp) {
		case denselog.Take:
			if p.Src != int64(taken) {
				t.Fatalf("took record %d as number %d", p.Src, taken)
			}
			taken++
		case denselog.Hole:
			holes++
		case denselog.Repeat:
		}
	}
	return mark, taken, holes
}
