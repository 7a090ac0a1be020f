package standalone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/collector"
	"touchline.dev/services/enricher"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/embedded/broker"
	server "touchline.dev/services/internal/embedded/clickhouse"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/projects"
	"touchline.dev/services/internal/retry"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/scorer"
)

// pipeline holds what the components of one process tell each other: each is
// started when the one before it is ready, so it may use what that one has set.
type pipeline struct {
	s        Settings
	deps     telemetry.Deps
	progress io.Writer

	kafka      kafka.Config
	clickhouse clickhouse.Config
	// bi is empty when the ClickHouse server is not ours.
	bi        server.Credentials
	projects  *projects.Watcher
	collector *collector.Collector
}

func newPipeline(s Settings, deps telemetry.Deps, progress io.Writer) *pipeline {
	return &pipeline{s: s, deps: deps, progress: progress}
}

// addTo adds the components in the order of start; they stop in the reverse
// order, so the collector refuses new events first and the log is closed last.
func (p *pipeline) addTo(g *lifecycle.Group) {
	g.Add("broker", lifecycle.Func(p.runBroker))
	g.Add("clickhouse", lifecycle.Func(p.runClickHouse))
	g.Add("auditor", lifecycle.Lazy(p.newAuditor))
	g.Add("projects file", lifecycle.Lazy(p.watchProjects))
	g.Add(scorer.Service, lifecycle.Lazy(p.newScorer))
	g.Add(enricher.Service, lifecycle.Lazy(p.newEnricher))
	g.Add(collector.Service, lifecycle.Lazy(p.newCollector))
}

func (p *pipeline) runBroker(ctx context.Context, ready func()) error {
	b, err := broker.Start(ctx, broker.Config{Dir: p.s.brokerDir(), Listen: p.s.Kafka}, kafka.Deps{Log: p.deps.Log})
	if err != nil {
		return err
	}
	defer b.Close()
	p.kafka = b.Config()
	ready()
	<-ctx.Done()
	return nil
}

// runClickHouse starts the embedded server, or takes the one that was named, and
// brings its schema up to date.
func (p *pipeline) runClickHouse(ctx context.Context, ready func()) error {
	if external, ok := p.s.ClickHouse.config(); ok {
		if err := p.migrate(ctx, external); err != nil {
			return err
		}
		ready()
		<-ctx.Done()
		return nil
	}
	srv, err := p.startServer(ctx)
	if err != nil {
		return err
	}
	w := srv.Writer()
	cfg := clickhouse.Default()
	cfg.URL, cfg.User, cfg.Password = srv.HTTPURL(), w.User, config.NewSecret(w.Password)
	err = p.migrate(ctx, cfg)
	if err == nil {
		p.bi = srv.BI()
		ready()
		select {
		case <-ctx.Done():
		case <-srv.Done():
			err = srv.Err()
		}
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return errors.Join(err, srv.Stop(stop))
}

// stopTimeout is what ClickHouse gets of the 10 s in which a process has to end.
const stopTimeout = 4 * time.Second

func (p *pipeline) startServer(ctx context.Context) (*server.Server, error) {
	engine, err := server.Locate(ctx, server.LocateConfig{CacheDir: p.s.CacheDir, Progress: p.progress})
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(p.s.ClickHouseServer.Listen)
	if err != nil {
		return nil, fmt.Errorf("read clickhouse_server.listen: %w", err)
	}
	cfg := server.Default()
	if cfg.Port, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("read clickhouse_server.listen: %w", err)
	}
	cfg.Engine, cfg.Dir, cfg.Host, cfg.Log = engine, p.s.clickHouseDir(), host, p.deps.Log
	cfg.MaxMemory = int64(p.s.ClickHouseServer.MaxMemory)
	return server.Start(ctx, cfg)
}

func (p *pipeline) migrate(ctx context.Context, cfg clickhouse.Config) error {
	p.clickhouse = cfg
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	return retry.Do(ctx, retry.Startup("migrate ClickHouse"), func(err error, wait time.Duration) {
		p.deps.Log.Warn("migration failed, is repeated", zap.Error(err), zap.Duration("wait", wait))
	}, func(ctx context.Context) error {
		_, err := clickhouse.Migrate(ctx, conn, cfg.Account())
		if errors.Is(err, clickhouse.ErrChanged) || errors.Is(err, clickhouse.ErrNewer) {
			return retry.Permanent(err)
		}
		return err
	})
}

func (p *pipeline) projectsConfig() projects.Config {
	cfg := projects.Default()
	cfg.File = p.s.projectsFile()
	return cfg
}

func (p *pipeline) watchProjects() (lifecycle.Component, error) {
	w, err := projects.Watch(p.projectsConfig(), projects.Deps{Deps: p.deps.Named(collector.Service)})
	if err != nil {
		return nil, err
	}
	p.projects = w
	return w, nil
}

func (p *pipeline) newCollector() (lifecycle.Component, error) {
	cfg := collector.Config{HTTP: p.s.HTTP, Kafka: p.kafka, Spool: p.s.Spool}
	cfg.HTTP.Listen, cfg.Spool.Dir = p.s.Listen, p.s.spoolDir()
	c, err := collector.New(cfg, collector.Deps{Deps: p.deps.Named(collector.Service), Projects: p.projects.Current})
	if err != nil {
		return nil, err
	}
	p.collector = c
	return c, nil
}

func (p *pipeline) newEnricher() (lifecycle.Component, error) {
	cfg := enricher.Default()
	cfg.State.Dir, cfg.Kafka, cfg.Membership = p.s.enricherDir(), p.kafka, p.s.Membership
	cfg.ClickHouse, cfg.Landing, cfg.Projects = p.clickhouse, p.s.Landing, p.projectsConfig()
	return enricher.New(cfg, p.deps.Named(enricher.Service))
}

func (p *pipeline) newScorer() (lifecycle.Component, error) {
	cfg := scorer.Default()
	cfg.Kafka, cfg.Membership, cfg.ClickHouse, cfg.Landing, cfg.Rules = p.kafka, p.s.Membership, p.clickhouse, p.s.Landing, p.s.Rules
	return scorer.New(cfg, p.deps.Named(scorer.Service))
}

func (p *pipeline) newAuditor() (lifecycle.Component, error) {
	return newAuditor(p.s.Audit, p.kafka, p.clickhouse, p.deps.Named("audit"))
}

// files of the data directory that hold what nobody can make again.
func (s Settings) secretFile() string {
	return filepath.Join(s.enricherDir(), "installation.secret")
}
