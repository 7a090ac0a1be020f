package kafka

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/config"
)

// Config says where the brokers are.
type Config struct {
	Brokers []string `yaml:"brokers" doc:"Kafka brokers to start from, host:port."`
}

// Default returns the configuration of a broker on this host.
func Default() Config { return Config{Brokers: []string{"127.0.0.1:9092"}} }

// Validate reports every problem of the configuration.
func (c Config) Validate() error {
	var p config.Problems
	if len(c.Brokers) == 0 {
		p.Addf("brokers", "names no broker")
	}
	for _, b := range c.Brokers {
		if _, port, err := net.SplitHostPort(b); err != nil || port == "" || strings.ContainsAny(b, " \t") {
			p.Addf("brokers", "%q is not host:port", b)
		}
	}
	return p.Err()
}

// Deps is what clients need besides their configuration.
type Deps struct {
	Log *zap.Logger
	// Dial opens connections to brokers; nil means the network. On each of them the
	// broker is greeted before the client has it.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A paused broker keeps its connections, so a request to it ends only by its
// time-out. With the library's defaults (10 s + 10 s) such a broker froze its
// partitions for 20 s; with these the client looks for the new leader after 3 s.
// New connections to it end as said at dialer.
const (
	produceTimeout  = 2 * time.Second
	requestOverhead = 1 * time.Second
)

func (c Config) options(d Deps, id string) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(id),
		kgo.RequestTimeoutOverhead(requestOverhead),
		kgo.RetryBackoffFn(func(tries int) time.Duration {
			return min(time.Second, 50*time.Millisecond<<min(tries, 5))
		}),
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.Dialer(newDialer(d.Dial).DialContext),
	}
}

// NewClient returns a client for requests that are neither the data path's
// producing nor its consuming: metadata, offsets, topics. Further options are
// added to those of every client.
func NewClient(c Config, d Deps, id string, further ...kgo.Opt) (*kgo.Client, error) {
	cl, err := kgo.NewClient(append(c.options(d, id), further...)...)
	if err != nil {
		return nil, fmt.Errorf("make kafka client %s: %w", id, err)
	}
	return cl, nil
}

// Producing says how NewProducer batches.
type Producing struct {
	// Linger is how long a batch waits for more records.
	Linger time.Duration
	// MaxBufferedBytes bounds the records not yet acknowledged; producing blocks
	// beyond it.
	MaxBufferedBytes int
	// MaxBufferedRecords bounds their number.
	MaxBufferedRecords int
	// Manual takes each record's own Partition instead of hashing its key.
	Manual bool
	// GiveUpAfter fails records that were not acknowledged so long after their
	// Timestamp, which is the time of producing unless the record has one; 0 tries
	// for ever. A record that failed may still have been written.
	GiveUpAfter time.Duration
}

// NewProducer returns an idempotent producer: acknowledged by all in-sync
// replicas, snappy, in order within each partition. Keys are hashed the way of
// the Java client, so every client agrees on a key's partition.
func NewProducer(c Config, d Deps, id string, p Producing) (*kgo.Client, error) {
	opts := append(c.options(d, id),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.ProducerLinger(p.Linger),
		kgo.ProducerBatchMaxBytes(topics.MaxRecordBytes),
		kgo.ProduceRequestTimeout(produceTimeout),
		kgo.MaxBufferedRecords(p.MaxBufferedRecords),
		kgo.MaxBufferedBytes(p.MaxBufferedBytes),
		kgo.UnknownTopicRetries(-1),
	)
	if p.Manual {
		opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	if p.GiveUpAfter > 0 {
		opts = append(opts, kgo.RecordDeliveryTimeout(p.GiveUpAfter))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("make kafka producer %s: %w", id, err)
	}
	return cl, nil
}
