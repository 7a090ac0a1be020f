package scorer

import (
	"context"
	"io"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/scorer/internal/fold"
)

// Service is the scorer's name: in messages, metrics and health, and as the
// prefix of its environment variables.
const Service = "scorer"

// Settings are those of the scorer as a process of its own.
type Settings struct {
	Kafka      kafka.Config      `yaml:"kafka"`
	Membership kafka.Membership  `yaml:"membership"`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Snapshots  fold.Config       `yaml:"snapshots"`
	Rules      Rules             `yaml:"rules"`
	Landing    landing.Config    `yaml:"landing"`
	Lifecycle  lifecycle.Config  `yaml:"lifecycle"`
	Telemetry  telemetry.Config  `yaml:"telemetry"`
}

// DefaultSettings returns the defaults.
func DefaultSettings() Settings {
	c := Default()
	return Settings{
		Kafka: c.Kafka, Membership: c.Membership, ClickHouse: c.ClickHouse, Snapshots: c.Snapshots, Rules: c.Rules,
		Landing: c.Landing, Lifecycle: lifecycle.Default(), Telemetry: telemetry.Default(),
	}
}

// Main runs the scorer as a process until it is told to stop and returns its exit
// code.
func Main(ctx context.Context, args, env []string, stdout, stderr io.Writer) int {
	return lifecycle.Program[Settings]{
		Service: Service, Settings: DefaultSettings(),
		Process: func(s *Settings) (lifecycle.Config, telemetry.Config) { return s.Lifecycle, s.Telemetry },
		Build: func(s *Settings, t *telemetry.Telemetry, g *lifecycle.Group) error {
			scorer, err := New(Config{
				Kafka: s.Kafka, Membership: s.Membership, ClickHouse: s.ClickHouse, Snapshots: s.Snapshots,
				Rules: s.Rules, Landing: s.Landing,
			}, t.Deps.Named(Service))
			if err != nil {
				return err
			}
			g.Add(Service, scorer)
			return nil
		},
	}.Main(ctx, args, env, stdout, stderr)
}
