package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/collector/internal/body"
	"touchline.dev/services/collector/internal/budget"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/limit"
	"touchline.dev/services/collector/internal/publish"
	"touchline.dev/services/collector/internal/scripts"
	"touchline.dev/services/collector/internal/spool"
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
	// publisher writes to producer and, unless that is nil, to spool.
	publisher *publish.Publisher
	spool     *spool.Spool
	reachable prometheus.Gauge // 1 while Kafka answers
	server    *http.Server
	cert      *certificate // nil without TLS
	scripts   *scripts.Scripts
	listener  net.Listener
	ready     chan struct{}
}

// linger is how long a batch of records waits for more: it turns a thousand
// requests a second into a few writes, and nobody notices 2 ms.
const linger = 2 * time.Millisecond

// New checks the configuration and builds a collector; no port is taken and no
// request sent before Run, which must follow.
func New(cfg Config, deps Deps) (*Collector, error) {
	if err := config.Check(cfg); err != nil {
		return nil, fmt.Errorf("check collector configuration: %w", err)
	}
	var cert *certificate
	if cfg.HTTP.TLS.enabled() {
		var err error
		if cert, err = openCertificate(cfg.HTTP.TLS, deps.Deps); err != nil {
			return nil, err
		}
	}
	files, err := scripts.Open(cfg.HTTP.Scripts, deps.Log)
	if err != nil {
		return nil, err
	}
	held := budget.New(int64(cfg.HTTP.Limits.MaxInflightBytes))
	held.LimitLarge(int64(cfg.HTTP.Limits.largeBytes()))
	metrics, err := intake.NewMetrics(deps.Metrics, held)
	if err != nil {
		return nil, fmt.Errorf("register collector metrics: %w", err)
	}
	reachable := prometheus.NewGauge(prometheus.GaugeOpts{Name: "touchline_collector_kafka_reachable", Help: "1 while the brokers answer and the raw topic exists."})
	if err := deps.Metrics.Register(reachable); err != nil {
		return nil, fmt.Errorf("register collector metrics: %w", err)
	}
	producer, err := kafka.NewProducer(cfg.Kafka, kafka.Deps{Log: deps.Log, Dial: deps.Dial}, "touchline-collector", kafka.Producing{
		Linger: linger,
		// The budget is the bound; these only have to lie above it.
		MaxBufferedBytes:   int(cfg.HTTP.Limits.MaxInflightBytes) + spool.DrainBytes,
		MaxBufferedRecords: int(cfg.HTTP.Limits.MaxInflightBytes+spool.DrainBytes) / 100,
		GiveUpAfter:        max(cfg.HTTP.Timeouts.Ack, time.Second), // the library's least
	})
	if err != nil {
		return nil, err
	}
	waiting, err := openSpool(cfg.Spool, deps)
	if err != nil {
		producer.Close()
		return nil, err
	}
	publisher := publish.New(publish.Config{
		Topic: topics.Raw, Linger: linger, AckTimeout: cfg.HTTP.Timeouts.Ack, SpoolAfter: cfg.Spool.Deadline,
	}, producer, held, metrics.Acks, waiting)
	deps.Health.Probe("acknowledgements", publisher.Failing)

	lookup := func(key []byte, protocol string) (projects.Grant, bool) {
		return deps.Projects().Key(key, protocol, deps.Now())
	}
	handler := intake.New(intake.Config{
		Body:      body.Limits{Wire: int(cfg.HTTP.Limits.MaxWireBytes), Unpacked: int(cfg.HTTP.Limits.MaxBodyBytes)},
		MaxEvents: cfg.HTTP.Limits.MaxEvents, MaxEventBytes: int(cfg.HTTP.Limits.MaxEventBytes), MaxDepth: cfg.HTTP.Limits.MaxDepth,
		MaxKeys: cfg.HTTP.Limits.MaxKeys, MaxString: int(cfg.HTTP.Limits.MaxStringBytes),
		TrustedProxies: cfg.HTTP.TrustedProxies, Aliases: cfg.HTTP.Paths,
	}, intake.Deps{
		Keys: deps.Projects, Limiter: limit.New(limit.Default()), Publisher: publisher, Budget: held, Metrics: metrics, Now: deps.Now,
	}, append(protocols(lookup, deps.Now), files.Protocols()...)...)

	errorLog, err := zap.NewStdLogAt(deps.Log.With(zap.String("listener", "public")), zap.WarnLevel)
	if err != nil {
		producer.Close()
		if waiting != nil {
			err = errors.Join(err, waiting.Close())
		}
		return nil, fmt.Errorf("open collector log: %w", err)
	}
	server := newServer(cfg.HTTP, handler, cert)
	server.ErrorLog = errorLog
	return &Collector{
		cfg: cfg, deps: deps, producer: producer, publisher: publisher, spool: waiting, reachable: reachable, ready: make(chan struct{}),
		server: server, cert: cert, scripts: files,
	}, nil
}

// Ready is closed when the collector listens.
func (c *Collector) Ready() <-chan struct{} { return c.ready }

// Addr is the address that the collector listens on, once it is ready.
func (c *Collector) Addr() string { return c.listener.Addr().String() }

// URL is what SDKs are given as their host, once the collector is ready.
func (c *Collector) URL() string {
	if c.cert != nil {
		return "https://" + c.Addr()
	}
	return "http://" + c.Addr()
}

// Run listens until ctx ends, then takes no more connections, answers the
// requests in flight within the drain timeout, and returns nil. What waits in the
// spool is for the next start. It returns an error when the spool cannot go on. It
// runs once.
func (c *Collector) Run(ctx context.Context) (err error) {
	stopSpool, failed := c.startSpool()
	defer func() { err = errors.Join(err, stopSpool()) }()
	listener, err := net.Listen("tcp", c.cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("open collector listener: %w", err)
	}
	c.listener = limitListener(listener, c.cfg.HTTP.Limits.MaxConnections, c.cfg.HTTP.Timeouts.slack())
	var watching sync.WaitGroup
	watch, stopWatching := context.WithCancel(ctx)
	watching.Go(func() { c.watchKafka(watch) })
	watching.Go(func() { c.scripts.Watch(watch) })
	if c.cert != nil {
		watching.Go(func() { c.cert.watch(watch) })
	}
	defer func() {
		stopWatching()
		watching.Wait()
	}()

	served := make(chan error, 1)
	go func() { served <- serve(c.server, c.listener) }()
	c.deps.Log.Info("collector listens", zap.String("address", c.Addr()))
	close(c.ready)
	select {
	case err := <-served:
		return fmt.Errorf("serve collector: %w", err)
	case err := <-failed:
		return errors.Join(err, c.drain(ctx, served))
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
