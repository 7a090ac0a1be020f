package spool

import (
	"time"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/config"
)

// Config says where events wait and how many.
type Config struct {
	Dir       string        `yaml:"dir" doc:"Directory that events wait in while Kafka does not acknowledge them; each collector has its own. Empty: no spool, and 503 while Kafka is away. touchline up has one in its own directory."`
	MaxBytes  config.Bytes  `yaml:"max_bytes" doc:"Most bytes of events that may wait. On disk they take up to twice as much."`
	MaxAge    time.Duration `yaml:"max_age" doc:"Longest that an event may wait before further ones are refused; at most 6 days, so that one that reaches the log twice is recognised within the 7 days in which a retry is."`
	Watermark float64       `yaml:"watermark" doc:"Part of max_bytes and max_age from which on events are refused (503) and the collector is not ready; it takes them again below four fifths of it."`
	Deadline  time.Duration `yaml:"deadline" doc:"Time for Kafka to acknowledge the events of a request before they go to the spool; at most half of http.timeouts.ack, which bounds both."`
	MinFree   config.Bytes  `yaml:"min_free" doc:"Free space on the disk of dir below which nothing more is spooled."`
}

// maxAge is the longest that an event may wait. One that was on its way when Kafka
// went away may be in the log already when it leaves the spool. It is recognised
// while the partition's time is less than topics.DedupWindow after its receipt; a
// day of that is left for the spool to drain after it was full. Raw records expire
// by when they were appended, so their retention does not count here.
const maxAge = topics.DedupWindow - topics.DedupMargin

// Default returns the defaults, which have no directory.
func Default() Config {
	return Config{
		MaxBytes: config.GiB, MaxAge: 24 * time.Hour, Watermark: 0.9,
		Deadline: time.Second, MinFree: 128 * config.MiB,
	}
}

// Validate checks the bounds.
func (c Config) Validate() error {
	var p config.Problems
	if c.MaxBytes < 16*config.MiB || c.MaxBytes > 1024*config.GiB {
		p.Addf("max_bytes", "want 16MiB to 1024GiB, got %v", c.MaxBytes)
	}
	if c.MaxAge < time.Minute || c.MaxAge > maxAge {
		p.Addf("max_age", "want 1m to %v, got %v", maxAge, c.MaxAge)
	}
	if !(c.Watermark >= 0.1 && c.Watermark <= 1) {
		p.Addf("watermark", "want 0.1 to 1, got %v", c.Watermark)
	}
	if c.Deadline < 10*time.Millisecond || c.Deadline > time.Minute {
		p.Addf("deadline", "want 10ms to 1m, got %v", c.Deadline)
	}
	if c.MinFree < openFree {
		p.Addf("min_free", "want at least %v, got %v", config.Bytes(openFree), c.MinFree)
	}
	return p.Err()
}
