package collector

import (
	"context"
	"fmt"
	"io"

	"touchline.dev/services/internal/config"
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
	Projects  projects.Config  `yaml:"projects"`
	Lifecycle lifecycle.Config `yaml:"lifecycle"`
	Telemetry telemetry.Config `yaml:"telemetry"`
}

// DefaultSettings returns the defaults; the projects file must be given.
func DefaultSettings() Settings {
	return Settings{
		HTTP: DefaultHTTP(), Kafka: kafka.Default(), Projects: projects.Default(),
		Lifecycle: lifecycle.Default(), Telemetry: telemetry.Default(),
	}
}

// Main runs the collector as a process until it is told to stop and returns its
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
		deps := t.Deps.Named(Service)
		watcher, err := projects.Watch(s.Projects, projects.Deps{Deps: deps})
		if err != nil {
			return err
		}
		c, err := New(Config{HTTP: s.HTTP, Kafka: s.Kafka}, Deps{Deps: deps, Projects: watcher.Current})
		if err != nil {
			return err
		}
		g.Add("projects file", watcher)
		g.Add(Service, c)
		return nil
	})
}
