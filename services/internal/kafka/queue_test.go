package kafka_test

import (
	"context"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// counted is a connection that counts what is read from it.
type counted struct {
	net.Conn
	read *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Add(int64(n))
	return n, err
}

// counting returns Deps whose connections add to read.
func counting(c *kafkatest.Cluster, read *atomic.Int64) kafka.Deps {
	d := c.Deps
	d.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return counted{conn, read}, err
	}
	return d
}

// fill writes n records of 10 kB of noise to each partition, which no compression
// makes smaller, ten a batch.
func fill(t testing.TB, c *kafkatest.Cluster, partitions int32, n int) (bytes int64) {
	t.Helper()
	cl := c.Client(t)
	noise := rand.NewChaCha8([32]byte{1})
	var recs []*kgo.Record
	for p := range partitions {
		for i := range n {
			value := make([]byte, 10_000)
			if _, err := noise.Read(value); err != nil {
				t.Fatal(err)
			}
			recs = append(recs, &kgo.Record{Topic: topics.Raw, Partition: p, Value: value})
			bytes += int64(len(value))
			if len(recs) == 10 || i == n-1 {
				if err := cl.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
					t.Fatal(err)
				}
				recs = recs[:0]
			}
		}
	}
	return bytes
}

// A worker that stands still holds little, keeps nobody from going on, and costs
// nothing: what was fetched is not thrown away.
func TestGroup_boundsWhatWaits(t *testing.T) {
	const partitions, n, queue = 4, 600, 2 << 20
	c := kafkatest.Start(t)
	total := fill(t, c, partitions, n)
	var read, others, slow atomic.Int64
	release := make(chan struct{})
	o := options(func(ctx context.Context, p *kafka.Partition) error {
		p.Start(0)
		if p.ID() == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-p.Draining():
				return kafka.ErrDraining
			case <-release:
			}
		}
		for {
			recs, err := p.Poll(ctx, time.Second)
			if err != nil {
				return err
			}
			if p.ID() == 0 {
				slow.Add(int64(len(recs)))
			} else {
				others.Add(int64(len(recs)))
			}
		}
	})
	o.QueueBytes = queue
	d := *c
	d.Deps = counting(c, &read)
	runGroup(t, &d, o)

	kafkatest.Eventually(t, "the other partitions to be read", func() bool { return others.Load() == (partitions-1)*n })
	// The one that stands still has its share of the queue, one piece beyond it,
	// and one that the client holds.
	const pieces = 2 * 256 << 10
	if held := read.Load() - total*(partitions-1)/partitions; held > queue/partitions+pieces+1<<20 {
		t.Errorf("%d bytes were read beyond what the others needed", held)
	}
	close(release)
	kafkatest.Eventually(t, "every record", func() bool { return slow.Load() == n })
	if got := read.Load(); got > total+total/20+1<<20 {
		t.Errorf("%d bytes were read of a log of %d", got, total)
	}
}

// While every worker has enough waiting, the client is not asked for more.
func TestGroup_fetchesWhatIsNeeded(t *testing.T) {
	const partitions, n, queue = 4, 600, 16 << 20
	c := kafkatest.Start(t)
	fill(t, c, partitions, n)
	var read atomic.Int64
	o := options(func(ctx context.Context, p *kafka.Partition) error {
		p.Start(0)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.Draining():
			return kafka.ErrDraining
		}
	})
	o.QueueBytes = queue
	d := *c
	d.Deps = counting(c, &read)
	runGroup(t, &d, o)
	const enough = queue / 4 // a quarter of its share for each partition
	kafkatest.Eventually(t, "enough to wait", func() bool { return read.Load() > enough })
	last, still := int64(0), 0
	kafkatest.Eventually(t, "the client to rest", func() bool {
		if now := read.Load(); now != last {
			last, still = now, 0
		}
		still++
		return still > 40
	})
	const pieces = (partitions + partitions) * 256 << 10 // beyond it, and held by the client
	const underWay = enough                              // was asked for before the rest had come
	if got := read.Load(); got > enough+underWay+pieces {
		t.Errorf("%d bytes were read where %d are enough", got, enough)
	}
}

// BenchmarkGroup_Poll is what a record costs from the broker to the worker: b.N
// records of 750 bytes that compress five to one, in one process with the broker,
// whose CPU time is included.
func BenchmarkGroup_Poll(b *testing.B) {
	c := kafkatest.Start(b)
	cl := c.Client(b, kgo.ProducerBatchCompression(kgo.SnappyCompression()))
	noise := rand.New(rand.NewPCG(1, 2))
	var recs []*kgo.Record
	for i := range b.N {
		value := make([]byte, 750)
		for j := range 120 {
			value[j] = byte(noise.Uint32())
		}
		recs = append(recs, &kgo.Record{Topic: topics.Raw, Partition: int32(i % 4), Value: value})
		if len(recs) == 1000 || i == b.N-1 {
			if err := cl.ProduceSync(b.Context(), recs...).FirstErr(); err != nil {
				b.Fatal(err)
			}
			recs = recs[:0]
		}
	}
	done, got := make(chan struct{}), atomic.Int64{}
	g, err := kafka.NewGroup(c.Kafka, c.Deps, options(func(ctx context.Context, p *kafka.Partition) error {
		p.Start(0)
		for {
			recs, err := p.Poll(ctx, time.Second)
			if err != nil {
				return err
			}
			if n := int64(len(recs)); n > 0 && got.Add(n) == int64(b.N) {
				close(done)
			}
		}
	}))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime(b)
	go func() { ended <- g.Run(ctx) }()
	<-done
	b.StopTimer()
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/record")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
