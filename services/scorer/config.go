package scorer

import (
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/landing"
	"touchline.dev/services/scorer/internal/fold"
	"touchline.dev/services/scorer/internal/rules"
)

// Config is what a scorer is built from.
type Config struct {
	Kafka      kafka.Config      `yaml:"kafka"`
	Membership kafka.Membership  `yaml:"membership"`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Snapshots  fold.Config       `yaml:"snapshots"`
	Rules      Rules             `yaml:"rules"`
	Landing    landing.Config    `yaml:"landing"`
}

// Rules says where the rules of scores and stages stand.
type Rules struct {
	File string `yaml:"file" doc:"Rules of the lead score and the stages of the life cycle, YAML. Empty: those that come with this release. Read at the start only."`
}

// Validate reports every problem of the rules file.
func (r Rules) Validate() error {
	_, err := rules.Load(r.File)
	if err == nil {
		return nil
	}
	var p config.Problems
	p.Addf("file", "%v", err)
	return p.Err()
}

// Default returns a configuration for services on one host.
func Default() Config {
	return Config{
		Kafka: kafka.Default(), Membership: kafka.DefaultMembership(), ClickHouse: clickhouse.Default(),
		Snapshots: fold.Default(), Landing: landing.Default(),
	}
}
