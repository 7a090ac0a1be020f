package enricher

import (
	"context"
	"fmt"
	"io"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/projects"
	"touchline.dev/services/internal/telemetry"
)

// Service is the enricher's name: in messages, metrics and health, and as the
// prefix of its environment variables.
const Service = "enricher"

// Settings are those of the enricher as a process of its own.
type Settings struct {
	State      State             `yaml:"state"`
	Kafka      kafka.Config      `yaml:"kafka"`
	Membership kafka.Membership  `yaml:"membership"`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Landing    landing.Config    `yaml:"landing"`
	Projects   projects.Config   `yaml:"projects"`
	Lifecycle  lifecycle.Config  `yaml:"lifecycle"`
	Telemetry  telemetry.Config  `yaml:"telemetry"`
}

// DefaultSettings returns the defaults; the projects file must be given.
func DefaultSettings() Settings {
	c := Default()
	return Settings{
		State: c.State, Kafka: c.Kafka, Membership: c.Membership, ClickHouse: c.ClickHouse, Landing: c.Landing,
		Projects: c.Projects, Lifecycle: lifecycle.Default(), Telemetry: telemetry.Default(),
	}
}

// Main runs the enricher as a process until it is told to stop and returns its
// exit code.
func Main(ctx context.Context, args, env []string, stdout, stderr io.Writer) int {
	s := DefaultSettings()
	res, err := config.Load(Service, args, env, &s, stdout)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err) // the exit code tells it too
		return config.ExitBadConfig
	}
	if res.Done {
		return 0
	}
	return lifecycle.Run(ctx, lifecycle.Process{
		Service: Service, Lifecycle: s.Lifecycle, Telemetry: s.Telemetry, Logs: stderr,
	}, func(t *telemetry.Telemetry, g *lifecycle.Group) error {
		e, err := New(Config{
			State: s.State, Kafka: s.Kafka, Membership: s.Membership, ClickHouse: s.ClickHouse,
			Landing: s.Landing, Projects: s.Projects,
		}, t.Deps.Named(Service))
		if err != nil {
			return err
		}
		g.Add(Service, e)
		return nil
	})
}
