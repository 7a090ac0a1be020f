//go:build !realkafka

package e2e_test

import (
	"encoding/json"
	"os"
	"syscall"
	"testing"
)

// deployments are what every test of behaviour runs on.
func deployments() map[string]func(*site) deployment {
	return map[string]func(*site) deployment{"standalone": newStandalone, "separate": newSeparate}
}

// newBrokers is what the kill test of separate processes runs on.
func newBrokers(_ *testing.T, s *site) brokers { return newEmbeddedBroker(s) }

// staticMembers: the embedded broker waits for minutes for members without an
// instance id that died while they joined, so in the kill test all have one.
const staticMembers = true

// newSeparate has two enrichers, which share the partitions.
func newSeparate(s *site) deployment {
	return newSeparateOn(s, newEmbeddedBroker(s), "collector", "enricher-1", "enricher-2", "scorer-1")
}

// embeddedBroker is the broker of `touchline up` in a process of its own.
type embeddedBroker struct {
	site    *site
	address string
	process *process
}

func newEmbeddedBroker(s *site) brokers { return &embeddedBroker{site: s, address: "127.0.0.1:0"} }

func (b *embeddedBroker) start(t *testing.T) {
	t.Helper()
	settings, err := json.Marshal(brokerSettings{b.site.path("kafka"), b.address})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b.process = launch(t, b.site, "broker", self, nil, environment(brokerEnv+"="+string(settings)))
	b.address = b.process.await(t, "broker listens").Address
}

func (b *embeddedBroker) stop(t *testing.T) {
	t.Helper()
	b.process.stop(t)
}

func (b *embeddedBroker) kill()         { b.process.kill() }
func (b *embeddedBroker) seeds() string { return b.address }
func (b *embeddedBroker) replicas() int { return 1 }

func (b *embeddedBroker) parts() []part {
	return []part{{
		name:   "broker",
		kill:   func(*testing.T) { b.kill() },
		revive: b.start,
		ready:  func() error { return nil }, // start has waited
		pause:  func(t *testing.T) { b.process.signal(t, syscall.SIGSTOP) },
		resume: func(t *testing.T) { b.process.signal(t, syscall.SIGCONT) },
	}}
}
