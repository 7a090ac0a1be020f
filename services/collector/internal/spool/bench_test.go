package spool_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkDivert takes batches from 32 clients while Kafka is away: encoding,
// and a sync that those share who come together.
func BenchmarkDivert(b *testing.B) {
	for _, size := range []int{1, 50} {
		b.Run(fmt.Sprintf("events=%d", size), func(b *testing.B) {
			l := &log{}
			o := open(b, b.TempDir(), l)
			o.Partitions(12)
			records, chosen := make([]kgo.Record, size), all(size)
			for i := range records {
				records[i] = record(fmt.Sprint("shop/d/device-", i), strings.Repeat("v", 600))
			}
			b.SetParallelism(16)
			b.ReportAllocs()
			before := cpu(b)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					c, err := o.Divert(records, chosen)
					if err != nil {
						b.Error(err)
						return
					}
					<-c.Done()
				}
			})
			b.StopTimer()
			b.ReportMetric((cpu(b)-before)/float64(b.N*size), "cpu-ns/event")
			l.set(true)
		})
	}
}

// cpu is the user and system time of the process so far, in nanoseconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}
