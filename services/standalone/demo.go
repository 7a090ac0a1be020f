package standalone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/zap"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/standalone/internal/demo"
)

// settleTimeout bounds the wait until the demo's history can be queried; ten
// thousand events take a second or two.
const settleTimeout = 2 * time.Minute

// demo posts the traffic of a small shop as an SDK would, shows what the queries
// make of it, and goes on with live visitors.
func (p *pipeline) demo(out io.Writer) lifecycle.Component {
	return lifecycle.Func(func(ctx context.Context, ready func()) error {
		ready()
		project, cfg, err := p.demoConfig()
		if err != nil {
			return err
		}
		conn, err := p.reader()
		if err != nil {
			return err
		}
		defer conn.Close()
		err = showHistory(ctx, conn, cfg, project, out)
		if err == nil {
			p.deps.Log.Info("live demo traffic begins", zap.Float64("visitors_per_second", cfg.LiveRate))
			err = demo.Live(ctx, cfg)
		}
		if ctx.Err() != nil {
			return nil // stopped, not failed
		}
		return err
	})
}

// demoConfig takes the first project whose write key is known in plain.
func (p *pipeline) demoConfig() (project string, cfg demo.Config, err error) {
	keys, err := plainKeys(p.s.projectsFile())
	if err != nil {
		return "", cfg, err
	}
	for _, pr := range p.projects.Current().All() {
		if key := keys[pr.ID]; key != "" {
			cfg = demo.Default()
			cfg.CollectorURL, cfg.WriteKey = p.collector.URL(), key
			return pr.ID, cfg, nil
		}
	}
	return "", cfg, errors.New("run demo: no project has a write key in plain")
}

// reader connects as BI tools do, where the server is ours.
func (p *pipeline) reader() (driver.Conn, error) {
	cfg := p.clickhouse
	if p.bi.User != "" {
		cfg.User, cfg.Password = p.bi.User, config.NewSecret(p.bi.Password)
	}
	return clickhouse.Open(cfg)
}

func showHistory(ctx context.Context, conn driver.Conn, cfg demo.Config, project string, out io.Writer) error {
	now := time.Now()
	var err error
	if cfg.After, err = demo.After(ctx, conn, project, now); err != nil {
		return err
	}
	events, err := demo.History(ctx, cfg, now)
	if err != nil {
		return err
	}
	sent := time.Since(now)
	settle, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := demo.Settled(settle, conn, project, events); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "The demo shop's last %d days: %d events posted in %.1f s, all of them queryable after %.1f s.\n\n",
		cfg.Days, events, sent.Seconds(), time.Since(now).Seconds())
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return demo.Report(ctx, conn, out, project, now)
}
