package e2e_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

const killProjects = "projects: [{id: shop, write_keys: [wk_shop], currency: EUR}, {id: other, write_keys: [wk_other]}]\n"

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

// TestKillStandalone kills `touchline up` ten times under traffic, and in between
// also while it starts.
func TestKillStandalone(t *testing.T) {
	seed, random := chaos(t)
	d := newStandalone(newSite(t, killProjects)).(*standalone)
	t.Cleanup(d.kill)
	d.start(t)
	tr := startTraffic(t, d, "wk_shop", seed)
	for range setting(t, "E2E_KILLS", 10) {
		underTraffic(t, tr, random)
		d.kill()
		if random.IntN(4) == 0 {
			d.launch(t)
			pause(random, 1500*time.Millisecond)
			d.kill()
		}
		d.start(t)
	}
	underTraffic(t, tr, random)
	tr.end()
	audit(t, d, "shop", tr.journal)
	d.stop(t)
	d.start(t)
	audit(t, d, "shop", tr.journal)
	d.stop(t)
}

// TestKillStandaloneClickHouse kills the database under the running process.
func TestKillStandaloneClickHouse(t *testing.T) { killEach(t, newStandalone, "clickhouse") }

// TestKillServices kills each of the separate processes in turn, then all at
// once.
func TestKillServices(t *testing.T) {
	killEach(t, newSeparate, append(serviceNames(), "broker", "clickhouse")...)
}

// killEach kills parts of a deployment, each several times, under traffic.
func killEach(t *testing.T, make func(*site) deployment, names ...string) {
	t.Helper()
	seed, random := chaos(t)
	d := make(newSite(t, killProjects))
	t.Cleanup(d.kill)
	d.start(t)
	tr := startTraffic(t, d, "wk_shop", seed)
	rounds := max(1, setting(t, "E2E_KILLS", 10)/5)
	for range rounds {
		for _, name := range names {
			parts := d.parts()
			i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
			if i < 0 {
				t.Fatalf("there is no part %q", name)
			}
			underTraffic(t, tr, random)
			parts[i].kill(t)
			pause(random, time.Second)
			parts[i].revive(t)
		}
	}
	underTraffic(t, tr, random)
	d.kill()
	d.start(t)
	underTraffic(t, tr, random)
	tr.end()
	audit(t, d, "shop", tr.journal)
	d.stop(t)
}

// underTraffic returns at a random moment up to 1.5 s after clients were
// acknowledged something new: nothing is killed that does not work.
func underTraffic(t *testing.T, tr *traffic, random *rand.Rand) {
	t.Helper()
	before := tr.journal.ackedCount()
	await(t, time.Minute, "clients are served", func() error {
		if tr.journal.ackedCount() == before {
			return errors.New("nothing acknowledged")
		}
		return nil
	})
	pause(random, 1500*time.Millisecond)
}

// pause waits for a random time: the moments of a kill are what is random here.
func pause(random *rand.Rand, most time.Duration) {
	time.Sleep(time.Duration(random.Int64N(int64(most))))
}
