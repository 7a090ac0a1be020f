// Package clickhouse is how the services talk to ClickHouse: it brings the schema
// up to date (Migrate, Verify), opens connections for queries (Open), posts blocks of
// rows (Inserter), and tells what kind of trouble an error is (ClassOf, Explain,
// FindRefused).
//
// It reads the SQL of touchline.dev/schemas/clickhouse and writes the databases
// touchline and analytics. A migration that was applied is never run in another
// form, and an insert repeated under its token writes nothing twice.
package clickhouse

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"time"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/config"
)

// Config says where ClickHouse is and as whom to use it.
type Config struct {
	URL      string        `yaml:"url" doc:"HTTP address of ClickHouse, http://host:port or https://host:port."`
	User     string        `yaml:"user" doc:"User that migrates and writes."`
	Password config.Secret `yaml:"password" doc:"Password of that user."`
}

// Default returns the configuration of a server on this host.
func Default() Config { return Config{URL: "http://127.0.0.1:8123", User: "writer"} }

// Validate returns all that is wrong with the configuration, or nil.
func (c Config) Validate() error {
	var p config.Problems
	if _, err := c.endpoint(); err != nil {
		p.Addf("url", "%v", err)
	}
	if c.User == "" {
		p.Addf("user", "is empty")
	}
	return p.Err()
}

// errURL does not quote the address: there may be a password in it.
var errURL = errors.New("is not http://host:port or https://host:port; user and password have keys of their own")

func (c Config) endpoint() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Port() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" {
		return nil, errURL
	}
	return u, nil
}

const (
	// dialTimeout covers a lost SYN and its second try.
	dialTimeout = 5 * time.Second
	// readTimeout is how long a statement may run without a byte of answer.
	readTimeout = 5 * time.Minute
)

// Open returns a pool of connections over HTTP for everything but the landing of
// blocks. It connects when it is first used. The caller closes it; it may be used
// concurrently.
func Open(c Config) (driver.Conn, error) {
	u, err := c.endpoint()
	if err != nil {
		return nil, fmt.Errorf("open clickhouse: url %w", err)
	}
	options := &clickhousego.Options{
		Protocol: clickhousego.HTTP,
		Addr:     []string{u.Host},
		Auth: clickhousego.Auth{
			// Touchline's databases may not exist yet; its statements name them.
			Database: "default",
			Username: c.User,
			Password: c.Password.Reveal(),
		},
		DialTimeout: dialTimeout,
		ReadTimeout: readTimeout,
	}
	if u.Scheme == "https" {
		options.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	}
	conn, err := clickhousego.Open(options)
	if err != nil {
		return nil, fmt.Errorf("open clickhouse: %w", err)
	}
	return conn, nil
}
