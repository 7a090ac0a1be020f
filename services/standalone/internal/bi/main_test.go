package bi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/config"
	embedded "touchline.dev/services/internal/embedded/clickhouse"
	"touchline.dev/services/standalone"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// site is the directory of a `touchline up` whose ClickHouse runs and is migrated,
// and holds events of the projects shop and blog.
type site struct {
	dir    string
	server *embedded.Server
	writer driver.Conn
}

func newSite(t *testing.T) site {
	t.Helper()
	engine, err := embedded.Locate(t.Context(), embedded.LocateConfig{Progress: os.Stderr})
	if err != nil {
		t.Fatalf("no ClickHouse to test with: %v", err)
	}
	dir := t.TempDir()
	cfg := embedded.Default()
	cfg.Engine, cfg.Dir = engine, filepath.Join(dir, "clickhouse")
	server, err := embedded.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	ready, err := json.Marshal(standalone.Ready{
		ClickHouse: server.HTTPURL(), BIUser: server.BI().User, BIPassword: server.BI().Password,
		Projects: []standalone.ReadyProject{{ID: "shop"}, {ID: "blog"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ready.json"), ready, 0o600); err != nil {
		t.Fatal(err)
	}
	s := site{dir, server, open(t, server, server.Writer())}
	w := server.Writer()
	if _, err := clickhouse.Migrate(t.Context(), s.writer, clickhouse.Account{User: w.User, Password: w.Password}); err != nil {
		t.Fatal(err)
	}
	for _, project := range []string{"shop", "blog"} {
		sql := "INSERT INTO touchline.touchpoints (project, event, person_id, event_time, day) SELECT '" + project + "', 'page_view', number, now64(3, 'UTC'), today() FROM numbers(10)"
		if err := s.writer.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func open(t *testing.T, server *embedded.Server, user embedded.Credentials) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(clickhouse.Config{URL: server.HTTPURL(), User: user.User, Password: config.NewSecret(user.Password)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// run runs `touchline bi` on the site.
func (s site) run(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	return run(t, want, append(args, "--dir", s.dir)...)
}

func run(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := standalone.Main(t.Context(), append([]string{"bi"}, args...), nil, &out, &errs); code != want {
		t.Errorf("touchline bi %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, &out, &errs)
	}
	return out.String(), errs.String()
}
