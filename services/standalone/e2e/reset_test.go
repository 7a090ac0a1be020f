//go:build !realkafka

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"touchline.dev/schemas/topics"
)

// What the services say; the words are those of package checkpoint.
const (
	saysRecreated  = "a topic was deleted and made again"
	saysOffsetLost = "the consumer group has lost its offset although its results exist"
	saysExpired    = "records expired before they were read"
	saysTruncated  = "the log ends before the committed offset"
	saysUnreadable = "the metadata of the committed offset cannot be read"
)

// newWayBack starts a deployment over the embedded broker, with a seed that is
// printed.
func newWayBack(t *testing.T) *wayBack {
	t.Helper()
	seed, random := chaos(t)
	s := newSite(t, killProjects)
	return startWayBack(t, newSeparateOn(s, newEmbeddedBroker(s), "collector", "enricher-2", "scorer-2"), seed, random)
}

// Each topic is deleted and made again, one after the other, and at last the whole
// broker is lost: no event is lost or doubled, no profile forgets.
func TestReset_recreatedTopics(t *testing.T) {
	w := newWayBack(t)
	w.post(t, 30, 5)
	w.audit(t)
	w.stopServices(t)
	recreated, lost, either := []string{saysRecreated}, []string{saysOffsetLost}, []string{saysRecreated, saysOffsetLost}
	for _, step := range []struct {
		topic            string
		enricher, scorer []string // what they say; nothing when they are not concerned
		explained        []string
	}{
		{topics.Enriched, recreated, lost, []string{"deleted and made again", "from the", "are processed again"}},
		{topics.Fragments, nil, recreated, []string{"profiles.fragments.v1 was deleted and made again", "makes fragments and profiles again from the"}},
		{topics.Persons, nil, either, []string{"profiles.persons.v1 was deleted and made again"}},
		{topics.Scores, nil, recreated, []string{"scores.v1 was deleted and made again", "once more"}},
		{topics.Raw, either, recreated, []string{"what the old touchpoints.raw.v1 held behind the last record of the dense log is lost"}},
		// Once more, so that a third log follows a second one.
		{topics.Raw, either, recreated, nil},
		{topics.Enriched, recreated, lost, nil},
	} {
		t.Logf("%s is deleted and made again", step.topic)
		w.recreate(t, step.topic)
		if len(step.enricher) > 0 {
			w.stops(t, "enricher-2", step.enricher...)
		}
		if len(step.scorer) > 0 {
			w.stops(t, "scorer-2", step.scorer...)
		}
		w.goBack(t, nil, step.explained...)
		w.goesOn(t, 5)
		if step.topic == topics.Raw {
			// From now on only the dense log knows the messages before.
			w.posted = w.posted[len(w.posted)-10:]
		}
		if t.Failed() {
			t.Fatalf("after %s was made again", step.topic)
		}
	}

	t.Log("the broker's directory is lost")
	w.brokers.stop(t)
	if err := os.RemoveAll(w.site.path("kafka")); err != nil {
		t.Fatal(err)
	}
	w.brokers.start(t)
	w.applyTopics(t)
	w.stops(t, "enricher-2", "was deleted and made again")
	w.stops(t, "scorer-2", saysRecreated)
	w.goBack(t, nil, "the scorer makes fragments and profiles again from the")
	w.goesOn(t, 0) // the log that knew the messages is gone
	w.kill()
}

// The services run while enriched, then raw, is deleted and made again under them.
func TestReset_recreatedUnderRunningServices(t *testing.T) {
	w := newWayBack(t)
	for _, topic := range []string{topics.Enriched, topics.Raw} {
		t.Logf("%s is deleted and made again", topic)
		w.post(t, 20, 5)
		w.audit(t)
		w.recreate(t, topic)
		w.post(t, 10, 0)
		w.ended(t, "enricher-2", saysRecreated, saysOffsetLost)
		w.services["collector"].stop(t)
		w.services["scorer-2"].dismiss(t)
		w.left(t)
		w.goBack(t, nil, topic+" was deleted and made again")
		w.startServices(t)
		w.post(t, 10, 5)
		w.audit(t)
		if t.Failed() {
			t.Fatalf("after %s was made again", topic)
		}
	}
	w.kill()
}

// Groups lose their offsets, one after the other and all together, and commits of
// another release are found.
func TestReset_lostOffsets(t *testing.T) {
	w := newWayBack(t)
	w.post(t, 30, 5)
	w.audit(t)
	w.stopServices(t)
	for _, step := range []struct {
		groups   []string
		service  string
		says     string
		harmless bool
	}{
		{[]string{topics.GroupEnricher}, "enricher-2", saysOffsetLost, false},
		{[]string{topics.GroupTouchpoints}, "enricher-2", saysOffsetLost, false},
		{[]string{topics.GroupScorer}, "scorer-2", saysOffsetLost, false},
		{[]string{topics.GroupPersons}, "scorer-2", saysOffsetLost, false},
		{[]string{topics.GroupScores}, "", "", true},
		{[]string{topics.GroupEnricher, topics.GroupTouchpoints, topics.GroupScorer, topics.GroupPersons, topics.GroupScores}, "scorer-2", saysOffsetLost, false},
	} {
		t.Logf("%v lost their offsets", step.groups)
		w.forget(t, step.groups...)
		if step.harmless {
			if r := w.reset(t); r.code != 0 {
				t.Errorf("touchline reset: %+v", r)
			}
		} else {
			w.stops(t, step.service, step.says)
			w.goBack(t, nil, "has lost its offset")
		}
		w.goesOn(t, 5)
		if t.Failed() {
			t.Fatalf("after %v lost their offsets", step.groups)
		}
	}

	t.Log("the commits are of another release")
	for group := range groups() {
		w.rewrite(t, group, func(o *kadm.Offset) { o.Metadata = strings.Replace(o.Metadata, `"v":`, `"v":9`, 1) })
	}
	w.stops(t, "enricher-2", saysUnreadable)
	w.stops(t, "scorer-2", saysUnreadable)
	w.goBack(t, nil, "cannot be read")
	w.goesOn(t, 5)
	w.kill()
}

// A log loses its end: it goes on from what was copied before.
func TestReset_truncatedLogs(t *testing.T) {
	w := newWayBack(t)
	w.post(t, 30, 5)
	w.audit(t)
	w.stopServices(t)
	for _, step := range []struct {
		topic            string
		enricher, scorer string
	}{
		{topics.Enriched, saysTruncated, saysTruncated},
		{topics.Scores, "", saysTruncated},
		{topics.Persons, "", saysTruncated},
		{topics.Raw, saysTruncated, ""},
	} {
		t.Logf("%s loses its end", step.topic)
		w.brokers.stop(t)
		restore := w.keep(t, step.topic)
		w.brokers.start(t)
		w.startServices(t)
		w.post(t, 20, 5)
		w.audit(t)
		w.stopServices(t)
		w.brokers.stop(t)
		restore()
		w.brokers.start(t)
		if step.enricher != "" {
			w.stops(t, "enricher-2", step.enricher)
		}
		if step.scorer != "" {
			w.stops(t, "scorer-2", step.scorer)
		}
		w.goBack(t, nil, "lost its end")
		w.goesOn(t, 5)
		if t.Failed() {
			t.Fatalf("after %s lost its end", step.topic)
		}
	}
	w.kill()
}

// ClickHouse is put back from a copy: what it lacks lands again.
func TestReset_clickHouseFromACopy(t *testing.T) {
	w := newWayBack(t)
	w.post(t, 20, 5)
	w.audit(t)
	w.stopServices(t)
	stopClickHouse := func() {
		ctx, cancel := context.WithTimeout(t.Context(), stopTime)
		defer cancel()
		if err := w.clickhouse.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stopClickHouse()
	kept := filepath.Join(t.TempDir(), "clickhouse")
	copyDir(t, w.site.path("clickhouse"), kept)
	w.startClickHouse(t)
	w.startServices(t)
	w.post(t, 20, 5)
	w.audit(t)
	w.stopServices(t)
	stopClickHouse()
	if err := os.RemoveAll(w.site.path("clickhouse")); err != nil {
		t.Fatal(err)
	}
	copyDir(t, kept, w.site.path("clickhouse"))
	w.startClickHouse(t)
	w.goBack(t, nil, "put back from a backup")
	w.goesOn(t, 5)
	w.kill()
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// keep copies the files of a topic; restore puts them back.
func (w *wayBack) keep(t *testing.T, topic string) (restore func()) {
	t.Helper()
	var dirs []string
	entries, err := os.ReadDir(w.site.path("kafka", "partitions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), topic+"-") {
			dirs = append(dirs, e.Name())
		}
	}
	if len(dirs) != 4 {
		t.Fatalf("%s has the directories %v", topic, dirs)
	}
	kept := t.TempDir()
	for _, dir := range dirs {
		copyDir(t, w.site.path("kafka", "partitions", dir), filepath.Join(kept, dir))
	}
	return func() {
		t.Helper()
		for _, dir := range dirs {
			if err := os.RemoveAll(w.site.path("kafka", "partitions", dir)); err != nil {
				t.Fatal(err)
			}
			copyDir(t, filepath.Join(kept, dir), w.site.path("kafka", "partitions", dir))
		}
	}
}

// stops starts a service that has to end by itself, with an error that says one of
// the sentences given, and names the way back. Which one it is depends on which of
// its groups comes first.
func (w *wayBack) stops(t *testing.T, name string, sentences ...string) {
	t.Helper()
	w.launchService(t, name)
	w.ended(t, name, sentences...)
}

// ended waits until a service has ended by itself, with such an error.
func (w *wayBack) ended(t *testing.T, name string, sentences ...string) {
	t.Helper()
	p := w.services[name]
	await(t, startTime, name+" ends", func() error {
		if p.running() {
			return fmt.Errorf("it runs\n%s", p.tail())
		}
		return nil
	})
	if code := p.cmd.ProcessState.ExitCode(); code == 0 {
		t.Errorf("%s ended with 0", name)
	}
	log := p.tail()
	says := func(sentence string) bool { return strings.Contains(log, sentence) }
	if !slices.ContainsFunc(sentences, says) || !says("see `touchline reset`") {
		t.Errorf("%s does not say %q:\n%s", name, sentences, log)
	}
}

// rewrite changes what a group has committed.
func (w *wayBack) rewrite(t *testing.T, group string, how func(o *kadm.Offset)) {
	t.Helper()
	adm := w.admin(t)
	offsets := kadm.Offsets{}
	for _, o := range w.committed(t, adm, group) {
		how(&o)
		o.LeaderEpoch = -1
		offsets.Add(o)
	}
	if err := adm.CommitAllOffsets(t.Context(), group, offsets); err != nil {
		t.Fatal(err)
	}
}
