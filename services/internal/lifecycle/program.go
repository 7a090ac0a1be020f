package lifecycle

import (
	"context"
	"fmt"
	"io"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/telemetry"
)

// Program is a service as a program of its own: its settings come from flags,
// environment and a file, and it runs until it is told to stop.
type Program[S any] struct {
	// Service is the name in messages and the prefix of environment variables.
	Service string
	// Settings holds the defaults.
	Settings S
	// Process returns the parts of the settings that concern the process itself.
	Process func(s *S) (Config, telemetry.Config)
	// Build adds the service's components; see Run.
	Build func(s *S, t *telemetry.Telemetry, g *Group) error
}

// Main runs the program and returns its exit code: 0 after a complete drain and
// for calls such as --help, config.ExitBadConfig for settings that are wrong, 1
// otherwise.
func (p Program[S]) Main(ctx context.Context, args, env []string, stdout, stderr io.Writer) int {
	s := p.Settings
	res, err := config.Load(p.Service, args, env, &s, stdout)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err) // the exit code tells it too
		return config.ExitBadConfig
	}
	if res.Done {
		return 0
	}
	lifecycle, telem := p.Process(&s)
	return Run(ctx, Process{Service: p.Service, Lifecycle: lifecycle, Telemetry: telem, Logs: stderr},
		func(t *telemetry.Telemetry, g *Group) error { return p.Build(&s, t, g) })
}
