package stack

import (
	"context"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/standalone/bench/internal/touchpoints30"
)

// StartColumns makes the table of 30 columns, of which nothing is merged, and
// starts a process that lands the dense log in it.
func (s *Services) StartColumns(ctx context.Context, dir string) (*Process, error) {
	conn, err := clickhouse.Open(s.ClickHouse)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	table := touchpoints30.Table()
	for _, statement := range []string{"CREATE DATABASE " + table.Database, touchpoints30.Create(), "SYSTEM STOP MERGES " + table.FullName()} {
		if err := conn.Exec(ctx, statement); err != nil {
			return nil, fmt.Errorf("make table of 30 columns: %w", err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	return startService(ctx, roleColumns, self, dir, []string{
		roleEnv + "=" + roleColumns, "COLUMNS_KAFKA_BROKERS=" + s.Kafka.Brokers[0],
		"COLUMNS_CLICKHOUSE_URL=" + s.ClickHouse.URL, "COLUMNS_CLICKHOUSE_USER=" + s.ClickHouse.User,
		"COLUMNS_CLICKHOUSE_PASSWORD=" + s.ClickHouse.Password.Reveal(),
	})
}

// columnsSettings are those of the enricher that concern landing.
type columnsSettings struct {
	Kafka      kafka.Config      `yaml:"kafka"`
	Membership kafka.Membership  `yaml:"membership"`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Landing    landing.Config    `yaml:"landing"`
	Lifecycle  lifecycle.Config  `yaml:"lifecycle"`
	Telemetry  telemetry.Config  `yaml:"telemetry"`
}

// runColumns is the landing of the enricher as a process of its own, with another
// table and another consumer group.
func runColumns() int {
	return lifecycle.Program[columnsSettings]{
		Service: roleColumns,
		Settings: columnsSettings{
			Kafka: kafka.Default(), Membership: kafka.DefaultMembership(), ClickHouse: clickhouse.Default(),
			Landing: landing.Default(), Lifecycle: lifecycle.Default(), Telemetry: telemetry.Default(),
		},
		Process: func(s *columnsSettings) (lifecycle.Config, telemetry.Config) { return s.Lifecycle, s.Telemetry },
		Build: func(s *columnsSettings, t *telemetry.Telemetry, g *lifecycle.Group) error {
			deps := t.Named(roleColumns)
			g.Add(roleColumns, lifecycle.Func(func(ctx context.Context, ready func()) error { return s.land(ctx, deps, ready) }))
			return nil
		},
	}.Main(context.Background(), nil, os.Environ(), os.Stdout, os.Stderr)
}

func (s *columnsSettings) land(ctx context.Context, d telemetry.Deps, ready func()) error {
	deps := kafka.Deps{Log: d.Log}
	client, err := kafka.NewClient(s.Kafka, deps, "bench-columns")
	if err != nil {
		return err
	}
	defer client.Close()
	l := landing.New(s.Landing, landing.Deps{
		Deps: d, Name: roleColumns, Source: topics.Raw,
		Inserter: clickhouse.NewInserter(s.ClickHouse), Landed: nothing{},
		NewBuilder: func() landing.Builder { return touchpoints30.New() },
		Bounds: func(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
			return kafka.Bounds(ctx, client, topic, partition)
		},
		Scan: func(ctx context.Context, topic string, partition int32, from, to int64, fn func(*kgo.Record) error) error {
			return kafka.Scan(ctx, s.Kafka, deps, topic, partition, from, to, fn)
		},
	})
	g, err := kafka.NewGroup(s.Kafka, deps, kafka.GroupOptions{
		Group: "bench-columns", Topic: topics.Enriched, Membership: s.Membership, Work: l.Work, Metrics: d.Metrics, Health: d.Health,
	})
	if err != nil {
		return err
	}
	ready()
	return g.Run(ctx)
}

// nothing is what the table holds before it is landed in, once.
type nothing struct{}

// Topic implements landing.Landed.
func (nothing) Topic(_ context.Context, _, id string) (string, error) { return id, nil }

// Mark implements landing.Landed.
func (nothing) Mark(context.Context, string, int32) (int64, error) { return denselog.None, nil }

// Count implements landing.Landed.
func (nothing) Count(context.Context, string, string, int32, int64, int64) (int, error) {
	return 0, nil
}

// Parts implements landing.Landed.
func (nothing) Parts(context.Context) (int64, error) { return 0, nil }
