package publish

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/collector/internal/budget"
	"touchline.dev/services/collector/internal/spool"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
)

// BenchmarkSend sends batches to a broker that works, by 32 clients, without a
// spool and with one that is not needed. CPU and allocations are those of client
// and broker together.
func BenchmarkSend(b *testing.B) {
	cluster := kafkatest.Start(b)
	for _, size := range []int{1, 50} {
		for _, with := range []bool{false, true} {
			b.Run(fmt.Sprintf("events=%d/spool=%v", size, with), func(b *testing.B) {
				client, err := kafka.NewProducer(cluster.Kafka, cluster.Deps, "bench", kafka.Producing{
					Linger: 2 * time.Millisecond, MaxBufferedBytes: 1 << 30, MaxBufferedRecords: 1 << 20, GiveUpAfter: 4 * time.Second,
				})
				if err != nil {
					b.Fatal(err)
				}
				defer client.Close()
				var waiting *spool.Spool
				if with {
					cfg := spool.Default()
					cfg.Dir = b.TempDir()
					deps := telemetry.Deps{Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now}
					if waiting, err = spool.Open(cfg, deps); err != nil {
						b.Fatal(err)
					}
					defer func() {
						if err := waiting.Close(); err != nil {
							b.Error(err)
						}
					}()
				}
				p := New(Config{Topic: topics.Raw, Linger: 2 * time.Millisecond, AckTimeout: 4 * time.Second, SpoolAfter: time.Second},
					client, budget.New(1<<30), prometheus.NewHistogram(prometheus.HistogramOpts{Name: "acks"}), waiting)
				body := []byte(`{"type":"track","event":"Order Completed","properties":{"order_id":"50314b8e9bcf000000000000","total":27.5,"currency":"USD"}}`)
				shared := event.Raw{Project: "shop", Protocol: "segment", Endpoint: "batch", ReceivedAt: 1795290315405}
				envelope := shared.Append(nil)
				b.SetParallelism(16)
				b.ReportAllocs()
				before := cpu(b)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						batch := p.Batch(size, size*(len(body)+len(envelope)+ItemBytes+64))
						for i := range size {
							batch.Add(&Event{Project: "shop", ReceivedAt: shared.ReceivedAt, Envelope: envelope, Item: event.Raw{Index: uint32(i), Event: body}, AnonymousID: []byte("device")})
						}
						if err := batch.Send(); err != nil {
							b.Error(err)
						}
					}
				})
				b.StopTimer()
				b.ReportMetric((cpu(b)-before)/float64(b.N*size), "cpu-ns/event")
			})
		}
	}
}
