package landing

import (
	"time"

	"touchline.dev/services/internal/config"
)

// Config says when a chunk is closed.
type Config struct {
	FlushAge    time.Duration `yaml:"flush_age" doc:"What was gathered is inserted when its first record has waited for so long, or a little later: see insert_share."`
	InsertShare float64       `yaml:"insert_share" doc:"Part of the time, 0.01 to 1, for which a service may keep ClickHouse busy with inserts of less than 10,000 rows; chunks grow while they wait."`
	MaxRows     int           `yaml:"max_rows" doc:"A chunk is inserted at once when it has so many rows, of all partitions that a service lands."`
	MaxBytes    config.Bytes  `yaml:"max_bytes" doc:"Memory for chunks, of all partitions that a service lands: half for what is gathered, which is inserted when that is used up, half for what is being inserted."`
}

// Default keeps events queryable within half a second; under load chunks fill up
// to 100,000 rows, where ClickHouse spends least per row (4 CPU-seconds per
// million against 21 at 1,000).
func Default() Config {
	return Config{FlushAge: 300 * time.Millisecond, InsertShare: 0.3, MaxRows: 100_000, MaxBytes: 96 * config.MiB}
}

// Validate reports every problem of the configuration.
func (c Config) Validate() error {
	var p config.Problems
	if c.FlushAge < 10*time.Millisecond || c.FlushAge > time.Minute {
		p.Addf("flush_age", "is %s, want 10ms to 1m", c.FlushAge)
	}
	if !(c.InsertShare >= 0.01 && c.InsertShare <= 1) {
		p.Addf("insert_share", "is %g, want 0.01 to 1", c.InsertShare)
	}
	if c.MaxRows < 1 || c.MaxRows > 1_000_000 {
		p.Addf("max_rows", "is %d, want 1 to 1000000: an insert is one block only up to there", c.MaxRows)
	}
	if c.MaxBytes < config.MiB {
		p.Addf("max_bytes", "is %s, want at least 1MiB", c.MaxBytes)
	}
	return p.Err()
}
