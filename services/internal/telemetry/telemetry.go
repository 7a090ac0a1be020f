// Package telemetry gives a process its logger, metrics registry, health and
// admin listener, and gives services their part of these as [Deps].
//
// It serves /metrics, /livez, /readyz, /healthz and /debug/pprof/ on a
// listener of its own, apart from public traffic. Nothing is registered
// globally, so several instances live in one process.
package telemetry

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/version"
)

// Config is the telemetry section of every service.
type Config struct {
	Admin    string `yaml:"admin" doc:"Address of the admin listener: metrics, health and profiles. Keep it off the public network; port 0 takes a free one."`
	LogLevel string `yaml:"log_level" doc:"Least severe level that is logged: debug, info, warn or error."`
}

// Default returns the admin listener on a free loopback port and level info.
func Default() Config { return Config{Admin: "127.0.0.1:0", LogLevel: "info"} }

// Validate checks the address and the level.
func (c Config) Validate() error {
	var p config.Problems
	if _, _, err := net.SplitHostPort(c.Admin); err != nil {
		p.Addf("admin", "want HOST:PORT, got %q", c.Admin)
	}
	if _, err := parseLevel(c.LogLevel); err != nil {
		p.Addf("log_level", "%v", err)
	}
	return p.Err()
}

// Deps are what every service is given by the process it runs in.
type Deps struct {
	Log     *zap.Logger
	Metrics prometheus.Registerer
	Health  *Health
	// Now is the clock for everything that ends up in data.
	Now func() time.Time
	// Version is that of the running build.
	Version string
}

// Named returns the Deps of one service of the process: its log lines and
// metrics carry service=name, its checks start with "name.". Separate binaries
// call it too, so their metrics have the same labels as in one process.
func (d Deps) Named(service string) Deps {
	d.Log = d.Log.With(zap.String("service", service))
	d.Metrics = prometheus.WrapRegistererWith(prometheus.Labels{"service": service}, d.Metrics)
	d.Health = d.Health.Named(service)
	return d
}

// Telemetry is the telemetry of one process: the Deps and the admin server.
type Telemetry struct {
	Deps
	Admin *Server
}

// New opens the admin listener, so that its address is known and a taken port
// is an error at once; [Server.Run] serves it. Logs go to logs.
func New(cfg Config, logs io.Writer) (*Telemetry, error) {
	if err := config.Check(cfg); err != nil {
		return nil, fmt.Errorf("check telemetry configuration: %w", err)
	}
	log, err := NewLogger(cfg.LogLevel, logs)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "touchline_build_info",
		Help:        "Always 1; the label tells the version of the running build.",
		ConstLabels: prometheus.Labels{"version": version.String()},
	})
	build.Set(1)
	registry.MustRegister(build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	health := NewHealth()
	admin, err := newServer(cfg.Admin, registry, health, log)
	if err != nil {
		return nil, err
	}
	return &Telemetry{
		Deps:  Deps{Log: log, Metrics: registry, Health: health, Now: time.Now, Version: version.String()},
		Admin: admin,
	}, nil
}
