package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"
)

// spooledRecords is the number of events that wait in the spool of a collector.
var spooledRecords = regexp.MustCompile(`(?m)^touchline_collector_spool_records\{.*\} (.*)$`)

// nothingSpooled is nil when no process of the deployment has events in its spool.
func nothingSpooled(d deployment) error {
	for _, admin := range d.admins() {
		answer, err := client().Get(admin + "/metrics")
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		if m := spooledRecords.FindSubmatch(text); len(m) > 1 && string(m[1]) != "0" {
			return fmt.Errorf("%s events wait in the spool", m[1])
		}
	}
	return nil
}

// TestKillSpool kills the collector twenty times while Kafka is away and its spool
// fills, under traffic; in between Kafka is back for a while, so that some of the
// kills meet a spool that drains. Each acknowledged event is there exactly once in
// the end.
func TestKillSpool(t *testing.T) {
	t.Parallel() // it waits more than it works
	seed, random := chaos(t)
	s := newSite(t, killProjects)
	s.writeRules(t, 1)
	d := newSeparateOn(s, newBrokers(t, s), "collector", "enricher-1", "scorer-1")
	d.settings["scorer"] = []string{"SCORER_RULES_FILE=" + s.rules()}
	d.settings["collector"] = []string{"COLLECTOR_SPOOL_DIR=" + s.path("spool"), "COLLECTOR_SPOOL_DEADLINE=200ms"}
	t.Cleanup(d.kill)
	d.start(t)
	tr := startTraffic(t, d, seed)
	underTraffic(t, tr, random)
	filled := 0
	for range setting(t, "E2E_FAULTS", 20) {
		d.brokers.kill()
		underTraffic(t, tr, random) // what is acknowledged now is in the spool
		if nothingSpooled(d) != nil {
			filled++
		}
		d.services["collector"].kill()
		if random.IntN(3) > 0 { // the next collector has a Kafka, which may go at any moment
			d.brokers.start(t)
		}
		d.launchService(t, "collector")
		d.awaitService(t, "collector")
		pause(random, 300)
	}
	d.brokers.kill()
	underTraffic(t, tr, random)
	d.brokers.start(t)
	underTraffic(t, tr, random)
	tr.end()
	audit(t, d, tr.journal)
	t.Logf("E2E_SEED=%d: events waited in the spool at %d of the kills", seed, filled)
	if filled == 0 {
		t.Error("no kill met a spool with events")
	}
	d.stop(t)
}
