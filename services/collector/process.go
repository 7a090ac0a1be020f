package collector

import (
	"context"
	"io"

	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/projects"
	"touchline.dev/services/internal/telemetry"
)

// Service is the collector's name: in messages, metrics and health, and as the
// prefix of its environment variables.
const Service = "collector"

// Settings are those of the collector as a process of its own.
type Settings struct {
	HTTP      HTTP             `yaml:"http"`
	Kafka     kafka.Config     `yaml:"kafka"`
	Spool     Spool            `yaml:"spool"`
	Projects  projects.Config  `yaml:"projects"`
	Lifecycle lifecycle.Config `yaml:"lifecycle"`
	Telemetry telemetry.Config `yaml:"telemetry"`
}

// Validate checks what the sections have to do with each other.
func (s Settings) Validate() error { return checkSpool(s.HTTP, s.Spool) }

// DefaultSettings returns the defaults; the projects file must be given.
func DefaultSettings() Settings {
	return Settings{
		HTTP: DefaultHTTP(), Kafka: kafka.Default(), Spool: DefaultSpool(), Projects: projects.Default(),
		Lifecycle: lifecycle.Default(), Telemetry: telemetry.Default(),
	}
}

// Main runs the collector as a process until it is told to stop and returns its
// exit code.
func Main(ctx context.Context, args, env []string, stdout, stderr io.Writer) int {
	return lifecycle.Program[Settings]{
		Service: Service, Settings: DefaultSettings(),
		Process: func(s *Settings) (lifecycle.Config, telemetry.Config) { return s.Lifecycle, s.Telemetry },
		Build: func(s *Settings, t *telemetry.Telemetry, g *lifecycle.Group) error {
			deps := t.Deps.Named(Service)
			watcher, err := projects.Watch(s.Projects, projects.Deps{Deps: deps})
			if err != nil {
				return err
			}
			c, err := New(Config{HTTP: s.HTTP, Kafka: s.Kafka, Spool: s.Spool}, Deps{Deps: deps, Projects: watcher.Current})
			if err != nil {
				return err
			}
			g.Add("projects file", watcher)
			g.Add(Service, c)
			return nil
		},
	}.Main(ctx, args, env, stdout, stderr)
}
