package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/telemetry"
)

// ErrInterrupted is returned when a second signal ended the drain. Components
// may still be running: the process should exit.
var ErrInterrupted = errors.New("interrupted while draining")

// Config is the lifecycle section of every service.
type Config struct {
	DrainDelay   time.Duration `yaml:"drain_delay" doc:"Time between answering not ready and refusing new work, for load balancers to notice. About 5s behind one, 0s without."`
	DrainTimeout time.Duration `yaml:"drain_timeout" doc:"Time from the order to stop until the process exits, drained or not. Orchestrators should wait a little longer before they kill."`
	MemoryLimit  config.Bytes  `yaml:"memory_limit" doc:"Memory at which the process collects garbage more often instead of growing, or a third above what it needs where that is more. It is no hard limit: let orchestrators give half as much again. 0B leaves it to the runtime, and GOMEMLIMIT in the environment comes first."`
}

// Default returns no delay, a timeout of 10 s and a limit that keeps a consumer
// that works off a backlog below 300 MB.
func Default() Config {
	return Config{DrainTimeout: 10 * time.Second, MemoryLimit: 208 * config.MiB}
}

// Validate checks that the delay leaves time to drain, and the limit room to work.
func (c Config) Validate() error {
	var p config.Problems
	if c.DrainTimeout <= 0 {
		p.Addf("drain_timeout", "want more than 0s, got %v", c.DrainTimeout)
	}
	if c.DrainDelay < 0 || c.DrainDelay >= max(c.DrainTimeout, 1) {
		p.Addf("drain_delay", "want at least 0s and less than drain_timeout, got %v", c.DrainDelay)
	}
	if c.MemoryLimit != 0 && c.MemoryLimit < minMemory {
		p.Addf("memory_limit", "is %s, want 0B or at least %s", c.MemoryLimit, minMemory)
	}
	return p.Err()
}

// minMemory is less than any service needs.
const minMemory = 32 * config.MiB

// Process describes a service as a process of its own.
type Process struct {
	Service   string
	Lifecycle Config
	Telemetry telemetry.Config
	// Logs gets the log lines, and in plain text what goes wrong before there
	// is a logger.
	Logs io.Writer
	// Ready, if not nil, is called once everything is ready; its error stops
	// the process.
	Ready func(t *telemetry.Telemetry) error
}

// Run runs a process until SIGTERM, SIGINT or the end of ctx, and returns its
// exit code: 0 after a complete drain, 1 otherwise. A second signal returns at
// once. build adds the service's components to the group, which already holds
// the admin listener: it is started first and stopped last. Signals are only
// waited for once build has returned, so it opens no more than listeners and
// leaves what takes time to [Func] and [Lazy]; before that they end the process
// as they do by default.
func Run(ctx context.Context, p Process, build func(t *telemetry.Telemetry, g *Group) error) int {
	t, err := p.telemetry()
	if err != nil {
		// The last resort: if this cannot be written either, the code tells.
		_, _ = fmt.Fprintf(p.Logs, "%s: %v\n", p.Service, err)
		return 1
	}
	defer limitMemory(int64(p.Lifecycle.MemoryLimit))()
	log := t.Log.With(zap.String("service", p.Service))
	group := NewGroup(p.Lifecycle.DrainTimeout - p.Lifecycle.DrainDelay)
	group.Add("admin listener", t.Admin)
	if err := build(t, group); err != nil {
		log.Error("build failed", zap.Error(errors.Join(err, t.Admin.Close())))
		return 1
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	if err := supervise(ctx, p, t, log, group, signals); err != nil {
		log.Error("stopped with an error", zap.Error(err))
		return 1
	}
	log.Info("stopped")
	return 0
}

func (p Process) telemetry() (*telemetry.Telemetry, error) {
	if err := config.Check(p.Lifecycle); err != nil {
		return nil, fmt.Errorf("check lifecycle configuration: %w", err)
	}
	return telemetry.New(p.Telemetry, p.Logs)
}

// supervise runs the group through ready, order to stop, delay and drain.
func supervise(ctx context.Context, p Process, t *telemetry.Telemetry, log *zap.Logger, group *Group, signals <-chan os.Signal) error {
	const check = "process"
	t.Health.Set(check, false, "starting")
	log.Info("starting", zap.String("version", t.Version), zap.String("admin", t.Admin.Addr()))

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	done := make(chan error, 1)
	go func() { done <- group.Run(running) }()

	var announced error
	var delay time.Duration
	ready := group.Ready()
	for waiting := true; waiting; {
		waiting = false
		select {
		case <-ready:
			ready = nil
			if announced = p.announce(t); announced == nil {
				delay = p.Lifecycle.DrainDelay
				t.Health.Set(check, true, "")
				log.Info("ready")
				waiting = true
			}
		case s := <-signals:
			log.Info("stopping", zap.Stringer("signal", s))
		case <-ctx.Done():
			log.Info("stopping", zap.String("cause", context.Cause(ctx).Error()))
		case <-group.stopping:
			delay = 0
			log.Info("stopping", zap.String("cause", "a component failed"))
		}
	}
	t.Health.Set(check, false, "draining")

	over := make(chan struct{})
	defer close(over)
	impatient := secondSignal(signals, over)
	pause := time.NewTimer(delay)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-group.stopping:
	case <-impatient:
		return errors.Join(announced, ErrInterrupted)
	}
	stop()
	select {
	case err := <-done:
		return errors.Join(announced, err)
	case <-impatient:
		return errors.Join(announced, ErrInterrupted)
	}
}

// echo is how long after the order to stop further signals are taken for the
// same order: a terminal signals its whole process group, and make and timeout
// pass the signal on once more.
const echo = time.Second

// secondSignal returns a channel that is closed when somebody asks again, later
// than an echo. It stops watching when over is closed.
func secondSignal(signals <-chan os.Signal, over <-chan struct{}) <-chan struct{} {
	asked := time.Now()
	again := make(chan struct{})
	go func() {
		for {
			select {
			case <-signals:
				if time.Since(asked) > echo {
					close(again)
					return
				}
			case <-over:
				return
			}
		}
	}()
	return again
}

func (p Process) announce(t *telemetry.Telemetry) error {
	if p.Ready == nil {
		return nil
	}
	if err := p.Ready(t); err != nil {
		return fmt.Errorf("announce readiness: %w", err)
	}
	return nil
}
