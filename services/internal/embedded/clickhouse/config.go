package clickhouse

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"go.uber.org/zap"
)

// Config says where and how a server runs.
type Config struct {
	// Engine is what Locate has found.
	Engine Engine
	// Dir is the data directory, created with mode 0700 if it is missing.
	// Nothing else may write there.
	Dir string
	// Host is the IP address to listen on, 127.0.0.1 by default.
	Host string
	// Port is the HTTP port, from 0 to 65535; 0 takes a free one. A restart
	// after a crash keeps it, another Start chooses anew.
	Port int
	// MaxMemory is what the server may allocate, in bytes, at least 512 MiB.
	// Queries beyond it fail with an error; the server goes on.
	MaxMemory int64
	// StartTimeout bounds the time until the server answers, first and after
	// each crash.
	StartTimeout time.Duration
	// StopTimeout is how long a stop waits for queries that still run and for
	// clients that keep connections open; then the process is killed, which
	// loses nothing that was acknowledged.
	StopTimeout time.Duration
	// Log gets starts, ends and restarts; nil is silence. What ClickHouse
	// itself says is in the files that Server.Logs names.
	Log *zap.Logger
}

// Default returns the configuration of a server on a laptop, without the engine
// and the directory.
func Default() Config {
	return Config{
		Host:         "127.0.0.1",
		MaxMemory:    2 << 30,
		StartTimeout: 30 * time.Second,
		StopTimeout:  2 * time.Second,
	}
}

// Validate returns all that is wrong with the configuration, or nil.
func (c Config) Validate() error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	check(c.Engine.Path != "", "engine: is missing")
	check(c.Engine.Kind == Library || c.Engine.Kind == Binary, "engine: kind %q is unknown", c.Engine.Kind)
	check(c.Dir != "", "dir: is missing")
	check(net.ParseIP(c.Host) != nil, "host: %q is no IP address", c.Host)
	check(c.Port >= 0 && c.Port <= 65535, "port: %d is not from 0 to 65535", c.Port)
	check(c.MaxMemory >= 512<<20, "max_memory: %d bytes are less than 512 MiB", c.MaxMemory)
	check(c.StartTimeout > 0, "start_timeout: %v is not positive", c.StartTimeout)
	check(c.StopTimeout > 0, "stop_timeout: %v is not positive", c.StopTimeout)
	return errors.Join(problems...)
}

// layout names what is in a data directory.
type layout struct {
	dir, data, functions, lock, engineLock, config, users, logins, passwords, log, output string
}

func newLayout(dir string) layout {
	return layout{
		dir:        dir,
		data:       filepath.Join(dir, "data"),
		functions:  filepath.Join(dir, "data", "user_defined"),
		lock:       filepath.Join(dir, "server.lock"),
		engineLock: filepath.Join(dir, "engine.lock"),
		config:     filepath.Join(dir, "config.xml"),
		users:      filepath.Join(dir, "users.xml"),
		logins:     filepath.Join(dir, "logins.json"),
		passwords:  filepath.Join(dir, "passwords"),
		log:        filepath.Join(dir, "log", "clickhouse.log"),
		output:     filepath.Join(dir, "log", "output.log"),
	}
}
