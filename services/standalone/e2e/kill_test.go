//go:build !realkafka

package e2e_test

import (
	"errors"
	"syscall"
	"testing"
)

// newKilledStandalone is `touchline up` with the rules of the traffic, under
// traffic.
func newKilledStandalone(t *testing.T, seed uint64) (*standalone, *traffic) {
	t.Helper()
	d := newStandalone(newSite(t, killProjects)).(*standalone)
	d.site.writeRules(t, 1)
	d.args = []string{"--rules.file", d.site.rules()}
	t.Cleanup(d.kill)
	d.start(t)
	return d, startTraffic(t, d, seed)
}

// TestKillStandalone kills `touchline up` ten times under traffic, and in between
// also while it starts.
func TestKillStandalone(t *testing.T) {
	t.Parallel()
	seed, random := chaos(t)
	d, tr := newKilledStandalone(t, seed)
	for range setting(t, "E2E_FAULTS", 10) {
		underTraffic(t, tr, random)
		d.kill()
		if random.IntN(4) == 0 {
			d.launch(t)
			pause(random, 1500)
			d.kill()
		}
		d.start(t)
	}
	underTraffic(t, tr, random)
	tr.end()
	audit(t, d, tr.journal)
	d.stop(t)
	d.start(t)
	audit(t, d, tr.journal)
	auditTampered(t, d)
	d.stop(t)
}

// TestKillStandaloneClickHouse kills the database under the running process.
func TestKillStandaloneClickHouse(t *testing.T) {
	t.Parallel()
	seed, random := chaos(t)
	d, tr := newKilledStandalone(t, seed)
	for range setting(t, "E2E_FAULTS", 2) {
		underTraffic(t, tr, random)
		d.killClickHouse(t)
		pause(random, 1000)
	}
	underTraffic(t, tr, random)
	d.kill()
	d.start(t)
	underTraffic(t, tr, random)
	tr.end()
	audit(t, d, tr.journal)
	d.stop(t)
}

// killClickHouse kills the child by the id that the log tells.
func (d *standalone) killClickHouse(t *testing.T) {
	t.Helper()
	line := d.process.await(t, "clickhouse is ready")
	if err := syscall.Kill(line.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatalf("kill clickhouse: %v", err)
	}
}
