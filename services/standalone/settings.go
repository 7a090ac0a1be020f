package standalone

import (
	"net"
	"path/filepath"
	"time"

	"touchline.dev/services/collector"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/scorer"
	"touchline.dev/services/standalone/internal/audit"
)

// Settings are those of `touchline up`.
type Settings struct {
	Dir      string `yaml:"dir" doc:"Directory that keeps everything: the log, the tables, the installation secret. Back up enricher/installation.secret in it."`
	Listen   string `yaml:"listen" doc:"Address that SDKs post to; port 0 takes a free one."`
	Projects string `yaml:"projects" doc:"The projects file. Without one there is the project demo with the write key demo."`
	// ReadyFile is written besides the one in Dir.
	ReadyFile  string    `yaml:"ready_file" doc:"File to write, as JSON, once everything is ready: addresses, the BI user's password, write keys."`
	ClickHouse ServerURL `yaml:"clickhouse" doc:"A ClickHouse server to use instead of the embedded one, http://user:password@host:port."`
	Kafka      string    `yaml:"kafka" doc:"Address of the embedded broker; port 0 takes a free one."`
	CacheDir   string    `yaml:"cache_dir" doc:"Where the ClickHouse library is kept once it was fetched. Empty: touchline in the user's cache directory."`
	Demo       bool      `yaml:"demo" doc:"Post the traffic of a small demo shop, the last 30 days and live, and show what the queries make of it."`

	ClickHouseServer ClickHouseServer `yaml:"clickhouse_server"`
	HTTP             collector.HTTP   `yaml:"http"`
	Spool            collector.Spool  `yaml:"spool"`
	Membership       kafka.Membership `yaml:"membership"`
	Landing          landing.Config   `yaml:"landing"`
	Rules            scorer.Rules     `yaml:"rules"`
	Audit            audit.Config     `yaml:"audit"`
	Lifecycle        lifecycle.Config `yaml:"lifecycle"`
	Telemetry        telemetry.Config `yaml:"telemetry"`
}

// ClickHouseServer configures the embedded ClickHouse.
type ClickHouseServer struct {
	Listen    string       `yaml:"listen" doc:"Address that BI tools connect to over HTTP; port 0 takes a free one."`
	MaxMemory config.Bytes `yaml:"max_memory" doc:"Memory that ClickHouse may use; queries beyond it fail."`
}

// DefaultSettings fit a laptop.
func DefaultSettings() Settings {
	s := Settings{
		Dir: ".data", Listen: "127.0.0.1:8080", Kafka: "127.0.0.1:0",
		ClickHouseServer: ClickHouseServer{Listen: "127.0.0.1:0", MaxMemory: 2 * config.GiB},
		HTTP:             collector.DefaultHTTP(), Spool: collector.DefaultSpool(), Membership: kafka.DefaultMembership(), Landing: landing.Default(), Rules: scorer.Default().Rules,
		Audit:     audit.Default(),
		Lifecycle: lifecycle.Default(), Telemetry: telemetry.Default(),
	}
	// One process holds what are four otherwise: 64 MiB of chunks in each of the two
	// landings, four consumers, and the broker's index and page buffers.
	s.Lifecycle.MemoryLimit = 384 * config.MiB
	// A client that stops sending in the middle of a request must not take the
	// time of the others: of the 10 s to stop in, ClickHouse may need 4.
	s.HTTP.Timeouts.Drain = 3 * time.Second
	return s
}

// Validate reports every problem of the fields of its own.
func (s Settings) Validate() error {
	var p config.Problems
	if s.Dir == "" {
		p.Addf("dir", "want a directory")
	}
	for key, addr := range map[string]string{"listen": s.Listen, "kafka": s.Kafka} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			p.Addf(key, "want HOST:PORT, got %q", addr)
		}
	}
	if s.HTTP.Listen != collector.DefaultHTTP().Listen {
		p.Addf("http.listen", "is not used here, set listen")
	}
	if s.Spool.Dir != "" {
		p.Addf("spool.dir", "is not used here, set dir")
	}
	return p.Err()
}

// Validate reports every problem of the section.
func (c ClickHouseServer) Validate() error {
	var p config.Problems
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		p.Addf("listen", "want HOST:PORT, got %q", c.Listen)
	}
	if c.MaxMemory < 512*config.MiB {
		p.Addf("max_memory", "want at least 512MiB, got %v", c.MaxMemory)
	}
	return p.Err()
}

// The parts of the directory.
func (s Settings) brokerDir() string     { return filepath.Join(s.Dir, "kafka") }
func (s Settings) clickHouseDir() string { return filepath.Join(s.Dir, "clickhouse") }
func (s Settings) enricherDir() string   { return filepath.Join(s.Dir, "enricher") }
func (s Settings) spoolDir() string      { return filepath.Join(s.Dir, "collector", "spool") }
func (s Settings) readyFile() string     { return filepath.Join(s.Dir, "ready.json") }
func (s Settings) projectsFile() string {
	if s.Projects != "" {
		return s.Projects
	}
	return filepath.Join(s.Dir, "projects.yaml")
}
