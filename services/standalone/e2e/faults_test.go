package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
)

// newStorm makes the faults of a deployment of separate processes.
func newStorm(t *testing.T, d *separate, tr *traffic, seed uint64) *storm {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 2))
	s := &storm{t: t, d: d, tr: tr, random: random, moments: rand.New(rand.NewPCG(seed, 3)), enrichment: 2, rules: 2}
	for _, group := range []struct {
		name string
		// least and most is how long a pause takes.
		least, most time.Duration
	}{
		{"collector", time.Second, 8 * time.Second},
		// Longer than a session: others have taken over when they wake up.
		{"enricher", d.session + time.Second, d.session + 3*time.Second},
		{"scorer", d.session + time.Second, d.session + 3*time.Second},
		{"clickhouse", time.Second, 8 * time.Second},
		{"broker", time.Second, 10 * time.Second},
		{"audit", time.Second, 4 * time.Second},
	} {
		pick := func() part {
			parts := slices.DeleteFunc(d.parts(), func(p part) bool { return kindOf(p.name) != group.name })
			return parts[random.IntN(len(parts))]
		}
		s.kinds = append(s.kinds,
			kind{"kill " + group.name, func() fault { return s.kill(pick()) }},
			kind{"pause " + group.name, func() fault {
				return s.pause(pick(), group.least+upTo(random, int((group.most-group.least).Milliseconds())))
			}})
	}
	s.kinds = append(s.kinds,
		kind{"delete index", s.deleteIndex},
		kind{rollEnrichers, s.rollEnrichers},
		kind{rollScorers, s.rollScorers},
		kind{"scale enrichers", s.scaleEnrichers},
	)
	return s
}

// kill ends a part with SIGKILL and starts it again after up to two seconds.
func (s *storm) kill(p part) fault {
	return fault{name: "kill " + p.name, parts: []string{kindOfBroker(p.name)}, steps: []step{
		{what: "SIGKILL", do: p.kill, hold: upTo(s.random, 2000)},
		{what: "start", do: p.revive, until: p.ready},
	}}
}

// pause stops a part for a while.
func (s *storm) pause(p part, hold time.Duration) fault {
	return fault{name: "pause " + p.name, parts: []string{kindOfBroker(p.name)}, steps: []step{
		{what: fmt.Sprintf("SIGSTOP for %s", hold), do: p.pause, hold: hold},
		{what: "SIGCONT", do: p.resume, until: p.ready},
	}}
}

// kindOfBroker is one name for all brokers: of three, two have to be well for
// anything to go on.
func kindOfBroker(name string) string {
	if kindOf(name) == "broker" {
		return "broker"
	}
	return name
}

// deleteIndex takes an enricher's deduplication index away while it is down.
func (s *storm) deleteIndex() fault {
	p := s.d.service(fmt.Sprintf("enricher-%d", 1+s.random.IntN(2)))
	return fault{name: "delete index of " + p.name, parts: []string{p.name}, steps: []step{
		{what: "SIGKILL", do: p.kill, hold: upTo(s.random, 2000)},
		{what: "delete and start", do: func(t *testing.T) {
			t.Helper()
			if err := os.RemoveAll(s.d.site.path(p.name, "dedup")); err != nil {
				t.Fatal(err)
			}
			p.revive(t)
		}, until: p.ready},
	}}
}

// restart ends a service with SIGTERM and starts it again.
func (s *storm) restart(name string) []step {
	p := s.d.service(name)
	return append(s.retire(name), step{what: "start " + name, do: p.revive, until: p.ready, hold: upTo(s.random, 500)})
}

// retire ends a service with SIGTERM.
func (s *storm) retire(name string) []step {
	return []step{{
		what: "SIGTERM to " + name,
		do:   func(t *testing.T) { t.Helper(); s.d.services[name].dismiss(t) },
		until: func() error {
			p := s.d.services[name]
			if p.running() {
				return errors.New("still running")
			}
			if p.err != nil {
				s.t.Errorf("%s stopped with %v\n%s", name, p.err, p.tail())
			}
			return nil
		},
	}}
}

// rollEnrichers restarts the enrichers one after the other under other rules:
// every second time the release's own again.
func (s *storm) rollEnrichers() fault {
	version := s.enrichment
	f := fault{name: fmt.Sprintf("roll enrichers to version %d", version), parts: []string{"enricher-1", "enricher-2", "enricher-3"}}
	f.steps = []step{{what: "change the program", do: func(*testing.T) {
		s.d.programs["enricher"] = ""
		if version > 1 {
			s.d.programs["enricher"] = s.newer
		}
		s.enrichment = 3 - version
	}}}
	f.steps = append(f.steps, s.restart("enricher-1")...)
	f.steps = append(f.steps, s.restart("enricher-2")...)
	return f
}

// rollScorers restarts the scorers one after the other under newer rules.
func (s *storm) rollScorers() fault {
	version := s.rules
	f := fault{name: fmt.Sprintf("roll scorers to version %d", version), parts: []string{"scorer-1", "scorer-2"}}
	f.steps = []step{{what: "change the rules", do: func(t *testing.T) {
		t.Helper()
		s.d.site.writeRules(t, version)
		s.rules++
	}}}
	f.steps = append(f.steps, s.restart("scorer-1")...)
	f.steps = append(f.steps, s.restart("scorer-2")...)
	return f
}

// scaleEnrichers goes from two enrichers to three, to one, and back to two.
func (s *storm) scaleEnrichers() fault {
	third := s.d.service("enricher-3")
	f := fault{name: "scale enrichers", parts: []string{"enricher-1", "enricher-2", "enricher-3"}, steps: []step{
		{what: "start enricher-3", do: third.revive, until: third.ready, hold: upTo(s.random, 3000)},
	}}
	f.steps = append(f.steps, s.retire("enricher-1")...)
	f.steps = append(f.steps, s.retire("enricher-2")...)
	f.steps[len(f.steps)-1].hold = upTo(s.random, 3000)
	for _, name := range []string{"enricher-1", "enricher-2"} {
		p := s.d.service(name)
		f.steps = append(f.steps, step{what: "start " + name, do: p.revive, until: p.ready})
	}
	f.steps = append(f.steps, step{what: "wait for the groups", do: func(*testing.T) {}, until: s.joined})
	f.steps = append(f.steps, s.retire("enricher-3")...)
	return f
}

// joined returns nil when nobody is joining the enrichers' groups: the embedded broker
// would wait for minutes for a member that ends in the middle of that.
func (s *storm) joined() error {
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(s.d.kafka(), ",")...))
	if err != nil {
		return err
	}
	defer cl.Close()
	described, err := kadm.NewClient(cl).DescribeGroups(ctx, topics.GroupEnricher, topics.GroupTouchpoints)
	if err != nil {
		return err
	}
	for _, g := range described {
		if g.State != "Stable" {
			return fmt.Errorf("%s is %s", g.Group, g.State)
		}
	}
	return nil
}
