//go:build sdks

package sdk_test

import (
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"
)

const (
	outage = 30 * time.Second
	// afterwards is how many steps each SDK takes once Kafka is back.
	afterwards = 5
)

// TestOutage: Kafka goes away for 30 s, and each step is there once in the end.
func TestOutage(t *testing.T) {
	all := sdks(t)
	projects := projectsFile(all, "")
	s := newSite(t)
	db := s.tables(t, projects)
	collector := s.collector(t, "collector", projects, "SPOOL_DIR="+s.path("spool"))
	taken := &steps{taken: map[string]int{}}
	running := start(t, s.dir, all, scenario{Scenario: "steps", steps: taken, Wait: 1_000, Linger: 10_000}, func(*sdk) *url.URL { return collector })
	// The outage lies between events of every SDK: it begins once all have landed one.
	await(t, 4*time.Minute, "every SDK has landed an event", func() error {
		var without []string
		for _, one := range all {
			if len(landed(t, db, one)) == 0 {
				without = append(without, one.name)
			}
		}
		if len(without) > 0 {
			return fmt.Errorf("%v have not", without)
		}
		return nil
	})
	gone := map[*sdk]int{}
	for _, one := range all {
		gone[one] = taken.of(one)
	}
	s.stopKafka()
	<-time.After(outage) // the length of the outage is what is tested, not waited for
	s.startKafka(t)
	back := map[*sdk]int{}
	for _, one := range all {
		back[one] = taken.of(one)
	}
	await(t, 2*time.Minute, "every SDK goes on", func() error {
		for _, one := range all {
			if n := taken.of(one); n < back[one]+afterwards {
				return fmt.Errorf("%s has taken %d steps", one.name, n)
			}
		}
		return nil
	})
	taken.end()
	finish(t, running, 4*time.Minute)
	// What waited in the collector comes after; then it must not come twice.
	await(t, 2*time.Minute, "every step has landed", func() error {
		var lost []error
		for _, one := range all {
			if missing := missing(landed(t, db, one), taken.of(one)); len(missing) > 0 {
				lost = append(lost, fmt.Errorf("%s: %d of %d missing: %v", one.name, len(missing), taken.of(one), missing))
			}
		}
		return errors.Join(lost...)
	})
	s.drain(t)
	for _, one := range all {
		t.Logf("%-16s %s: %d steps, %d of them while Kafka was away", one.name, one.version(t), taken.of(one), back[one]-gone[one])
		if back[one] == gone[one] {
			t.Errorf("%s took no step while Kafka was away", one.name)
		}
		for n, times := range landed(t, db, one) {
			if times != 1 {
				t.Errorf("%s: step %d is there %d times", one.name, n, times)
			}
		}
	}
}

// landed returns how often each step is in the table.
func landed(t *testing.T, db *database, s *sdk) map[int]int {
	t.Helper()
	times := map[int]int{}
	for _, r := range query[struct{ N int }](t, db, fmt.Sprintf(
		"SELECT toInt32(%s) AS N FROM touchline.touchpoints WHERE project = '%s' AND type = 'track' AND N > 0", s.step, s.name)) {
		times[r.N]++
	}
	return times
}

func missing(have map[int]int, taken int) (numbers []int) {
	for n := 1; n <= taken; n++ {
		if have[n] == 0 {
			numbers = append(numbers, n)
		}
	}
	return numbers
}
