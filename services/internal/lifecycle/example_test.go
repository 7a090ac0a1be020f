package lifecycle_test

import (
	"context"
	"fmt"
	"io"
	"os"

	"go.uber.org/zap"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
)

// The whole main package of a service, here one that only waits.
func ExampleRun() {
	// func main() { os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }
	ctx, stop := context.WithCancel(context.Background())
	code := run(ctx, []string{"--greeting", "hello"}, nil, os.Stdout, io.Discard, stop)
	fmt.Println("exit code", code)
	// Output:
	// hello
	// exit code 0
}

type settings struct {
	Greeting  string           `yaml:"greeting" doc:"What to say first."`
	Lifecycle lifecycle.Config `yaml:"lifecycle"`
	Telemetry telemetry.Config `yaml:"telemetry"`
}

func run(ctx context.Context, args, env []string, stdout, stderr io.Writer, stop func()) int {
	cfg := settings{Lifecycle: lifecycle.Default(), Telemetry: telemetry.Default()}
	res, err := config.Load("greeter", args, env, &cfg, stdout)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return config.ExitBadConfig
	}
	if res.Done {
		return 0
	}
	return lifecycle.Run(ctx, lifecycle.Process{
		Service: "greeter", Lifecycle: cfg.Lifecycle, Telemetry: cfg.Telemetry, Logs: stderr,
	}, func(t *telemetry.Telemetry, g *lifecycle.Group) error {
		g.Add("greeter", newGreeter(cfg, t.Named("greeter"), stdout, stop))
		return nil
	})
}

func newGreeter(cfg settings, deps telemetry.Deps, stdout io.Writer, stop func()) lifecycle.Component {
	return lifecycle.Func(func(ctx context.Context, ready func()) error {
		if _, err := fmt.Fprintln(stdout, cfg.Greeting); err != nil {
			return fmt.Errorf("greet: %w", err)
		}
		ready()
		stop() // the example ends itself; a service waits for a signal
		<-ctx.Done()
		deps.Log.Info("drained", zap.Int("greetings", 1))
		return nil
	})
}
