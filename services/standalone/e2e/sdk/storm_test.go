//go:build sdks

package sdk_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// An SDK may ask less than twice a second, seen over the time of a storm.
const (
	stormTime = 10 * time.Second
	stormMost = 2 * int(stormTime/time.Second)
)

// TestStorm: whatever the collector answers, no SDK hammers at it. Each sends three
// events of its own, and is closed four seconds later.
func TestStorm(t *testing.T) {
	all := sdks(t)
	s := newSite(t)
	well := s.collector(t, "collector", projectsFile(all, ""))
	// Collectors that have to refuse, and what makes them.
	strangers := make([]*sdk, len(all))
	for i, one := range all {
		other := *one
		other.key = fmt.Sprintf("%d", 1_000_000+i)
		strangers[i] = &other
	}
	refusing := map[string]*url.URL{
		"unknown key":    s.collector(t, "strangers", projectsFile(strangers, "")),
		"foreign origin": s.collector(t, "origins", projectsFile(all, ", origins: [https://elsewhere.example]")),
		"over the rate":  s.collector(t, "rates", projectsFile(all, ", rate: {events_per_second: 0.001, burst: 1}")),
		"too large": s.collector(t, "small", projectsFile(all, ""),
			"HTTP_LIMITS_MAX_BODY_BYTES=1KiB", "HTTP_LIMITS_MAX_WIRE_BYTES=1KiB"),
		// By default it waits 15 s, and nobody could ask often.
		"body that stops": s.collector(t, "impatient", projectsFile(all, ""), "HTTP_TIMEOUTS_READ=1s"),
		// Kafka is away and the spool is full.
		"unavailable": s.collector(t, "full", projectsFile(all, ""), "KAFKA_BROKERS=127.0.0.1:1",
			"SPOOL_DIR="+s.path("full-spool"), "SPOOL_MIN_FREE=1048576GiB", "SPOOL_DEADLINE=50ms", "HTTP_TIMEOUTS_ACK=100ms"),
	}
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			faulty := refusing[f.name]
			if faulty == nil {
				faulty = well
			}
			proxies := map[*sdk]*proxy{}
			for _, one := range all {
				proxies[one] = newProxy(t, f, well, faulty)
			}
			running := start(t, t.TempDir(), all, scenario{Scenario: "steps", Count: 3, Wait: 1_000, Linger: 4_000, Padding: 2_000},
				func(one *sdk) *url.URL { return proxies[one].url })
			// The time of each begins with its first request, whenever the machine has
			// come to that. What is tried beyond it is cut with its SDK, whose exit code
			// then says nothing.
			await(t, 3*time.Minute, "the storm is over", func() error {
				for _, p := range running {
					if !p.ended() && !over(p, proxies) {
						return errors.New(p.name + " goes on")
					}
				}
				return nil
			})
			for _, p := range running {
				p.kill()
			}
			provoked := f.status == 0
			for _, one := range all {
				p := proxies[one]
				n, statuses := p.within(stormTime), p.statuses()
				t.Logf("%-16s %-16s %2d requests in %s, answered %s", f.name, one.name, n, stormTime, statuses)
				provoked = provoked || strings.Contains(statuses, fmt.Sprint(f.status))
				switch {
				case n == 0:
					t.Errorf("%s asked for nothing", one.name)
				case n >= stormMost:
					t.Errorf("%s asked %d times in %s: %s", one.name, n, stormTime, p.times())
				}
			}
			if !provoked {
				t.Errorf("the collector never answered %d", f.status)
			}
		})
	}
}

// over reports whether the time of all SDKs that the process runs has passed.
func over(running *process, proxies map[*sdk]*proxy) bool {
	for one, p := range proxies {
		if (running.name == one.name || running.name == "browser" && one.browser) && !p.over() {
			return false
		}
	}
	return true
}
