package e2e_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// failoverTime is how soon a partition has to be worked on again after its owner
// died or hung, under the default settings.
const failoverTime = 15 * time.Second

// TestFailover kills one enricher and stops the other from running, and measures
// when events land again of the partitions they had.
func TestFailover(t *testing.T) {
	seed, random := chaos(t)
	s := newSite(t, killProjects)
	s.writeRules(t, 1)
	d := newSeparateOn(s, newBrokers(t, s), "collector", "enricher-1", "enricher-2", "scorer-1")
	d.session = 0
	d.settings["scorer"] = []string{"SCORER_RULES_FILE=" + s.rules()}
	t.Cleanup(d.kill)
	d.start(t)
	tr := startTraffic(t, d, seed)
	first, second := d.service("enricher-1"), d.service("enricher-2")
	for _, c := range []struct {
		how        string
		part       part
		hurt, heal func(*testing.T)
	}{
		{"SIGSTOP", first, first.pause, first.resume},
		{"SIGKILL", second, second.kill, second.revive},
	} {
		for try := 1; ; try++ {
			slowest := failOver(t, d, tr, random, c.how, c.part, c.hurt)
			c.heal(t)
			await(t, startTime, c.part.name+" is ready", c.part.ready)
			if slowest <= failoverTime {
				break
			}
			// Other work on the machine delays it, but not every time.
			if try == 3 {
				t.Errorf("%s of %s: a partition was not worked on for %s, want less than %s", c.how, c.part.name, slowest, failoverTime)
				break
			}
		}
	}
	tr.end()
	audit(t, d, tr.journal)
	d.stop(t)
}

// failOver hurts the owner of partitions under traffic and returns how long it took
// until events of every partition landed again.
func failOver(t *testing.T, d *separate, tr *traffic, random *rand.Rand, how string, p part, hurt func(*testing.T)) time.Duration {
	t.Helper()
	awaitLanding(t, d, time.Now(), 4*failoverTime)
	var owned []int32
	await(t, time.Minute, p.name+" owns partitions", func() error {
		if owned = ownedPartitions(d.services[p.name]); len(owned) == 0 {
			return errors.New("none")
		}
		return nil
	})
	underTraffic(t, tr, random)
	began := time.Now()
	hurt(t)
	took := awaitLanding(t, d, began, 4*failoverTime)
	t.Logf("%s of %s, which owned partitions %v: events of each partition landed again after %v", how, p.name, owned, took)
	return slices.Max(slices.Collect(maps.Values(took)))
}

// awaitLanding returns for each partition how long after a moment an event
// received later than that was in the table.
func awaitLanding(t *testing.T, d deployment, since time.Time, limit time.Duration) map[int]time.Duration {
	t.Helper()
	took := map[int]time.Duration{}
	const partitions = 4
	await(t, limit, "events of all partitions land", func() error {
		rows, err := selectRows[struct {
			Partition int `json:"partition"`
		}](d.writer(), "SELECT DISTINCT src_partition AS partition FROM touchline.touchpoints WHERE received_at > fromUnixTimestamp64Milli({since:Int64})",
			map[string]string{"since": fmt.Sprint(since.UnixMilli())})
		if err != nil {
			return err
		}
		for _, r := range rows {
			if _, ok := took[r.Partition]; !ok {
				took[r.Partition] = time.Since(since).Round(10 * time.Millisecond)
			}
		}
		if len(took) < partitions {
			return fmt.Errorf("%v", took)
		}
		return nil
	})
	return took
}

// ownedPartitions are those that a process has been assigned in the group that
// writes the dense log, by its own log.
func ownedPartitions(p *process) []int32 {
	owned := map[int32]bool{}
	for e := range p.entries() {
		switch {
		case !strings.HasSuffix(e.Group, "enricher"):
		case e.Msg == "partition assigned":
			owned[e.Partition] = true
		case e.Msg == "partition released":
			delete(owned, e.Partition)
		}
	}
	return slices.Sorted(maps.Keys(owned))
}
