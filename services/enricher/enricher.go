package enricher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"touchline.dev/schemas/ids"
	schema "touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/enricher/internal/enrichment"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/rows"
	"touchline.dev/services/enricher/internal/useragent"
	"touchline.dev/services/enricher/internal/writer"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/projects"
	"touchline.dev/services/internal/telemetry"
)

// Enricher runs the two halves of the service: writing the dense log, and
// landing it.
type Enricher struct {
	cfg   Config
	deps  telemetry.Deps
	ready chan struct{}
}

// New checks the configuration; nothing is opened before Run.
func New(cfg Config, deps telemetry.Deps) (*Enricher, error) {
	if err := config.Check(cfg); err != nil {
		return nil, err
	}
	return &Enricher{cfg: cfg, deps: deps, ready: make(chan struct{})}, nil
}

// Ready is closed once the service takes part in its consumer groups.
func (e *Enricher) Ready() <-chan struct{} { return e.ready }

// Run works until ctx ends, then finishes and commits what it has taken and
// returns nil. It waits up to a minute for Kafka, the topics and the tables.
func (e *Enricher) Run(ctx context.Context) error {
	if err := os.MkdirAll(e.cfg.State.Dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	secret, err := installationSecret(e.cfg.State.Dir, e.cfg.State.Secret.Reveal())
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(e.cfg.ClickHouse)
	if err != nil {
		return err
	}
	defer conn.Close()
	zones, err := e.waitForOthers(ctx, conn)
	if ctx.Err() != nil {
		return nil // told to stop before there was anything to finish
	}
	if err != nil {
		return err
	}
	watcher, err := projects.Watch(e.cfg.Projects, projects.Deps{Deps: e.deps, Zones: zones.known})
	if err != nil {
		return err
	}
	if err := zones.record(ctx, watcher.Current()); err != nil {
		return err
	}
	store, err := dedup.Open(filepath.Join(e.cfg.State.Dir, "dedup"), int64(e.cfg.State.MinFree), e.deps)
	if err != nil {
		return err
	}
	err = e.runGroups(ctx, conn, watcher, zones, store, secret)
	return errors.Join(err, store.Close())
}

// waitForOthers waits until the topics and tables exist: services start in any
// order.
func (e *Enricher) waitForOthers(ctx context.Context, conn driver.Conn) (*zones, error) {
	cl, err := kafka.NewClient(e.cfg.Kafka, kafka.Deps{Log: e.deps.Log}, "touchline-enricher-start")
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var z *zones
	err = lifecycle.WaitFor(ctx, e.deps, "Kafka and ClickHouse", func(ctx context.Context) error {
		if err := kafka.Require(ctx, cl, topics.Raw, topics.Enriched); err != nil {
			return err
		}
		if err := clickhouse.Verify(ctx, conn, e.cfg.ClickHouse.Account()); err != nil {
			return err
		}
		z, err = loadZones(ctx, conn)
		return err
	})
	return z, err
}

// What the producer of the dense log may hold: 16 MiB is about 15,000 events, a quarter
// of a second at full speed. The records alias what was fetched, so this bounds that, too.
const (
	maxBufferedBytes   = 16 << 20
	maxBufferedRecords = 20_000
	linger             = 2 * time.Millisecond
)

func (e *Enricher) runGroups(ctx context.Context, conn driver.Conn, watcher *projects.Watcher, zones *zones, store *dedup.Store, secret ids.Secret) error {
	agents, err := useragent.New(useragent.Default())
	if err != nil {
		return err
	}
	kafkaDeps := kafka.Deps{Log: e.deps.Log}
	producer, err := kafka.NewProducer(e.cfg.Kafka, kafkaDeps, topics.GroupEnricher, kafka.Producing{
		Linger: linger, MaxBufferedBytes: maxBufferedBytes, MaxBufferedRecords: maxBufferedRecords, Manual: true,
	})
	if err != nil {
		return err
	}
	defer producer.Close()
	enriching, err := e.enriching(kafkaDeps, producer, store, watcher.Current, enrichment.Deps{Secret: secret, Agents: agents})
	if err != nil {
		return err
	}
	landing, err := e.landing(kafkaDeps, conn, producer)
	if err != nil {
		return err
	}
	close(e.ready)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return watcher.Run(ctx) })
	g.Go(func() error { return zones.follow(ctx, watcher.Current, e.deps.Log) })
	g.Go(func() error { return enriching.Run(ctx) })
	g.Go(func() error { return landing.Run(ctx) })
	return g.Wait()
}

// enriching is the consumer group that writes the dense log.
func (e *Enricher) enriching(d kafka.Deps, producer *kgo.Client, store *dedup.Store, set func() *schema.Set, steps enrichment.Deps) (*kafka.Group, error) {
	w := writer.New(writer.Deps{
		Deps: e.deps, Kafka: e.cfg.Kafka, Producer: producer, Store: store, Projects: set, Secret: steps.Secret,
		Pipeline: func(dedup pipeline.Step, last ...pipeline.Step) *pipeline.Pipeline {
			return pipeline.New(enrichment.Version, enrichment.Steps(steps, dedup, last...))
		},
	})
	return kafka.NewGroup(e.cfg.Kafka, d, kafka.GroupOptions{
		Group: topics.GroupEnricher, Topic: topics.Raw, Membership: e.cfg.Membership, Work: w.Work, Metrics: e.deps.Metrics, Health: e.deps.Health,
	})
}

// landing is the consumer group that lands the dense log; any client may ask for the
// bounds of logs.
func (e *Enricher) landing(d kafka.Deps, conn driver.Conn, client *kgo.Client) (*kafka.Group, error) {
	l := landing.New(e.cfg.Landing, landing.Deps{
		Deps: e.deps, Name: "touchpoints", Source: topics.Raw,
		Inserter: clickhouse.NewInserter(e.cfg.ClickHouse), Landed: landing.Tables{Conn: conn},
		NewBuilder: func() landing.Builder { return rows.New("", 0) },
		Twin:       clickhouse.TouchpointsProbe,
		Bounds: func(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
			return kafka.Bounds(ctx, client, topic, partition)
		},
		Scan: func(ctx context.Context, topic string, partition int32, from, to int64, fn func(*kgo.Record) error) error {
			return kafka.Scan(ctx, e.cfg.Kafka, d, topic, partition, from, to, fn)
		},
	})
	return kafka.NewGroup(e.cfg.Kafka, d, kafka.GroupOptions{
		Group: topics.GroupTouchpoints, Topic: topics.Enriched, Membership: e.cfg.Membership, Work: l.Work, Metrics: e.deps.Metrics, Health: e.deps.Health,
	})
}
