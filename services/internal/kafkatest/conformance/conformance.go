// Package conformance proves, on a running broker, each behaviour of Kafka that
// Touchline's promises rest on. It runs on the embedded broker and on Apache
// Kafka, so that a test on the one says something about the other. It is imported
// by tests only.
//
// Where the two differ, only what both do is relied upon:
//
//   - The embedded broker keeps the time that the producer gave to a record. It runs
//     on the producer's host, so the clock is the same one.
//   - After a kill, the embedded broker does not know what producers sent before, and
//     stores a batch again whose answer was lost. Readers pass over such repeats: by
//     the mark in the dense log, by the receipt in the raw log.
//   - Apache Kafka stores a commit of several partitions whole or not at all, because
//     it is one batch of one log. The embedded broker writes partition by partition,
//     and a kill leaves a part. On both, a partition that is refused for itself leaves
//     the others stored. So a commit is complete for each partition only.
//   - Apache Kafka alone refuses metadata of more than 4,096 bytes.
package conformance

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// Cluster is a running cluster to test.
type Cluster interface {
	Config() kafka.Config
	// IDs are the ids of its brokers.
	IDs() []int32
	// Kill ends brokers as a crash of the process does; Revive starts them again
	// under their addresses and with their data. No id means all.
	Kill(ids ...int32) error
	Revive(ids ...int32) error
	// Clean starts a round of retention and compaction, unless such rounds run by
	// themselves every second or so.
	Clean() error
}

// Kind is what broker the cluster consists of.
type Kind int

// The kinds.
const (
	Embedded Kind = iota
	Apache
)

// behaviour is something that a broker does, and why that matters.
type behaviour struct {
	name  string
	why   string
	prove func(t *testing.T, s *site)
}

// Exercise proves every behaviour of that kind of broker, each as a subtest. The
// cluster must be fresh; its brokers are killed and revived on the way, and run
// when it returns.
func Exercise(t *testing.T, c Cluster, k Kind) {
	run(t, c, k, common())
	if k == Apache {
		run(t, c, k, apacheOnly())
	}
}

func common() []behaviour {
	return []behaviour{
		{"declared topics are as declared",
			"kafka.Require lets a service start only when the broker reports the settings that were asked for",
			declaredTopics},
		{"topic id is stable until the topic is made again",
			"an offset means something only together with the topic's id, which is how a recreated topic is noticed",
			topicIDs},
		{"both clients choose the same partition for a key",
			"per-key order needs every producer to agree, and tools on the second client must find a key where franz-go put it",
			partitionChoice},
		{"lost acknowledgements neither double nor reorder",
			"a producer repeats a batch whose answer it did not get, and the dense log must not show that",
			lostAcknowledgements},
		{"a kill of the broker neither loses nor reorders",
			"what a collector has answered 202 to must be in the log after any crash",
			killWhileProducing},
		{"a refused batch leaves a hole that a reader detects and a redo fills",
			"later batches of a burst are stored although an earlier one was refused; only the reader's check of prev keeps the mark honest",
			refusedBatch},
		{"commits of a stale session are refused",
			"a process that was paused longer than its session must not overwrite what its successor has committed",
			staleSessions},
		{"a commit for a lost partition is taken by the broker and stopped by us",
			"the broker fences members, not partitions, so the ownership check is ours to make",
			lostPartition},
		{"commit metadata survives the kill of the broker",
			"the intent in the metadata is what a successor repeats an insert from",
			metadataAfterKill},
		{"a commit of several partitions is told apart by partition",
			"one request carries the commits of many workers, of which each must learn its own fate",
			severalPartitions},
		{"offsets go both ways between the clients",
			"touchline reset and touchline audit read and write commits with the second client, and only while the group is empty",
			offsetsOfBothClients},
		{"retention moves the start of the log and never gives an offset twice",
			"offsets identify rows for ever, and a reader that is too late must get an error rather than a jump",
			retention},
		{"compaction keeps the last value of each key at its offset",
			"profiles are restored from compacted topics",
			compaction},
	}
}

func apacheOnly() []behaviour {
	return []behaviour{
		{"records carry the broker's time",
			"lag and dedup windows are in append time, whatever a client's clock says",
			appendTime},
		{"a commit of several partitions is whole after a kill",
			"nothing relies on it: it is how the broker is known to behave",
			wholeCommits},
		{"metadata has a limit",
			"a checkpoint that grew beyond it would stop its partition",
			metadataLimit},
	}
}

func run(t *testing.T, c Cluster, k Kind, behaviours []behaviour) {
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			s := newSite(t, c, k)
			began := time.Now()
			b.prove(t, s)
			if t.Failed() {
				t.Fatalf("it matters because %s", b.why)
			}
			t.Logf("proven in %s, because %s", time.Since(began).Round(10*time.Millisecond), b.why)
		})
	}
}

// site is a cluster with what a behaviour needs to look at it.
type site struct {
	Cluster
	kind Kind
	// reach has the helpers that all tests with a broker use.
	reach *kafkatest.Cluster
	cl    *kgo.Client
	adm   *kadm.Client
	// name is a name for topics and groups of this behaviour alone.
	name string
}

func newSite(t *testing.T, c Cluster, k Kind) *site {
	reach := &kafkatest.Cluster{
		Kafka: c.Config(),
		// That a killed broker does not answer is no news.
		Deps: kafka.Deps{Log: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel))},
	}
	s := &site{Cluster: c, kind: k, reach: reach}
	var err error
	if s.cl, err = kafka.NewClient(reach.Kafka, reach.Deps, "conformance", kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.cl.Close)
	s.adm = kadm.NewClient(s.cl)
	_, name, _ := strings.Cut(t.Name(), "/")
	s.name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r == '_' {
			return r
		}
		return -1
	}, name)
	return s
}

// topic creates a topic that has a replica on every broker and is otherwise like
// the declared ones; settings are pairs of key and value. It returns the name.
func (s *site) topic(t *testing.T, suffix string, partitions int32, settings ...string) string {
	t.Helper()
	name := s.name + suffix
	configs := map[string]*string{"message.timestamp.type": new("LogAppendTime")}
	for i := 0; i < len(settings); i += 2 {
		configs[settings[i]] = new(settings[i+1])
	}
	if _, err := s.adm.CreateTopic(t.Context(), partitions, int16(len(s.IDs())), configs, name); err != nil {
		t.Fatalf("create topic: %v", err)
	}
	s.awaitLeaders(t, name)
	return name
}

// awaitLeaders waits until every partition of the topic has a leader.
func (s *site) awaitLeaders(t *testing.T, topic string) {
	t.Helper()
	s.eventually(t, "leaders of "+topic, func(ctx context.Context) bool {
		ends, err := s.adm.ListEndOffsets(ctx, topic)
		return err == nil && ends.Error() == nil
	})
}

// waitTime is what a cluster gets to recover on a machine that does other things.
const waitTime = 90 * time.Second

// eventually waits until cond is true. Its context ends with the wait.
func (s *site) eventually(t *testing.T, what string, cond func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	for !cond(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %s for %s", waitTime, what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// restart kills the whole cluster and starts it again.
func (s *site) restart(t *testing.T) {
	t.Helper()
	must(t, s.Kill())
	must(t, s.Revive())
}

// write appends a record to partition 0 and returns it as it was stored.
func (s *site) write(t *testing.T, topic, key, value string) *kgo.Record {
	t.Helper()
	r := &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}
	must(t, s.cl.ProduceSync(t.Context(), r).FirstErr())
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
