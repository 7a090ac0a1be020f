package enricher

import (
	"context"
	"io"

	"touchline.dev/services/internal/clickhouse"
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
	return lifecycle.Program[Settings]{
		Service: Service, Settings: DefaultSettings(),
		Process: func(s *Settings) (lifecycle.Config, telemetry.Config) { return s.Lifecycle, s.Telemetry },
		Build: func(s *Settings, t *telemetry.Telemetry, g *lifecycle.Group) error {
			e, err := New(Config{
				State: s.State, Kafka: s.Kafka, Membership: s.Membership, ClickHouse: s.ClickHouse,
				Landing: s.Landing, Projects: s.Projects,
			}, t.Deps.Named(Service))
			if err != nil {
				return err
			}
			g.Add(Service, e)
			return nil
		},
	}.Main(ctx, args, env, stdout, stderr)
}
