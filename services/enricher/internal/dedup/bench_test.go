package dedup_test

import (
	"encoding/binary"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/internal/telemetry"
)

// BenchmarkIndex looks up and adds b.N events in 4 partitions in turn, as the
// writer does: a First and an Add each, and an Apply for every 1,000. The CPU time
// is that of the process, so it includes writing and merging the tables. An index
// that was reopened holds a million entries of each partition already.
func BenchmarkIndex(b *testing.B) {
	for _, c := range []struct {
		name    string
		stored  int
		days    int64
		repeats int // in a hundred
	}{
		{"new", 0, 1, 0},
		{"repeats", 0, 1, 5},
		{"reopened", 1_000_000, 1, 0},
		{"reopened-window", 1_000_000, 9, 5},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			s := openBench(b, dir)
			n := uint64(0)
			first := base - c.days*day
			for p := range int32(partitions) {
				x := benchIndex(b, s, p)
				for i := range c.stored {
					x.Add(spread(n), int64(i), first+int64(i)*c.days*day/int64(c.stored))
					n++
					if i%1000 == 999 {
						if err := x.Apply(int64(i)+1, first+int64(i)*c.days*day/int64(c.stored)); err != nil {
							b.Fatal(err)
						}
					}
				}
				closeIndex(b, x)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			s = openBench(b, dir)
			var indexes [partitions]*dedup.Index
			for p := range int32(partitions) {
				indexes[p] = benchIndex(b, s, p)
			}
			opened := time.Since(start)
			rnd := rand.New(rand.NewPCG(1, 2))
			before, found := cpu(b), 0
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				x := indexes[i/1000%partitions]
				offset := int64(c.stored + i)
				id := spread(n + uint64(i))
				if c.repeats > 0 && rnd.IntN(100) < c.repeats && i > 0 {
					id = spread(n + rnd.Uint64N(uint64(i)))
				}
				_, ok, err := x.First(id, offset, base)
				if err != nil {
					b.Fatal(err)
				}
				if ok {
					found++
				} else {
					x.Add(id, offset, base)
				}
				if i%1000 == 999 {
					if err := x.Apply(offset+1, base); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.StopTimer()
			for _, x := range indexes {
				closeIndex(b, x)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/event")
			b.ReportMetric(float64(opened.Milliseconds()), "ms/open")
			if c.repeats == 0 && found > 0 || c.repeats > 0 && b.N > 1000 && found == 0 {
				b.Errorf("%d of %d events repeat others", found, b.N)
			}
		})
	}
}

const partitions = 4

// spread returns the nth of ids that are all different.
func spread(n uint64) (id [dedup.IDBytes]byte) {
	binary.BigEndian.PutUint64(id[:], n*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

func openBench(b *testing.B, dir string) *dedup.Store {
	b.Helper()
	s, err := dedup.Open(dir, 0, telemetry.Deps{Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth()})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func benchIndex(b *testing.B, s *dedup.Store, n int32) *dedup.Index {
	b.Helper()
	x, err := s.Partition(logOf(1, 0), n)
	if err != nil {
		b.Fatal(err)
	}
	return x
}

func closeIndex(b *testing.B, x any) {
	b.Helper()
	if c, ok := x.(interface{ Close() error }); ok {
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
