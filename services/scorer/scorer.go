package scorer

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/scorer/internal/fold"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/history"
	"touchline.dev/services/scorer/internal/profile"
	"touchline.dev/services/scorer/internal/rows"
	"touchline.dev/services/scorer/internal/rules"
	"touchline.dev/services/scorer/internal/score"
	"touchline.dev/services/scorer/internal/snapshot"
)

// Scorer runs the three parts of the service: folding events into fragments,
// scoring persons, and landing profiles and scores.
type Scorer struct {
	cfg   Config
	deps  telemetry.Deps
	rules *rules.Rules
	ready chan struct{}
}

// New checks the configuration and reads the rules; nothing is opened before Run.
func New(cfg Config, deps telemetry.Deps) (*Scorer, error) {
	if err := config.Check(cfg); err != nil {
		return nil, err
	}
	r, err := rules.Load(cfg.Rules.File)
	if err != nil {
		return nil, err
	}
	return &Scorer{cfg: cfg, deps: deps, rules: r, ready: make(chan struct{})}, nil
}

// Ready is closed once the service takes part in its consumer groups.
func (s *Scorer) Ready() <-chan struct{} { return s.ready }

// Run works until ctx ends, then finishes and commits what it has taken and
// returns nil. It waits up to a minute for Kafka, the topics and the tables.
func (s *Scorer) Run(ctx context.Context) error {
	conn, err := clickhouse.Open(s.cfg.ClickHouse)
	if err != nil {
		return err
	}
	defer conn.Close()
	kafkaDeps := kafka.Deps{Log: s.deps.Log}
	client, err := kafka.NewClient(s.cfg.Kafka, kafkaDeps, "touchline-scorer")
	if err != nil {
		return err
	}
	defer client.Close()
	partitions, err := s.waitForOthers(ctx, client, conn)
	if ctx.Err() != nil {
		return nil // told to stop before there was anything to finish
	}
	if err != nil {
		return err
	}
	producer, err := kafka.NewProducer(s.cfg.Kafka, kafkaDeps, topics.GroupScorer, kafka.Producing{
		Linger: linger, MaxBufferedBytes: maxBufferedBytes, MaxBufferedRecords: maxBufferedRecords, Manual: true,
	})
	if err != nil {
		return err
	}
	defer producer.Close()
	groups, err := s.groups(kafkaDeps, conn, client, producer, partitions)
	if err != nil {
		return err
	}
	close(s.ready)
	g, ctx := errgroup.WithContext(ctx)
	for _, group := range groups {
		g.Go(func() error { return group.Run(ctx) })
	}
	return g.Wait()
}

// What the producer may hold: 16 MiB is about 25,000 snapshots.
const (
	maxBufferedBytes   = 16 << 20
	maxBufferedRecords = 25_000
	linger             = 2 * time.Millisecond
)

// waitForOthers waits until the topics and tables exist, because services start
// in any order, and returns the number of partitions of every topic.
func (s *Scorer) waitForOthers(ctx context.Context, cl *kgo.Client, conn driver.Conn) (partitions int32, err error) {
	names := []string{topics.Raw, topics.Enriched, topics.Fragments, topics.Persons, topics.Scores}
	err = lifecycle.WaitFor(ctx, s.deps, "Kafka and ClickHouse", func(ctx context.Context) error {
		if err := kafka.Require(ctx, cl, names...); err != nil {
			return err
		}
		if partitions, err = samePartitions(ctx, cl, names); err != nil {
			return err
		}
		return clickhouse.Verify(ctx, conn, s.cfg.ClickHouse.Account())
	})
	return partitions, err
}

// samePartitions returns the number of partitions that all the topics have:
// partition p of one is written from partition p of another.
func samePartitions(ctx context.Context, cl *kgo.Client, names []string) (partitions int32, err error) {
	for _, name := range names {
		n, err := kafka.Partitions(ctx, cl, name)
		if err != nil {
			return 0, err
		}
		if partitions != 0 && n != partitions {
			return 0, fmt.Errorf("check topics: %s has %d partitions, %s has %d; all need the same number", names[0], partitions, name, n)
		}
		partitions = n
	}
	return partitions, nil
}

// groups are the consumer groups of the three parts.
func (s *Scorer) groups(d kafka.Deps, conn driver.Conn, client, producer *kgo.Client, partitions int32) ([]*kafka.Group, error) {
	folder := fragment.New(s.rules.Watch())
	reader := snapshot.Reader{Kafka: s.cfg.Kafka, Deps: d, Client: client}
	folding := fold.New(s.cfg.Snapshots, fold.Deps{
		Deps: s.deps, Producer: producer, Reader: reader, Folder: folder, Partitions: partitions,
		Landed: landing.Tables{Conn: conn}, History: history.Tables{Conn: conn},
	})
	scoring := score.New(score.Deps{
		Deps: s.deps, Producer: producer, Reader: reader, History: history.Tables{Conn: conn}, Profile: profile.New(s.rules, folder).Make,
	})
	lander := landing.New(s.cfg.Landing, landing.Deps{
		Deps: s.deps, Name: "scores",
		Inserter: clickhouse.NewInserter(s.cfg.ClickHouse), Landed: landing.Tables{Conn: conn},
		NewBuilder: func() landing.Builder { return rows.New() },
		Bounds: func(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
			return kafka.Bounds(ctx, client, topic, partition)
		},
		Scan: func(ctx context.Context, topic string, partition int32, from, to int64, fn func(*kgo.Record) error) error {
			return kafka.Scan(ctx, s.cfg.Kafka, d, topic, partition, from, to, fn)
		},
	})
	var groups []*kafka.Group
	for _, o := range []kafka.GroupOptions{
		{Group: topics.GroupScorer, Topic: topics.Enriched, Work: folding.Work},
		{Group: topics.GroupPersons, Topic: topics.Persons, Work: scoring.Work, Compacted: true},
		{Group: topics.GroupScores, Topic: topics.Scores, Work: lander.Work},
	} {
		o.Membership, o.Metrics, o.Health = s.cfg.Membership, s.deps.Metrics, s.deps.Health
		group, err := kafka.NewGroup(s.cfg.Kafka, d, o)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group)
	}
	return groups, nil
}
