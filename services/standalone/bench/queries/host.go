package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	server "touchline.dev/services/internal/embedded/clickhouse"
)

// host is an embedded server with the real schema.
type host struct {
	server     *server.Server
	writer, bi *client
}

// startHost starts a server in a folder, with the tables and views as they are in
// this program.
func startHost(ctx context.Context, dir string) (*host, error) {
	engine, err := server.Locate(ctx, server.LocateConfig{Progress: os.Stderr})
	if err != nil {
		return nil, err
	}
	cfg := server.Default()
	cfg.Engine, cfg.Dir, cfg.Log = engine, dir, zap.NewNop()
	srv, err := server.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	h := &host{server: srv, writer: newClient(srv.HTTPURL(), srv.Writer()), bi: newClient(srv.HTTPURL(), srv.BI())}
	if err := h.migrate(ctx); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *host) migrate(ctx context.Context) error {
	w := h.server.Writer()
	conn, err := clickhouse.Open(clickhouse.Config{URL: h.server.HTTPURL(), User: w.User, Password: config.NewSecret(w.Password)})
	if err != nil {
		return err
	}
	_, err = clickhouse.Migrate(ctx, conn, clickhouse.Account{User: w.User, Password: w.Password})
	return errors.Join(err, conn.Close())
}

// wait says where the server is until ctx ends.
func (h *host) wait(ctx context.Context, out io.Writer) error {
	w, b := h.server.Writer(), h.server.BI()
	_, err := fmt.Fprintf(out, "url %s\n%s %s\n%s %s\n", h.server.HTTPURL(), w.User, w.Password, b.User, b.Password)
	if err == nil {
		<-ctx.Done()
	}
	return err
}

// rest waits until the server has merged nothing for two seconds: a merge that runs
// beside a query would be counted with neither, but takes a core.
func (h *host) rest(ctx context.Context) error {
	const still = 2 * time.Second
	tick := time.NewTicker(still / 4)
	defer tick.Stop()
	for since := time.Now(); time.Since(since) < still; {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		n, err := h.writer.number(ctx, "SELECT count() FROM system.merges")
		if err != nil {
			return fmt.Errorf("look for merges: %w", err)
		}
		if n > 0 {
			since = time.Now()
		}
	}
	return nil
}

// close stops the server, also after ctx has ended.
func (h *host) close() error {
	if err := h.server.Stop(context.Background()); err != nil {
		return fmt.Errorf("stop clickhouse: %w", err)
	}
	return nil
}
