package e2e_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// fault is something that happens to parts of a deployment, step by step. No part
// has two faults at a time.
type fault struct {
	name  string
	parts []string
	steps []step
}

// step is one action of a fault. The next one comes when hold has passed and
// until is nil.
type step struct {
	what  string
	do    func(t *testing.T)
	hold  time.Duration
	until func() error
}

// running is a fault under way.
type running struct {
	fault
	number int
	// next is the step that comes next, due when it may.
	next  int
	due   time.Time
	limit time.Time
}

// storm hurts a deployment under traffic, with up to two faults at a time. It is
// for the goroutine of the test.
type storm struct {
	t  *testing.T
	d  *separate
	tr *traffic
	// random is for faults and their order, moments for when they begin: how many
	// of those are needed depends on the machine.
	random, moments *rand.Rand
	began           time.Time
	// kinds are drawn from by dealing: each comes once before any comes again.
	kinds  []kind
	deck   []fault
	active []*running
	count  int
	took   time.Duration
	// newer is an enricher with newer rules; enrichment and rules are the versions
	// that the next rolling restart brings.
	newer             string
	enrichment, rules int
}

// kind makes faults of one sort.
type kind struct {
	name string
	make func() fault
}

// Kinds that change versions.
const (
	rollEnrichers = "roll enrichers"
	rollScorers   = "roll scorers"
)

// stepLimit is how long a part may take to be ready again, beyond the time it is
// held: a broker that was killed takes up to half a minute on a busy machine, and
// who waits for it starts after it.
const stepLimit = 2 * time.Minute

// only leaves the kinds with these names.
func (s *storm) only(names []string) {
	s.t.Helper()
	all := s.kinds
	s.kinds = nil
	for _, name := range names {
		i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
		if i < 0 {
			s.t.Fatalf("there is no fault %q", name)
		}
		s.kinds = append(s.kinds, all[i])
	}
}

// run has so many faults happen, and returns when all is well again.
func (s *storm) run(faults int) {
	s.t.Helper()
	if slices.ContainsFunc(s.kinds, func(k kind) bool { return k.name == rollEnrichers }) {
		s.newer = newerEnricher(s.t, s.d.site)
	}
	s.began = time.Now()
	var next time.Time // when the next fault may begin
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.count < faults || len(s.active) > 0 {
		s.advance()
		s.checkServices()
		if s.count < faults && len(s.active) < 2 && time.Now().After(next) {
			if len(s.active) == 0 {
				underTraffic(s.t, s.tr, s.moments)
			}
			s.begin()
			// Half of the time the next one comes while this one is going on.
			next = time.Now().Add(upTo(s.moments, 1500))
			if s.moments.IntN(2) == 0 {
				next = next.Add(3 * time.Second)
			}
		}
		<-tick.C
	}
	s.took = time.Since(s.began)
}

// begin begins the next fault of the deck whose parts are well.
func (s *storm) begin() {
	s.t.Helper()
	if len(s.deck) == 0 {
		for _, k := range s.kinds {
			s.deck = append(s.deck, k.make())
		}
		s.random.Shuffle(len(s.deck), func(i, j int) { s.deck[i], s.deck[j] = s.deck[j], s.deck[i] })
	}
	for i, f := range s.deck {
		if s.busy(f.parts) {
			continue
		}
		s.deck = slices.Delete(s.deck, i, i+1)
		s.count++
		s.active = append(s.active, &running{fault: f, number: s.count, due: time.Now(), limit: time.Now().Add(stepLimit)})
		s.advance()
		return
	}
}

// busy reports whether one of the parts has a fault now.
func (s *storm) busy(parts []string) bool {
	return slices.ContainsFunc(s.active, func(r *running) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(r.parts, p) })
	})
}

// advance takes the steps that are due.
func (s *storm) advance() {
	s.t.Helper()
	s.active = slices.DeleteFunc(s.active, func(r *running) bool {
		for time.Now().After(r.due) {
			if r.next > 0 && r.steps[r.next-1].until != nil {
				if err := r.steps[r.next-1].until(); err != nil {
					if time.Now().After(r.limit) {
						s.t.Fatalf("fault %d, %s: %s: not well after %s: %v", r.number, r.name, r.steps[r.next-1].what, stepLimit, err)
					}
					return false
				}
			}
			if r.next == len(r.steps) {
				return true
			}
			st := r.steps[r.next]
			s.t.Logf("%7.2f fault %d, %s: %s", time.Since(s.began).Seconds(), r.number, r.name, st.what)
			st.do(s.t)
			r.next++
			r.due = time.Now().Add(st.hold)
			r.limit = r.due.Add(stepLimit)
		}
		return false
	})
}

// checkServices wants every service that nobody ended to run.
func (s *storm) checkServices() {
	s.t.Helper()
	for _, p := range s.d.services {
		if !p.dismissed && !p.running() {
			s.t.Fatalf("%s has ended by itself: %v\n%s", p.name, p.err, p.tail())
		}
	}
}

// checkVersions wants rows and scores of more than one version where there was a
// rolling restart.
func (s *storm) checkVersions() {
	s.t.Helper()
	for name, sql := range map[string]string{
		rollEnrichers: "SELECT enrichment_version AS version, count() AS rows FROM touchline.touchpoints GROUP BY version ORDER BY version",
		rollScorers:   "SELECT model_version AS version, count() AS rows FROM touchline.score_history FINAL GROUP BY version ORDER BY version",
	} {
		if !slices.ContainsFunc(s.kinds, func(k kind) bool { return k.name == name }) {
			continue
		}
		found := mustSelect[struct{ Version, Rows json.Number }](s.t, s.d.writer(), sql, nil)
		s.t.Logf("%s: versions and their rows %v", name, found)
		if len(found) < 2 {
			s.t.Errorf("%s: the rows show versions %v, want several", name, found)
		}
	}
}
