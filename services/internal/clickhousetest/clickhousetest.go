// Package clickhousetest gives tests a real ClickHouse: one embedded server for
// each test process, started when the first test asks for it, or the server
// that TOUCHLINE_CLICKHOUSE_URL names. Exercise proves on it what the services rely on.
//
// It guarantees that no test runs without ClickHouse: when there is none, the
// test fails and says what to do. The data directory of a failed run is kept
// and its path printed.
//
// A package whose tests use it has
//
//	func TestMain(m *testing.M) { clickhousetest.Main(m) }
package clickhousetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	embedded "touchline.dev/services/internal/embedded/clickhouse"
)

// URLEnv names a server to test with instead of an embedded one, as
// http://user:password@host:port. The tests create and drop databases there.
const URLEnv = "TOUCHLINE_CLICKHOUSE_URL"

// BIEnv names the read-only user of the server that URLEnv names, as user:password,
// with the rights and limits of deploy/clickhouse/users.xml.
const BIEnv = "TOUCHLINE_CLICKHOUSE_BI"

// Server is a ClickHouse to test with.
type Server struct {
	// URL is http://host:port.
	URL string
	// Addr is host:port.
	Addr string
	// Writer may do everything. BI is the read-only user; it has no name when
	// URLEnv names the server and BIEnv no user.
	Writer, BI embedded.Credentials
	// Embedded is the process, nil when the server is not an embedded one.
	Embedded *embedded.Server
}

// shared is the server of this process. It is package state because tests of
// one process find each other only through the process.
var shared struct {
	once   sync.Once
	server *Server
	dir    string
	err    error
}

// Main runs the tests and ends the process, and first stops the servers.
func Main(m *testing.M) {
	embedded.RunChildIfRequested()
	code := m.Run()
	if err := stopShared(code == 0); err != nil {
		fmt.Fprintln(os.Stderr, "clickhousetest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Start returns the server that the tests of this process share.
func Start(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.dir, shared.err = startShared() })
	if shared.err != nil {
		t.Fatalf("no ClickHouse to test with: %v", shared.err)
	}
	return shared.server
}

// Fresh returns a server of the test's own, for tests that kill it or fill it.
// It is embedded in any case and stops when the test ends.
func Fresh(t testing.TB) *Server {
	t.Helper()
	server, dir, err := startEmbedded()
	if err != nil {
		t.Fatalf("no ClickHouse to test with: %v", err)
	}
	t.Cleanup(func() {
		if err := stopEmbedded(server, dir, !t.Failed()); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Conn returns a connection to the shared server as its writer, over HTTP. It is
// closed when the test ends.
func Conn(t testing.TB) driver.Conn {
	t.Helper()
	server := Start(t)
	return server.Open(t, server.Writer)
}

// Config returns how a service connects to the server as its writer.
func (s *Server) Config() clickhouse.Config { return s.ConfigOf(s.Writer) }

// ConfigOf returns how a service connects to the server as that user.
func (s *Server) ConfigOf(user embedded.Credentials) clickhouse.Config {
	return clickhouse.Config{URL: s.URL, User: user.User, Password: config.NewSecret(user.Password)}
}

// Open returns a connection to the server as that user, over HTTP. It is closed
// when the test ends.
func (s *Server) Open(t testing.TB, user embedded.Credentials) driver.Conn {
	t.Helper()
	conn, err := clickhousego.Open(&clickhousego.Options{
		Protocol: clickhousego.HTTP,
		Addr:     []string{s.Addr},
		Auth:     clickhousego.Auth{Database: "default", Username: user.User, Password: user.Password},
	})
	if err != nil {
		t.Fatalf("open connection: %v", err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Errorf("close connection: %v", err)
		}
	})
	return conn
}

func startShared() (*Server, string, error) {
	address := os.Getenv(URLEnv)
	if address == "" {
		return startEmbedded()
	}
	parsed, err := url.Parse(address)
	if err != nil {
		// The error has the address and with it the password.
		return nil, "", fmt.Errorf("parse %s: not a URL", URLEnv)
	}
	if parsed.Scheme != "http" || parsed.Host == "" || parsed.User == nil {
		return nil, "", fmt.Errorf("parse %s: must be http://user:password@host:port", URLEnv)
	}
	password, _ := parsed.User.Password()
	biUser, biPassword, _ := strings.Cut(os.Getenv(BIEnv), ":")
	return &Server{
		URL:    "http://" + parsed.Host,
		Addr:   parsed.Host,
		Writer: embedded.Credentials{User: parsed.User.Username(), Password: password},
		BI:     embedded.Credentials{User: biUser, Password: biPassword},
	}, "", nil
}

// startTimeout covers a download of the library on a slow line.
const startTimeout = 10 * time.Minute

func startEmbedded() (*Server, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	engine, err := embedded.Locate(ctx, embedded.LocateConfig{Progress: os.Stderr})
	if err != nil {
		return nil, "", err
	}
	dir, err := os.MkdirTemp("", "clickhousetest-")
	if err != nil {
		return nil, "", err
	}
	cfg := embedded.Default()
	cfg.Engine, cfg.Dir = engine, dir
	server, err := embedded.Start(ctx, cfg)
	if err != nil {
		return nil, dir, err
	}
	return &Server{
		URL: server.HTTPURL(), Addr: server.Addr(),
		Writer: server.Writer(), BI: server.BI(), Embedded: server,
	}, dir, nil
}

func stopShared(passed bool) error {
	if shared.server == nil || shared.server.Embedded == nil {
		return nil
	}
	return stopEmbedded(shared.server, shared.dir, passed)
}

func stopEmbedded(server *Server, dir string, passed bool) error {
	if err := server.Embedded.Stop(context.Background()); err != nil {
		return err
	}
	if !passed {
		fmt.Fprintf(os.Stderr, "clickhousetest: the data of the failed tests is in %s\n", dir)
		return nil
	}
	return os.RemoveAll(dir)
}
