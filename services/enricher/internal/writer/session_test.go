package writer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/session"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafkatest"
)

func secret(t testing.TB) ids.Secret {
	t.Helper()
	s, err := ids.ParseSecret("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withSessions lets events be of the device that their ids begin with, and of the user
// behind a colon, at the time at which they were received.
func (f *fixture) withSessions() {
	s := secret(f.t)
	f.steps = func(dedup pipeline.Step, last ...pipeline.Step) []pipeline.Step {
		adapt := pipeline.Step{Name: "adapt", Run: func(e *pipeline.Event) pipeline.Verdict {
			t := e.Touchpoint
			t.Type, t.Event, t.EventTime = "track", "e", e.Raw.ReceivedAt
			who, _, _ := strings.Cut(string(e.Raw.Event), "-")
			t.AnonymousID, t.UserID, _ = strings.Cut(who, ":")
			if t.PersonID = s.Device("shop", t.AnonymousID); t.UserID != "" {
				t.PersonID = s.User("shop", t.UserID)
			}
			return pipeline.Verdict{}
		}}
		return append([]pipeline.Step{adapt, dedup}, last...)
	}
}

// sessions returns the sessions of stored events, 0 for others, by raw offset.
func (f *fixture) sessions() (sessions []uint64) {
	f.t.Helper()
	for _, at := range f.touchpoints() {
		sessions = append(sessions, at.SessionID)
	}
	return sessions
}

// touchpoints returns what became of events by raw offset, as a reader of the dense
// log takes them. Copies must say the same.
func (f *fixture) touchpoints() (all []event.Touchpoint) {
	f.t.Helper()
	mark := denselog.NewMark(denselog.None)
	for _, r := range f.ReadAll(f.t, topics.Enriched, 0) {
		p, err := denselog.Parse(r)
		if err != nil {
			f.t.Fatal(err)
		}
		var e event.Enriched
		if err := e.Decode(r.Value); err != nil {
			f.t.Fatal(err)
		}
		if mark.Judge(p, time.Time{}) == denselog.Take {
			all = append(all, e.Touchpoint)
		} else if p.Src < int64(len(all)) && fmt.Sprint(all[p.Src]) != fmt.Sprint(e.Touchpoint) {
			f.t.Fatalf("source offset %d: first %+v, then %+v", p.Src, all[p.Src], e.Touchpoint)
		}
	}
	return all
}

// events appends events and waits until the writer has committed them.
func (f *fixture) events(events ...string) {
	f.t.Helper()
	end := f.end(topics.Raw) + int64(len(events))
	f.raw(events...)
	kafkatest.Eventually(f.t, "the commit", func() bool { return f.committed() == end })
}

// A process is killed in the middle of a session: its commit is older than what it
// appended. Whoever takes over goes on with the session, with and without the index.
func TestWriter_aSessionOutlivesItsWriter(t *testing.T) {
	for _, c := range []struct {
		name string
		back int64
		lost bool
	}{{"stopped", 0, false}, {"killed", 2, false}, {"killed early", 3, false}, {"another machine", 2, true}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.withSessions()
			minute := func(m int) { f.now = f.now.Truncate(time.Hour).Add(time.Duration(m) * time.Minute) }
			stop := f.run()
			minute(0)
			f.events("a-1")
			minute(20)
			f.events("a-2", "b-1")
			minute(40)
			f.events("a-3", "a-2")
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			f.goBack(c.back)
			if c.lost {
				remove(t, f.dir)
			}
			f.run()
			minute(70) // 30 minutes after the last event of a, 50 after that of b
			f.events("a-4", "b-2")
			got := f.sessions()
			a, b := got[0], got[2]
			if want := fmt.Sprint([]uint64{a, a, b, a, 0, a, got[6]}); fmt.Sprint(got) != want || a == 0 || b == 0 || a == b || got[6] == b || got[6] == 0 {
				t.Errorf("sessions %x, want %s", got, want)
			}
		})
	}
}

// A writer that is thought dead appends what it decided before; the sessions are
// made of what readers took.
func TestWriter_sessionsAreTheSameWhateverHappensBetweenRuns(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 9))
	f := newFixture(t)
	f.withSessions()
	f.now = time.Now().Add(-20 * day).Truncate(time.Millisecond)
	model, clock := session.New(secret(t)), int64(0)
	step := model.Step()
	var want []uint64
	seen, met := map[string]bool{}, map[string]int{}
	for range 14 {
		stop := f.run()
		var last int64
		for n := range 10 + rnd.IntN(40) {
			f.now = f.now.Add(time.Duration(rnd.Int64N(int64(9*time.Minute))) - time.Minute).Truncate(time.Millisecond)
			id := fmt.Sprintf("d%d-%d", rnd.IntN(5), rnd.IntN(1000))
			clock = max(clock, f.now.UnixMilli())
			e := pipeline.Event{Raw: &event.Raw{Project: "shop"}, Clock: clock}
			device, _, _ := strings.Cut(id, "-")
			e.Touchpoint = &event.Touchpoint{Type: "track", Event: "e", AnonymousID: device, EventTime: f.now.UnixMilli()}
			if !seen[id] {
				step.Run(&e)
			}
			seen[id] = true
			want = append(want, e.Touchpoint.SessionID)
			f.raw(id)
			last = int64(n)
		}
		kafkatest.Eventually(t, "the commit", func() bool { return f.committed() == int64(len(want)) })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		mishap := []string{"none", "delete", "back", "zombie", "both"}[rnd.IntN(5)]
		met[mishap]++
		switch mishap {
		case "delete":
			remove(t, f.dir)
		case "back":
			f.goBack(1 + rnd.Int64N(last+10))
		case "zombie":
			f.repeat(rnd)
		case "both":
			f.repeat(rnd)
			f.goBack(1 + rnd.Int64N(last+10))
		}
	}
	t.Logf("mishaps: %v", met)
	got := f.sessions()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("source offset %d of %d: session %x, want %x", i, len(want), got[i], want[i])
			}
		}
	}
	distinct := map[uint64]bool{}
	for _, id := range got {
		distinct[id] = true
	}
	if len(distinct) < 20 || len(distinct) > len(got)/2 {
		t.Errorf("%d sessions of %d events prove nothing", len(distinct), len(got))
	}
}

// A process is killed after a login: what the device does without naming anybody is
// the user's also for whoever takes over, and the login is not linked twice.
func TestWriter_aLinkOutlivesItsWriter(t *testing.T) {
	for _, c := range []struct {
		name string
		back int64
		lost bool
	}{{"stopped", 0, false}, {"killed", 2, false}, {"killed early", 4, false}, {"another machine", 3, true}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.withSessions()
			stop := f.run()
			f.events("a-1", "a:u-2", "b-3", "a-4", "a:v-5", "b:u-6")
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			f.goBack(c.back)
			if c.lost {
				remove(t, f.dir)
			}
			f.run()
			f.now = f.now.Add(40 * time.Minute)
			f.events("a-7", "a:v-8", "b-9", "c-10")
			s := secret(t)
			a, b, u, v := s.Device("shop", "a"), s.Device("shop", "b"), s.User("shop", "u"), s.User("shop", "v")
			want := []struct{ person, linked uint64 }{{a, 0}, {u, a}, {b, 0}, {u, 0}, {v, a}, {u, b}, {v, 0}, {v, 0}, {u, 0}, {s.Device("shop", "c"), 0}}
			for i, at := range f.touchpoints() {
				if at.PersonID != want[i].person || at.LinkedPerson != want[i].linked {
					t.Errorf("event %d: person %x links %x, want %x", i+1, at.PersonID, at.LinkedPerson, want[i])
				}
			}
		})
	}
}

// An operator goes on in a new raw log: the sessions are those of the old one.
func TestWriter_aSessionOutlivesTheRawLog(t *testing.T) {
	f := newFixture(t)
	f.withSessions()
	f.ran([]string{"a-1"}, stored)
	before := f.sessions()
	f.recreate(topics.Raw)
	epoch := f.end(topics.Enriched)
	f.commit(0, f.state(epoch))
	f.run()
	f.now = f.now.Add(10 * time.Minute)
	f.events("a-2")
	var e event.Enriched
	var last *kgo.Record
	for _, r := range f.ReadAll(t, topics.Enriched, 0) {
		last = r
	}
	if err := e.Decode(last.Value); err != nil {
		t.Fatal(err)
	}
	if e.Touchpoint.SessionID != before[0] {
		t.Errorf("session %x, want %x", e.Touchpoint.SessionID, before[0])
	}
}
