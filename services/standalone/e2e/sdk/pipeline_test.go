//go:build sdks

package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/embedded/broker"
	server "touchline.dev/services/internal/embedded/clickhouse"
	"touchline.dev/services/internal/kafka"
)

// site is a directory and a broker, over which a test starts what it needs.
type site struct {
	dir     string
	address string // of the broker, also while it is away
	broker  *broker.Broker
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "touchline-sdks-site-") //nolint:usetesting // it is kept when the test fails
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs and data of the failed test are in %s", dir)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &site{dir: dir, address: "127.0.0.1:0"}
	s.startKafka(t)
	t.Cleanup(s.stopKafka)
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// startKafka starts the broker at the address it had before.
func (s *site) startKafka(t *testing.T) {
	t.Helper()
	await(t, 10*time.Second, "the broker starts", func() error {
		b, err := broker.Start(t.Context(), broker.Config{Dir: s.path("kafka"), Listen: s.address}, kafka.Deps{Log: zap.NewNop()})
		// An outgoing connection may have the port for a moment.
		if err != nil && !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
		if err == nil {
			s.broker, s.address = b, b.Config().Brokers[0]
		}
		return err
	})
}

// stopKafka closes the broker's port and all of its connections.
func (s *site) stopKafka() {
	if s.broker != nil {
		s.broker.Close()
		s.broker = nil
	}
}

// collector starts a collector with the projects file and returns its URL. Settings
// are environment variables without their prefix.
func (s *site) collector(t *testing.T, name, projects string, settings ...string) *url.URL {
	t.Helper()
	file := s.path(name + ".yaml")
	if err := os.WriteFile(file, []byte(projects), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{
		"COLLECTOR_HTTP_LISTEN=127.0.0.1:0", "COLLECTOR_PROJECTS_FILE=" + file, "COLLECTOR_KAFKA_BROKERS=" + s.address,
	}
	for _, setting := range settings {
		env = append(env, "COLLECTOR_"+setting)
	}
	p := launch(t, s.dir, name, at("bin", "collector"), nil, env...)
	return &url.URL{Scheme: "http", Host: p.await(t, "collector listens").Address}
}

// tables starts ClickHouse and an enricher, and returns where the rows are.
func (s *site) tables(t *testing.T, projects string) *database {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // it may have to be fetched
	defer cancel()
	engine, err := server.Locate(ctx, server.LocateConfig{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	cfg := server.Default()
	cfg.Engine, cfg.Dir = engine, s.path("clickhouse")
	clickhouse, err := server.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := clickhouse.Stop(ctx); err != nil {
			t.Errorf("stop clickhouse: %v", err)
		}
	})
	db := &database{clickhouse.HTTPURL(), clickhouse.Writer().User, clickhouse.Writer().Password}
	migrate := exec.CommandContext(ctx, at("bin", "touchline"), "migrate", "--clickhouse.url", db.url, "--clickhouse.user", db.user)
	migrate.Env = []string{"TOUCHLINE_MIGRATE_CLICKHOUSE_PASSWORD=" + db.password}
	if text, err := migrate.CombinedOutput(); err != nil {
		t.Fatalf("migrate: %v\n%s", err, text)
	}
	file := s.path("enricher.yaml")
	if err := os.WriteFile(file, []byte(projects), 0o600); err != nil {
		t.Fatal(err)
	}
	enricher := launch(t, s.dir, "enricher", at("bin", "enricher"), nil,
		"ENRICHER_KAFKA_BROKERS="+s.address, "ENRICHER_PROJECTS_FILE="+file, "ENRICHER_STATE_DIR="+s.path("state"),
		"ENRICHER_STATE_INSTALLATION_SECRET=000102030405060708090a0b0c0d0e0f",
		"ENRICHER_CLICKHOUSE_URL="+db.url, "ENRICHER_CLICKHOUSE_USER="+db.user, "ENRICHER_CLICKHOUSE_PASSWORD="+db.password)
	enricher.await(t, "ready")
	return db
}

// drain waits until the enricher has landed everything that the log holds.
func (s *site) drain(t *testing.T) {
	t.Helper()
	await(t, time.Minute, "everything has landed", func() error {
		text, err := exec.CommandContext(t.Context(), at("bin", "touchline"), "lag", "--json", "--brokers", s.address).Output()
		if err != nil {
			return fmt.Errorf("touchline lag: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			var l struct {
				Group   string
				Records int64
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("touchline lag printed %q: %v", line, err)
			}
			if l.Records > 0 && (l.Group == topics.GroupEnricher || l.Group == topics.GroupTouchpoints) {
				return errors.New(line)
			}
		}
		return nil
	})
}

// database is a user of ClickHouse over HTTP.
type database struct{ url, user, password string }

// query returns the rows of a SELECT, decoded by their column names.
func query[T any](t *testing.T, d *database, sql string) []T {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url, strings.NewReader(sql+"\nFORMAT JSONEachRow"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-ClickHouse-User", d.user)
	r.Header.Set("X-ClickHouse-Key", d.password)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var rows []T
	decoder := json.NewDecoder(answer.Body)
	for decoder.More() {
		var row T
		if err := decoder.Decode(&row); err != nil {
			t.Fatalf("%s: %s: %v", sql, answer.Status, err)
		}
		rows = append(rows, row)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", sql, answer.Status)
	}
	return rows
}
