package writer_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafkatest"
)

const day = 24 * time.Hour

// model decides like the writer, with an index that forgets nothing.
type model struct {
	outcomes []string
	clock    time.Time
	stored   map[string]time.Time
}

func (m *model) add(event string, received time.Time) {
	if received.After(m.clock) {
		m.clock = received
	}
	id, replay, _ := strings.Cut(event, " ")
	at, seen := m.stored[id]
	switch {
	case strings.HasPrefix(id, "bad") && replay == "":
		m.outcomes = append(m.outcomes, rejected)
	case seen && id != "-" && m.clock.Sub(at) <= topics.DedupWindow:
		m.outcomes = append(m.outcomes, duplicate)
	default:
		m.outcomes = append(m.outcomes, stored)
		m.stored[id] = m.clock
	}
}

// Months of events, with a mishap between runs: the index is deleted, replaced by
// an old copy, damaged, belongs to a process that was away, the committed offset goes
// back, or a writer repeats old records that was thought dead. Every decision is as if nothing had happened, also those that are made
// twice.
func TestWriter_anIndexLostOrStaleAnswersLikeOneThatWasKept(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 4))
	f := newFixture(t)
	f.now = time.Now().Add(-200 * day)
	m := model{stored: make(map[string]time.Time)}
	homes := []string{f.dir, f.dir + "-other"}
	met := make(map[string]int)
	for range 24 {
		for range 20 + rnd.IntN(100) {
			event := fmt.Sprint("m", rnd.IntN(150))
			switch rnd.IntN(12) {
			case 0:
				event = "-"
			case 1:
				event = fmt.Sprint("bad", rnd.IntN(5))
			case 2:
				event = fmt.Sprint("bad", rnd.IntN(5), " replay")
			}
			f.now = f.now.Add(time.Duration(rnd.Int64N(int64(5*time.Hour))) - time.Hour).Truncate(time.Millisecond)
			m.add(event, f.now)
			f.raw(event)
		}
		stop := f.run()
		f.expect(m.outcomes...)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		mishap := []string{"none", "delete", "copy", "restore", "damage", "move", "back", "far back", "zombie"}[rnd.IntN(9)]
		met[mishap]++
		t.Logf("%d events up to %s: %s", len(m.outcomes), f.now.Format(time.DateOnly), mishap)
		copied := f.dir + "-copy"
		switch mishap {
		case "delete":
			remove(t, f.dir)
		case "copy":
			remove(t, copied)
			if err := os.CopyFS(copied, os.DirFS(f.dir)); err != nil {
				t.Fatal(err)
			}
		case "restore":
			if _, err := os.Stat(copied); err == nil {
				remove(t, f.dir)
				if err := os.CopyFS(f.dir, os.DirFS(copied)); err != nil {
					t.Fatal(err)
				}
			}
		case "damage":
			manifests, err := filepath.Glob(filepath.Join(f.dir, "MANIFEST-*"))
			if err != nil || len(manifests) == 0 {
				t.Fatalf("manifests %v, %v", manifests, err)
			}
			for _, name := range manifests {
				remove(t, name)
			}
		case "move":
			f.dir = homes[rnd.IntN(len(homes))]
		case "back":
			f.goBack(int64(rnd.IntN(30)))
		case "zombie":
			f.repeat(rnd)
		case "far back":
			f.goBack(int64(rnd.IntN(len(m.outcomes))))
		}
	}
	t.Logf("mishaps: %v", met)
	f.copiesAgree()
	counts := make(map[string]int)
	for _, o := range m.outcomes {
		counts[o]++
	}
	t.Logf("outcomes: %v", counts)
	if counts[duplicate] < 100 || counts[stored] < 100 {
		t.Error("the stream proves nothing")
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
}

// repeat appends what the dense log holds somewhere once more, as a writer does
// that was paused and does not know yet that it lost its partition.
func (f *fixture) repeat(rnd *rand.Rand) {
	f.t.Helper()
	recs := f.ReadAll(f.t, topics.Enriched, 0)
	from := rnd.IntN(len(recs))
	recs = recs[from:min(len(recs), from+1+rnd.IntN(40))]
	for i, r := range recs {
		recs[i] = &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}
	}
	if err := f.client.ProduceSync(f.t.Context(), recs...).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

// goBack commits an offset that lies n before the committed one, as if the last
// commits had not been made.
func (f *fixture) goBack(n int64) {
	f.t.Helper()
	adm := kadm.NewClient(f.client)
	offsets, err := adm.FetchOffsets(f.t.Context(), topics.GroupEnricher)
	if err != nil {
		f.t.Fatal(err)
	}
	o, ok := offsets.Lookup(topics.Raw, 0)
	if !ok {
		f.t.Fatal("nothing is committed")
	}
	f.commit(max(0, o.At-n), o.Metadata)
}

// commit commits an offset of partition 0, and 0 for the others, in the place of
// the group, which has no members.
func (f *fixture) commit(offset int64, metadata string) {
	f.t.Helper()
	// A member that has just left may still count for a moment.
	kafkatest.Eventually(f.t, "the offset to be committed", func() bool {
		var to kadm.Offsets
		for p := range int32(topics.EmbeddedPartitions) {
			to.Add(kadm.Offset{Topic: topics.Raw, Partition: p, LeaderEpoch: -1, Metadata: metadata})
		}
		to.Add(kadm.Offset{Topic: topics.Raw, Partition: 0, At: offset, LeaderEpoch: -1, Metadata: metadata})
		answer, err := kadm.NewClient(f.client).CommitOffsets(f.t.Context(), topics.GroupEnricher, to)
		return err == nil && answer.Error() == nil
	})
}

// copiesAgree asserts that the copies of a record in the dense log say the same.
func (f *fixture) copiesAgree() {
	f.t.Helper()
	said := make(map[int64]string)
	copies := 0
	for _, r := range f.ReadAll(f.t, topics.Enriched, 0) {
		p, err := denselog.Parse(r)
		if err != nil {
			f.t.Fatal(err)
		}
		if r.Offset < f.from {
			continue
		}
		headers := make(map[string]string)
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		var text []string
		for _, k := range slices.Sorted(maps.Keys(headers)) {
			text = append(text, fmt.Sprintf("%s=%q", k, headers[k]))
		}
		now := strings.Join(text, " ")
		if then, ok := said[p.Src]; !ok {
			said[p.Src] = now
		} else if copies++; then != now {
			f.t.Fatalf("source offset %d: first %s, then %s", p.Src, then, now)
		}
	}
	f.t.Logf("%d records, %d of them twice", len(said), copies)
}

// A process that gets a partition for the first time reads the whole window back.
func TestWriter_showsHowTheIndexIsCompleted(t *testing.T) {
	f := newFixture(t)
	stop := f.run()
	var want []string
	f.now = time.Now().Add(-20 * day)
	for i := range 9 {
		var events []string
		for j := range 1000 {
			events, want = append(events, fmt.Sprint("m", i, "-", j)), append(want, stored)
		}
		f.now = f.now.Add(day)
		f.raw(events...)
	}
	f.expect(want...)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	remove(t, f.dir)
	f.run()
	f.now = f.now.Add(time.Hour)
	f.raw("m8-1", "m2-1", "m1-1", "m1-2", "m0-1")
	f.expect(append(want, duplicate, duplicate, stored, stored, stored)...)
	// The first day lies before the window; the search is exact to a record.
	if got := f.metric("touchline_enricher_dedup_scanned_total"); got < 8000 || got > 8001 {
		t.Errorf("%v records were read back", got)
	}
}
