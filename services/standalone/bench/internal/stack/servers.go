package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	server "touchline.dev/services/internal/embedded/clickhouse"
)

// Handler is the bare HTTP server.
type Handler struct {
	*Process
	// Addr is host:port.
	Addr string
}

// StartHandler starts a server that reads requests and answers as the collector
// does, and does nothing else.
func StartHandler(ctx context.Context, dir string) (*Handler, error) {
	p, addr, err := startRole(ctx, roleHandler, dir)
	if err != nil {
		return nil, err
	}
	return &Handler{p, addr}, nil
}

// startRole starts this program as one of its servers.
func startRole(ctx context.Context, role, dir string, args ...string) (p *Process, addr string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find own program: %w", err)
	}
	if p, err = startProcess(role, dir, self, args, []string{roleEnv + "=" + role}); err != nil {
		return nil, "", err
	}
	if addr, err = p.field(ctx, listening, "address"); err != nil {
		return nil, "", stopAfter(err, p)
	}
	return p, addr, nil
}

// startClickHouse starts ClickHouse as a child of this process and makes the
// tables.
func startClickHouse(ctx context.Context, dir string) (*server.Server, clickhouse.Config, error) {
	cfg := clickhouse.Default()
	engine, err := server.Locate(ctx, server.LocateConfig{Progress: os.Stderr})
	if err != nil {
		return nil, cfg, err
	}
	sc := server.Default()
	sc.Engine, sc.Dir, sc.Log = engine, filepath.Join(dir, "clickhouse"), zap.NewNop()
	srv, err := server.Start(ctx, sc)
	if err != nil {
		return nil, cfg, err
	}
	w := srv.Writer()
	cfg.URL, cfg.User, cfg.Password = srv.HTTPURL(), w.User, config.NewSecret(w.Password)
	if err := migrate(ctx, cfg); err != nil {
		return nil, cfg, stopAfter(err, clickHouse{srv})
	}
	return srv, cfg, nil
}

func migrate(ctx context.Context, cfg clickhouse.Config) error {
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = clickhouse.Migrate(ctx, conn, clickhouse.Account{User: cfg.User, Password: cfg.Password.Reveal()})
	return err
}
