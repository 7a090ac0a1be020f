// Package broker runs a Kafka broker inside the process: franz-go's kfake, which
// speaks the real protocol to any client, keeps its log in a directory and syncs
// every write before it acknowledges it.
//
// It has one broker and so no replicas: it survives a kill of the process, not
// the loss of the disk. Its transactions do not survive a kill, so nothing in
// Touchline uses transactions.
package broker

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
)

// Config configures the broker.
type Config struct {
	// Dir keeps the log; empty keeps it in memory, for tests.
	Dir string
	// Listen is the address clients connect to; port 0 takes a free one.
	Listen string
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
}

// offsetsRetentionMinutes keeps committed offsets for ten years: a laptop may
// stay closed for longer than the default of a week, and a lost offset stops the
// pipeline.
const offsetsRetentionMinutes = 10 * 365 * 24 * 60

// Start opens the log and listens. The declared topics exist when it returns,
// with topics.EmbeddedPartitions partitions unless they existed before.
func Start(ctx context.Context, c Config, d kafka.Deps) (*Broker, error) {
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("touchline"),
		kfake.BrokerConfigs(map[string]string{
			"offsets.retention.minutes": strconv.Itoa(offsetsRetentionMinutes),
			// How often retention and compaction run; the default is an hour.
			"log.cleaner.backoff.ms": "60000",
		}),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, c.Listen) }),
	}
	if c.Dir != "" {
		opts = append(opts, kfake.DataDir(c.Dir), kfake.SyncWrites())
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("start embedded broker: %w", err)
	}
	b := &Broker{cluster}
	if err := b.applyTopics(ctx, d); err != nil {
		cluster.Close()
		return nil, err
	}
	return b, nil
}

func (b *Broker) applyTopics(ctx context.Context, d kafka.Deps) error {
	cl, err := kafka.NewClient(b.Config(), d, "touchline-topics")
	if err != nil {
		return err
	}
	defer cl.Close()
	_, err = kafka.Apply(ctx, cl, topics.EmbeddedPartitions, 1)
	return err
}

// Config returns what a client needs to connect.
func (b *Broker) Config() kafka.Config { return kafka.Config{Brokers: b.cluster.ListenAddrs()} }

// Control gives access to kfake's fault injection, for tests.
func (b *Broker) Control() *kfake.Cluster { return b.cluster }

// Close stops the broker; everything acknowledged is on disk.
func (b *Broker) Close() { b.cluster.Close() }
