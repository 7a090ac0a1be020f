package telemetry

import (
	"maps"
	"sync"
)

// Health collects named reasons why a process is not ready for traffic. It is
// ready when no check is failing, also when there are none. All methods may be
// called concurrently.
type Health struct {
	prefix string
	checks *checks
}

type checks struct {
	mu     sync.Mutex              // guards the following
	failed map[string]string       // name to reason
	probes map[string]func() error // asked at each report
}

// NewHealth returns a Health without checks.
func NewHealth() *Health {
	return &Health{checks: &checks{failed: map[string]string{}, probes: map[string]func() error{}}}
}

// Named returns a view of the same Health that puts "name." before the names
// of its checks, so that services in one process do not overwrite each other.
func (h *Health) Named(name string) *Health {
	return &Health{prefix: h.prefix + name + ".", checks: h.checks}
}

// Set records the state of a check; reason says what is wrong and is ignored
// when ok. It is shown to whoever can reach the admin listener.
func (h *Health) Set(name string, ok bool, reason string) {
	h.checks.mu.Lock()
	defer h.checks.mu.Unlock()
	if ok {
		delete(h.checks.failed, h.prefix+name)
	} else {
		h.checks.failed[h.prefix+name] = reason
	}
}

// Probe registers a function whose error is the reason why a check fails. It
// runs for every report, concurrently with itself, and must return at once:
// what needs input or output runs in the background and calls Set.
func (h *Health) Probe(name string, probe func() error) {
	h.checks.mu.Lock()
	defer h.checks.mu.Unlock()
	h.checks.probes[h.prefix+name] = probe
}

// Reasons returns the failing checks and why; empty means ready.
func (h *Health) Reasons() map[string]string {
	h.checks.mu.Lock()
	reasons, probes := maps.Clone(h.checks.failed), maps.Clone(h.checks.probes)
	h.checks.mu.Unlock()
	for name, probe := range probes {
		if err := probe(); err != nil {
			reasons[name] = err.Error()
		}
	}
	return reasons
}
