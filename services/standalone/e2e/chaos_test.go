package e2e_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// chaos is a source of random moments; its seed is printed and may be given.
func chaos(t *testing.T) (seed uint64, random *rand.Rand) {
	t.Helper()
	seed = setting(t, "E2E_SEED", uint64(time.Now().UnixNano())%1e9)
	t.Logf("E2E_SEED=%d", seed)
	return seed, rand.New(rand.NewPCG(seed, 1))
}

// TestChaos hurts the parts of a deployment of separate processes in random
// order, under traffic, and then wants every acknowledged event exactly once.
// E2E_FAULTS says how many faults; E2E_MIX draws from those named, joined by
// a comma and a space, instead of all.
func TestChaos(t *testing.T) {
	t.Parallel() // it waits more than it works
	seed, random := chaos(t)
	s := newSite(t, killProjects)
	s.writeRules(t, 1)
	d := newSeparateOn(s, newBrokers(t, s), "collector", "enricher-1", "enricher-2", "scorer-1", "scorer-2", "audit")
	d.static = staticMembers
	d.settings["scorer"] = []string{"SCORER_RULES_FILE=" + s.rules()}
	t.Cleanup(d.kill)
	d.start(t)
	tr := startTraffic(t, d, seed)
	storm := newStorm(t, d, tr, seed)
	if mix := os.Getenv("E2E_MIX"); mix != "" {
		storm.only(strings.Split(mix, ", "))
	}
	storm.run(int(setting(t, "E2E_FAULTS", uint64(len(storm.kinds)))))
	underTraffic(t, tr, random)
	tr.end()
	began := time.Now()
	audit(t, d, tr.journal)
	t.Logf("E2E_SEED=%d: %d faults in %s, all accounted for %s after the last event", seed, storm.count, storm.took.Round(time.Second), time.Since(began).Round(100*time.Millisecond))
	storm.checkVersions()
	checkLedgerView(t, d)
	auditTampered(t, d)
	d.stop(t)
}

// underTraffic returns at a random moment up to 1.5 s after clients were
// acknowledged something new: nothing is hurt that does not work.
func underTraffic(t *testing.T, tr *traffic, random *rand.Rand) {
	t.Helper()
	before := tr.journal.ackedPosts()
	await(t, 90*time.Second, "clients are served", func() error {
		if tr.journal.ackedPosts() == before {
			return errors.New("nothing acknowledged")
		}
		return nil
	})
	pause(random, 1500)
}

// pause waits for a random number of milliseconds: the moments are what is random
// here.
func pause(random *rand.Rand, most int) { time.Sleep(upTo(random, most)) }

func upTo(random *rand.Rand, most int) time.Duration {
	return time.Duration(random.IntN(most)) * time.Millisecond
}
