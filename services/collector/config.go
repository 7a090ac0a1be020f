package collector

import (
	"net"
	"net/netip"
	"path"
	"strings"
	"time"

	"touchline.dev/schemas/projects"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
)

// Config is what a collector is built from.
type Config struct {
	HTTP  HTTP         `yaml:"http"`
	Kafka kafka.Config `yaml:"kafka"`
	Spool Spool        `yaml:"spool"`
}

// Validate checks what the sections have to do with each other.
func (c Config) Validate() error { return checkSpool(c.HTTP, c.Spool) }

// HTTP is how the collector meets its clients.
type HTTP struct {
	Listen   string   `yaml:"listen" doc:"Address that SDKs post to; port 0 takes a free one."`
	Limits   Limits   `yaml:"limits"`
	Timeouts Timeouts `yaml:"timeouts"`
	TLS      TLS      `yaml:"tls"`
	Scripts  string   `yaml:"scripts" doc:"Directory with the SDKs' scripts, which are served under the paths that their snippets ask for; touchline sdk fetch fills it. It is read at the start and on SIGHUP. Empty for none."`
	// Paths is a map because the names are the operator's own.
	Paths map[string]string `yaml:"paths" doc:"Further names of paths, such as /c/h.js: /matomo.js; a name stands also for what is below it, as in /in: /posthog."`
	// TrustedProxies is a list because proxies stand in front of proxies.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies" doc:"Networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8. Without any the address of the socket is the client's."`
}

// Limits bound what one request, and all together, may hold.
type Limits struct {
	MaxBodyBytes     config.Bytes `yaml:"max_body_bytes" doc:"Largest body once it is unpacked; SDKs send up to 500KB. Beyond 1MiB it may also be no more than 300 times as large as it was sent."`
	MaxWireBytes     config.Bytes `yaml:"max_wire_bytes" doc:"Largest body as it is sent."`
	MaxEventBytes    config.Bytes `yaml:"max_event_bytes" doc:"Largest event, at most 1MiB; projects may set their own below it. Longer ones are rejected, with their first 64KiB kept."`
	MaxEvents        int          `yaml:"max_events" doc:"Most events in one request; projects may set their own below it."`
	MaxDepth         int          `yaml:"max_depth" doc:"Deepest nesting of an event; deeper ones are rejected."`
	MaxKeys          int          `yaml:"max_keys" doc:"Most members of all objects of an event together; events with more are rejected."`
	MaxStringBytes   config.Bytes `yaml:"max_string_bytes" doc:"Longest string of an event, as written; events with longer ones are rejected."`
	MaxInflightBytes config.Bytes `yaml:"max_inflight_bytes" doc:"Memory for bodies being read and records waiting for Kafka. Beyond it requests get 503 and come again."`
	MaxConnections   int          `yaml:"max_connections" doc:"Most connections at a time; further ones wait to be accepted."`
}

// Timeouts bound how long things take.
type Timeouts struct {
	Header time.Duration `yaml:"header" doc:"Time for a request's headers to arrive."`
	Read   time.Duration `yaml:"read" doc:"Time for a whole request to arrive; then 408."`
	Idle   time.Duration `yaml:"idle" doc:"Time a connection is kept between requests. Load balancers should keep theirs for less."`
	Ack    time.Duration `yaml:"ack" doc:"Time for Kafka to acknowledge the events of a request; then 503. Below the shortest timeout of an SDK, 5s."`
	Drain  time.Duration `yaml:"drain" doc:"Time for requests in flight when the collector stops; those that take longer are cut, unanswered."`
}

// hardBodyBytes bounds the limits of a body: several of them must fit into
// memory at once.
const hardBodyBytes = 64 * config.MiB

// The largest request must fit into the budget, or it would be answered 503 for
// ever. Its body is held twice (packed and unpacked), its events once more in
// their records, and the context of a batch may add up to four times the limit
// of a body (see intake): 8 with some room. Each record has an envelope and the
// client's structures besides: up to 5 KiB.
const (
	inflightBodies = 8
	inflightRecord = 5 * config.KiB
)

// largeBytes is what bodies above 128 KiB get together: room for one of the largest
// as it was sent, unpacked, and with the window of its packer. More would be there
// for the records of others as well, but not within 300 MB beside 10,000 connections.
func (l Limits) largeBytes() config.Bytes {
	return 3 * max(l.MaxBodyBytes, l.MaxWireBytes, 4*config.MiB)
}

// Default returns the configuration of a collector and a broker on this host.
func Default() Config {
	return Config{HTTP: DefaultHTTP(), Kafka: kafka.Default(), Spool: DefaultSpool()}
}

// DefaultHTTP returns the defaults of the HTTP section.
func DefaultHTTP() HTTP {
	return HTTP{
		Listen: "127.0.0.1:8080",
		Limits: Limits{
			MaxBodyBytes: 4 * config.MiB, MaxWireBytes: 4 * config.MiB, MaxEventBytes: projects.MaxEventBytes,
			MaxEvents: projects.DefaultMaxEventsPerRequest, MaxDepth: 64, MaxKeys: 10_000, MaxStringBytes: 128 * config.KiB,
			MaxInflightBytes: 128 * config.MiB, MaxConnections: 10_000,
		},
		Timeouts: Timeouts{
			Header: 5 * time.Second, Read: 15 * time.Second, Idle: 75 * time.Second,
			Ack: 4 * time.Second, Drain: 8 * time.Second,
		},
	}
}

// Validate checks the address and the proxies.
func (h HTTP) Validate() error {
	var p config.Problems
	if _, _, err := net.SplitHostPort(h.Listen); err != nil {
		p.Addf("listen", "want HOST:PORT, got %q", h.Listen)
	}
	for _, prefix := range h.TrustedProxies {
		if !prefix.IsValid() || prefix != prefix.Masked() {
			p.Addf("trusted_proxies", "want networks such as 10.0.0.0/8, got %v", prefix)
		}
	}
	for name, target := range h.Paths {
		if name != path.Clean(name) || !strings.HasPrefix(name, "/") || name == "/" || strings.ContainsAny(name, "{}") {
			p.Addf("paths", "want a name such as /c/h.js, got %q", name)
		}
		if target != path.Clean(target) || !strings.HasPrefix(target, "/") || target == name {
			p.Addf("paths", "want a path such as /matomo.js for %s, got %q", name, target)
		}
	}
	return p.Err()
}

// Validate checks the bounds of the bounds.
func (l Limits) Validate() error {
	var p config.Problems
	bytes := func(key string, v, least, most config.Bytes) {
		if v < least || v > most {
			p.Addf(key, "want %v to %v, got %v", least, most, v)
		}
	}
	number := func(key string, v, least, most int) {
		if v < least || v > most {
			p.Addf(key, "want %d to %d, got %d", least, most, v)
		}
	}
	bytes("max_body_bytes", l.MaxBodyBytes, config.KiB, hardBodyBytes)
	bytes("max_wire_bytes", l.MaxWireBytes, config.KiB, hardBodyBytes)
	bytes("max_event_bytes", l.MaxEventBytes, config.KiB, projects.MaxEventBytes)
	bytes("max_inflight_bytes", l.MaxInflightBytes,
		inflightBodies*max(l.MaxBodyBytes, l.MaxWireBytes)+inflightRecord*config.Bytes(max(0, l.MaxEvents)), 64*config.GiB)
	number("max_events", l.MaxEvents, 1, 100_000)
	number("max_depth", l.MaxDepth, 1, 1_000)
	number("max_keys", l.MaxKeys, 1, projects.MaxEventBytes)
	bytes("max_string_bytes", l.MaxStringBytes, 1, projects.MaxEventBytes)
	number("max_connections", l.MaxConnections, 1, 1_000_000)
	return p.Err()
}

// slack is how much later than asked for a connection may time out.
func (t Timeouts) slack() time.Duration { return min(t.Header, t.Read, t.Idle) / 8 }

// Validate checks that every time is positive and of a sensible length.
func (t Timeouts) Validate() error {
	var p config.Problems
	duration := func(key string, v time.Duration) {
		if v < time.Millisecond || v > time.Hour {
			p.Addf(key, "want 1ms to 1h, got %v", v)
		}
	}
	duration("header", t.Header)
	duration("read", t.Read)
	duration("idle", t.Idle)
	duration("ack", t.Ack)
	duration("drain", t.Drain)
	return p.Err()
}
