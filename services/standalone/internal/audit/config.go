package audit

import (
	"time"

	"touchline.dev/services/internal/config"
)

// Config says how often an auditor works.
type Config struct {
	Every time.Duration `yaml:"every" doc:"Time between two rounds of the auditor: how old the ledger is at most, apart from what is in flight."`
}

// Default returns a round every 5 seconds: an insert of a few rows each.
func Default() Config { return Config{Every: 5 * time.Second} }

// Validate reports every problem of the configuration.
func (c Config) Validate() error {
	var p config.Problems
	if c.Every < 100*time.Millisecond || c.Every > time.Hour {
		p.Addf("every", "is %s, want 100ms to 1h", c.Every)
	}
	return p.Err()
}
