// Package kafkatest gives tests a broker of their own that speaks the real Kafka
// protocol, with the declared topics, and small helpers to write and read them.
// It is imported by tests only.
package kafkatest

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/services/internal/embedded/broker"
	"touchline.dev/services/internal/kafka"
)

// Cluster is a broker that ends with the test.
type Cluster struct {
	*broker.Broker
	// Kafka is how clients connect to it.
	Kafka kafka.Config
	Deps  kafka.Deps
}

// Start starts an in-memory broker with every declared topic.
func Start(t testing.TB) *Cluster {
	t.Helper()
	deps := kafka.Deps{Log: zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))}
	b, err := broker.Start(t.Context(), broker.Config{Listen: "127.0.0.1:0"}, deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &Cluster{Broker: b, Kafka: b.Config(), Deps: deps}
}

// Client returns a client that takes each record's own partition when producing.
func (c *Cluster) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.Kafka.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// ReadAll returns the records that a partition holds now, in order.
func (c *Cluster) ReadAll(t testing.TB, topic string, partition int32) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cl := c.Client(t)
	start, end, err := kafka.Bounds(ctx, cl, topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	var recs []*kgo.Record
	err = kafka.Scan(ctx, c.Kafka, c.Deps, topic, partition, start, end, func(r *kgo.Record) error {
		recs = append(recs, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

// Eventually waits until cond returns true and fails the test with what it waits
// for after 30 seconds.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 30s for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
