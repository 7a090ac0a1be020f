package enricher

import (
	"touchline.dev/schemas/ids"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/internal/projects"
)

// Config is what an enricher is built from.
type Config struct {
	State      State             `yaml:"state"`
	Kafka      kafka.Config      `yaml:"kafka"`
	Membership kafka.Membership  `yaml:"membership"`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Landing    landing.Config    `yaml:"landing"`
	Projects   projects.Config   `yaml:"projects"`
}

// State is what the enricher keeps besides the logs and the tables.
type State struct {
	Dir     string        `yaml:"dir" doc:"Directory of the deduplication index, which is rebuilt when lost, and of the installation secret."`
	MinFree config.Bytes  `yaml:"min_free" doc:"Free space on the disk of dir below which no more events are decided, until there is room again. At least 48MiB: the index writes tables of 1 MiB and merges them into files of 8 MiB."`
	Secret  config.Secret `yaml:"installation_secret" doc:"Key of person and session ids, 32 hex digits, the same for every enricher. Empty: the file installation.secret in dir, made once. Back it up: without it the same people get new ids."`
}

// Default returns a configuration for services on one host; the projects file
// must be given.
func Default() Config {
	return Config{
		State: State{Dir: "enricher-data", MinFree: 64 * config.MiB}, Kafka: kafka.Default(), Membership: kafka.DefaultMembership(),
		ClickHouse: clickhouse.Default(), Landing: landing.Default(), Projects: projects.Default(),
	}
}

// Validate reports every problem of the section.
func (s State) Validate() error {
	var p config.Problems
	if s.Dir == "" {
		p.Addf("dir", "want a directory")
	}
	if s.MinFree < 48*config.MiB {
		p.Addf("min_free", "is %s, want at least 48MiB", s.MinFree)
	}
	if text := s.Secret.Reveal(); text != "" {
		if _, err := ids.ParseSecret(text); err != nil {
			p.Addf("installation_secret", "want 32 hex digits")
		}
	}
	return p.Err()
}
