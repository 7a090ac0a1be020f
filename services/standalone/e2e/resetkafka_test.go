//go:build realkafka

package e2e_test

import (
	"testing"

	"touchline.dev/schemas/topics"
)

// The same on Apache Kafka: topics are deleted by and by there, groups are members'
// until a session has timed out, and commits from outside are checked.
func TestReset_onKafka(t *testing.T) {
	seed, random := chaos(t)
	s := newSite(t, killProjects)
	w := startWayBack(t, newSeparateOn(s, newApacheBrokers(s, 1), "collector", "enricher-2", "scorer-2"), seed, random)
	w.post(t, 20, 5)
	w.audit(t)
	before := w.commits(t)
	if r := w.reset(t); r.code != 0 {
		t.Errorf("touchline reset while all is well: %+v", r)
	}
	w.stopServices(t)
	for _, step := range []struct {
		name    string
		trouble func()
		words   string
	}{
		{"enriched made again", func() { w.recreate(t, topics.Enriched) }, "touchpoints.enriched.v1"},
		{"raw made again", func() { w.recreate(t, topics.Raw) }, "touchpoints.raw.v1 was deleted and made again"},
		{"the scorer's offsets lost", func() { w.forget(t, topics.GroupScorer) }, "has lost its offset"},
		{"enriched expired", func() {
			w.startServices(t)
			w.withoutClickHouse(t, func() { w.post(t, 20, 0) })
			w.expire(t, topics.Enriched)
		}, "expired before they were read"},
	} {
		t.Log(step.name)
		step.trouble()
		w.goBack(t, nil, step.words)
		w.goesOn(t, 0)
		if t.Failed() {
			t.Fatalf("after: %s", step.name)
		}
	}
	if after := w.commits(t); after == before {
		t.Error("nothing was committed")
	}
	w.kill()
}
