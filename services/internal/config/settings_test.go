package config_test

import (
	"fmt"
	"net/netip"
	"time"

	"touchline.dev/services/internal/config"
)

// settings has a field of every supported kind.
type settings struct {
	Listen   string                  `yaml:"listen" doc:"Address to listen on."`
	Verbose  bool                    `yaml:"verbose" doc:"Log more."`
	Ratio    float64                 `yaml:"ratio" doc:"Share of events to keep, 0 to 1."`
	Small    int8                    `yaml:"small" doc:"A small number."`
	Workers  uint                    `yaml:"workers" doc:"Number of workers."`
	Kafka    kafka                   `yaml:"kafka"`
	Proxies  []netip.Prefix          `yaml:"trusted_proxies" doc:"Networks whose headers are believed."`
	Rules    []rule                  `yaml:"rules" doc:"Rules, first match wins."`
	Labels   map[string]string       `yaml:"labels" doc:"Labels | by name."`
	Nested   map[string]rule         `yaml:"nested" doc:"Rules by name."`
	Mode     mode                    `yaml:"mode" doc:"fast or safe."`
	Internal chan int                `yaml:"-"`
	hidden   map[int]*config.Problem //nolint:unused // proves that unexported fields are left alone
}

type kafka struct {
	Brokers  []string      `yaml:"brokers" doc:"Addresses of the first brokers to ask."`
	Linger   time.Duration `yaml:"linger" doc:"Longest wait before a batch is sent."`
	MaxBatch config.Bytes  `yaml:"max_batch" doc:"Largest batch."`
	Password config.Secret `yaml:"password" doc:"Password of the SASL user."`
	User     string        `yaml:"user" doc:"SASL user."`
}

type rule struct {
	Name   string `yaml:"name"`
	Weight int    `yaml:"weight"`
}

type mode string

func (m mode) Validate() error {
	if m != "fast" && m != "safe" {
		return fmt.Errorf("want fast or safe, got %q", string(m))
	}
	return nil
}

func defaults() settings {
	return settings{
		Listen: ":8080", Ratio: 1, Workers: 4, Mode: "safe",
		Kafka: kafka{Brokers: []string{"localhost:9092"}, Linger: 2 * time.Millisecond, MaxBatch: config.MiB},
	}
}

func (s *settings) Validate() error { // on the pointer, as kafka's is on the value
	var p config.Problems
	if s.Ratio < 0 || s.Ratio > 1 {
		p.Addf("ratio", "want 0 to 1, got %v", s.Ratio)
	}
	if s.Verbose && s.Kafka.Linger > time.Second {
		p.Addf("kafka.linger", "want at most 1s when verbose")
	}
	return p.Err()
}

func (k kafka) Validate() error {
	var p config.Problems
	if len(k.Brokers) == 0 {
		p.Addf("brokers", "want at least one broker")
	}
	if (k.User == "") != (k.Password.Reveal() == "") {
		p.Addf("", "user and password go together")
	}
	if k.Linger < 0 {
		p.Addf("linger", "want at least 0s, got %v", k.Linger)
	}
	return p.Err()
}

func (r rule) Validate() error {
	if r.Name == "" {
		return config.Problems{{Path: "name", Message: "want a name"}}
	}
	return nil
}
