package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/collector/internal/body"
	"touchline.dev/services/collector/internal/budget"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/publish"
	"touchline.dev/services/collector/internal/segment"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/telemetry"
)

// Deps is what the process gives to the collector.
type Deps struct {
	telemetry.Deps
	// Projects returns the projects as they are now. It is asked for each
	// request, from many goroutines.
	Projects func() *projects.Set
	// Dial opens connections to Kafka; nil means the network.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Collector is the service. It is a lifecycle Component and Readier.
type Collector struct {
	cfg      Config
	deps     Deps
	producer *kgo.Client
	server   *http.Server
	listener net.Listener
	ready    chan struct{}
}

// linger is how long a batch of records waits for more: it turns a thousand
// requests a second into a few writes, and nobody notices 2 ms.
const linger = 2 * time.Millisecond

// maxHeaderBytes bounds the headers of a request with its URL.
const maxHeaderBytes = 64 << 10

// New checks the configuration and builds a collector; no port is taken and no
// request sent before Run, which must follow.
func New(cfg Config, deps Deps) (*Collector, error) {
	if err := config.Check(cfg); err != nil {
		return nil, fmt.Errorf("check collector configuration: %w", err)
	}
	held := budget.New(int64(cfg.HTTP.Limits.MaxInflightBytes))
	metrics, err := intake.NewMetrics(deps.Metrics, held)
	if err != nil {
		return nil, fmt.Errorf("register collector metrics: %w", err)
	}
	producer, err := kafka.NewProducer(cfg.Kafka, kafka.Deps{Log: deps.Log, Dial: deps.Dial}, "touchline-collector", kafka.Producing{
		Linger: linger,
		// The budget is the bound; these only have to lie above it.
		MaxBufferedBytes:   int(cfg.HTTP.Limits.MaxInflightBytes),
		MaxBufferedRecords: int(cfg.HTTP.Limits.MaxInflightBytes / 100),
		GiveUpAfter:        max(cfg.HTTP.Timeouts.Ack, time.Second), // the library's least
	})
	if err != nil {
		return nil, err
	}
	publisher := publish.New(publish.Config{Topic: topics.Raw, Linger: linger, AckTimeout: cfg.HTTP.Timeouts.Ack}, producer, held, metrics.Acks)
	deps.Health.Probe("acknowledgements", publisher.Failing)

	protocols := []intake.Protocol{
		segment.New(deps.Projects),
	}
	handler := intake.New(intake.Config{
		Body:      body.Limits{Wire: int(cfg.HTTP.Limits.MaxWireBytes), Unpacked: int(cfg.HTTP.Limits.MaxBodyBytes)},
		MaxEvents: cfg.HTTP.Limits.MaxEvents, MaxEventBytes: int(cfg.HTTP.Limits.MaxEventBytes), MaxDepth: cfg.HTTP.Limits.MaxDepth,
		TrustedProxies: cfg.HTTP.TrustedProxies,
	}, intake.Deps{
		Keys: deps.Projects, Publisher: publisher, Budget: held, Metrics: metrics, Now: deps.Now,
	}, protocols...)

	errorLog, err := zap.NewStdLogAt(deps.Log.With(zap.String("listener", "public")), zap.WarnLevel)
	if err != nil {
		producer.Close()
		return nil, fmt.Errorf("open collector log: %w", err)
	}
	return &Collector{
		cfg: cfg, deps: deps, producer: producer, ready: make(chan struct{}),
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: cfg.HTTP.Timeouts.Header,
			ReadTimeout:       cfg.HTTP.Timeouts.Read,
			// From the end of the headers: the body, the acknowledgements, and a
			// while for the answer.
			WriteTimeout:   cfg.HTTP.Timeouts.Read + cfg.HTTP.Timeouts.Ack + 5*time.Second,
			IdleTimeout:    cfg.HTTP.Timeouts.Idle,
			MaxHeaderBytes: maxHeaderBytes,
			ConnState:      watch,
			ErrorLog:       errorLog,
		},
	}, nil
}

// Ready is closed when the collector listens.
func (c *Collector) Ready() <-chan struct{} { return c.ready }

// Addr is the address that the collector listens on, once it is ready.
func (c *Collector) Addr() string { return c.listener.Addr().String() }

// Run listens until ctx ends, then takes no more connections, answers the
// requests in flight within the drain timeout, and returns nil. It runs once.
func (c *Collector) Run(ctx context.Context) error {
	defer c.producer.Close()
	listener, err := net.Listen("tcp", c.cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("open collector listener: %w", err)
	}
	c.listener = limitListener(listener, c.cfg.HTTP.Limits.MaxConnections, c.cfg.HTTP.Timeouts.slack())
	watching := make(chan struct{})
	watch, stopWatching := context.WithCancel(ctx)
	go func() {
		defer close(watching)
		c.watchKafka(watch)
	}()
	defer func() {
		stopWatching()
		<-watching
	}()

	served := make(chan error, 1)
	go func() { served <- c.server.Serve(c.listener) }()
	c.deps.Log.Info("collector listens", zap.String("address", c.Addr()))
	close(c.ready)
	select {
	case err := <-served:
		return fmt.Errorf("serve collector: %w", err)
	case <-ctx.Done():
	}
	return c.drain(ctx, served)
}

// drain answers what is in flight. Each request ends by itself after the read
// and the acknowledgement timeout; slow senders are cut at the drain timeout and
// send again elsewhere, for they have had no answer.
func (c *Collector) drain(ctx context.Context, served <-chan error) error {
	c.deps.Health.Set("collector", false, "draining")
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.HTTP.Timeouts.Drain)
	defer cancel()
	err := c.server.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		c.deps.Log.Warn("collector cuts requests that do not end")
		err = c.server.Close()
	}
	<-served
	if err != nil {
		return fmt.Errorf("stop collector: %w", err)
	}
	return nil
}
