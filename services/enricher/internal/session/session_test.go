package session_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/session"
)

// record is one event of a random stream, as the steps before have left it.
type record struct {
	touchpoint event.Touchpoint
	clock      int64
}

// randomStream returns events of few devices over a day or so: most of them soon
// after the one before, some late, some with a session of the SDK's own.
func randomStream(rnd *rand.Rand, n int) []record {
	all := make([]record, n)
	clock := someDay
	for i := range all {
		clock += rnd.Int64N(int64(4 * time.Minute / time.Millisecond))
		if rnd.IntN(40) == 0 {
			clock += rnd.Int64N(hour)
		}
		r := &all[i]
		r.clock = clock
		r.touchpoint = event.Touchpoint{Type: "track", Event: "e", EventTime: clock - rnd.Int64N(20_000)}
		switch rnd.IntN(8) {
		case 0:
			r.touchpoint.EventTime = clock - rnd.Int64N(6*hour)
		case 1:
			r.touchpoint.EventTime = clock - rnd.Int64N(hour)
		}
		switch rnd.IntN(12) {
		case 0:
			r.touchpoint.Type = "identify"
		case 1:
			r.touchpoint.Event = "engagement"
		case 2:
			r.touchpoint.SessionID = 1 + rnd.Uint64N(3)
		}
		if device := rnd.IntN(7); device > 0 {
			r.touchpoint.AnonymousID = fmt.Sprint("d", device)
		} else {
			r.touchpoint.UserID = fmt.Sprint("u", rnd.IntN(2))
		}
	}
	return all
}

// through runs the step over a copy of a record.
func through(step pipeline.Step, r record) event.Touchpoint {
	t := r.touchpoint
	e := pipeline.Event{Raw: &event.Raw{Project: "shop"}, Touchpoint: &t, Clock: r.clock}
	step.Run(&e)
	return t
}

// A state that is made of the records of the last Keep decides like the one that saw
// all of them, wherever that begins.
func TestRestore_ofTheLastRecordsIsTheWholeState(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 7))
	for range 20 {
		stream := randomStream(rnd, 400)
		whole := make([]event.Touchpoint, len(stream))
		step := session.New(secret(t)).Step()
		for i, r := range stream {
			whole[i] = through(step, r)
		}
		for range 20 {
			place := 1 + rnd.IntN(len(stream)-1)
			from := 0
			for stream[from].clock < stream[place-1].clock-session.Keep.Milliseconds() {
				from++
			}
			restored := session.New(secret(t))
			for i := from; i < place; i++ {
				restored.Restore("shop", &whole[i], stream[i].clock)
			}
			step := restored.Step()
			for i := place; i < len(stream); i++ {
				if got := through(step, stream[i]); fmt.Sprint(got) != fmt.Sprint(whole[i]) {
					t.Fatalf("restored from %d before %d, event %d is\n%+v\nwant\n%+v", from, place, i, got, whole[i])
				}
			}
		}
	}
}

// A record less than that is not enough: the test above tells.
func TestRestore_needsTheLastKeep(t *testing.T) {
	step := session.New(secret(t)).Step()
	at := func(minute int64) record {
		clock := someDay + minute*60_000
		return record{event.Touchpoint{Type: "track", AnonymousID: "a", EventTime: clock}, clock}
	}
	first, second := through(step, at(0)), through(step, at(29))
	if first.SessionID != second.SessionID {
		t.Fatal("the stream proves nothing")
	}
	if got := through(session.New(secret(t)).Step(), at(29)); got.SessionID == first.SessionID {
		t.Error("a state without the first event finds its session")
	}
}

// reference decides by the rule as it is written, over all sessions of a device that
// there ever were; it is right for streams in which nothing is forgotten.
type reference map[uint64][]*session.Session

func (m reference) find(secret ids.Secret, v session.Visit) session.Session {
	var best *session.Session
	distance := func(s *session.Session) int64 { return max(s.Start-v.At, v.At-s.End, 0) }
	for _, s := range m[v.Device] {
		switch {
		case v.Own != 0:
			if s.ID == v.Own {
				best = s
			}
		case distance(s) > session.Gap.Milliseconds(), max(s.End, v.At)-min(s.Start, v.At) > session.Longest.Milliseconds():
		case best == nil, distance(s) < distance(best), distance(s) == distance(best) && (s.Start < best.Start || s.Start == best.Start && s.ID < best.ID):
			best = s
		}
	}
	id := v.Own
	if best != nil {
		id = best.ID
	}
	if v.Role == session.Passive || best == nil && v.Role == session.Present && id == 0 {
		return session.Session{ID: id}
	}
	if best == nil {
		if id == 0 {
			id = secret.SessionOf(v.Project, v.Device, v.At)
		}
		best = &session.Session{ID: id, Start: v.At, End: v.At}
		m[v.Device] = append(m[v.Device], best)
	}
	best.Start, best.End = min(best.Start, v.At), max(best.End, v.At)
	return *best
}

// The table finds what a search over everything finds, while nothing is forgotten.
func TestFind_followsTheRule(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 8))
	events := map[session.Role]int{}
	for range 3000 {
		s, m, secret := session.New(secret(t)), reference{}, secret(t)
		for i := range 4 + rnd.IntN(6) {
			v := session.Visit{Project: "shop", Device: 1 + rnd.Uint64N(2), At: someDay + rnd.Int64N(3*hour), Clock: someDay + 30*hour}
			switch rnd.IntN(4) {
			case 0: // equal distances, and gaps to the millisecond
				v.At = someDay + hour/4*rnd.Int64N(12) + rnd.Int64N(2)
			case 1:
				v.At = someDay + hour/4*rnd.Int64N(120)
			}
			if rnd.IntN(5) == 0 {
				v.Own = 1 + rnd.Uint64N(2)
			}
			if rnd.IntN(4) == 0 {
				v.Role = session.Role(rnd.IntN(3))
			}
			events[v.Role]++
			want := m.find(secret, v)
			if len(m[v.Device]) > session.PerDevice {
				break
			}
			if got := s.Find(v); got != want {
				t.Fatalf("event %d at %d of %+v: %+v, want %+v", i, v.At-someDay, v, got, want)
			}
		}
	}
	if len(events) != 3 {
		t.Errorf("events of the roles %v", events)
	}
}

func TestRoleOf(t *testing.T) {
	for _, c := range []struct {
		kind, channel, name string
		want                session.Role
	}{
		{"track", "", "Order Completed", session.Active}, {"page", "web", "page_view", session.Active}, {"screen", "app", "screen_view", session.Active},
		{"track", "server", "invoice_paid", session.Active}, {"track", "support", "ticket", session.Active},
		{"identify", "web", "identify", session.Passive}, {"group", "", "group", session.Passive}, {"alias", "", "alias", session.Passive},
		{"track", "email", "email_open", session.Passive}, {"track", "sms", "sms_click", session.Passive}, {"track", "push", "push_open", session.Passive},
		{"track", "ad", "ad_impression", session.Passive}, {"track", "crm", "deal", session.Passive},
		{"track", "web", "engagement", session.Present}, {"track", "app", "user_engagement", session.Present}, {"track", "web", "page_ping", session.Present},
	} {
		if got := session.RoleOf(&event.Touchpoint{Type: c.kind, Channel: c.channel, Event: c.name}); got != c.want {
			t.Errorf("%+v has role %d", c, got)
		}
	}
}

// A device without end of new ids takes no more memory than PerPartition sessions.
func TestFind_isBounded(t *testing.T) {
	s := session.New(secret(t))
	var last session.Visit
	for i := range session.PerPartition + 1000 {
		last = session.Visit{Device: uint64(i+1) * 0x9e3779b97f4a7c15, At: someDay, Clock: someDay}
		s.Find(last)
	}
	if s.Len() != session.PerPartition || s.Crowded() != 1000 {
		t.Errorf("%d sessions, %d crowded out", s.Len(), s.Crowded())
	}
	// The last ones are those that are left.
	if s.Find(last); s.Crowded() != 1000 {
		t.Error("the last session was forgotten")
	}
	s.Find(session.Visit{Device: 7, At: someDay, Clock: someDay + session.Keep.Milliseconds() + 1})
	if s.Len() != 1 {
		t.Errorf("%d sessions are left after Keep", s.Len())
	}
}

func TestStep_allocatesNothing(t *testing.T) {
	s := session.New(secret(t))
	events := visits(1000)
	step, clock := s.Step(), someDay
	run := func() {
		for i := range events {
			clock += 100
			events[i].Clock, events[i].Touchpoint.EventTime, events[i].Touchpoint.SessionID = clock, clock, 0
			step.Run(&events[i])
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n != 0 {
		t.Errorf("%v allocations for %d events", n, len(events))
	}
}

func visits(devices int) []pipeline.Event {
	events := make([]pipeline.Event, devices)
	raw := &event.Raw{Project: "shop"}
	for i := range events {
		events[i].Raw = raw
		events[i].Touchpoint = &event.Touchpoint{Type: "track", Event: "e", AnonymousID: fmt.Sprintf("7c7b2291-d5a5-4c8a-b9c8-%012d", i), UserID: "user-42"}
	}
	return events
}

// BenchmarkStep gives each event to one of so many devices in turn; "sparse" lets
// every session end before the device comes again, so that each event begins one and
// another is forgotten.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name    string
		devices int
		pace    int64
	}{{"1000", 1000, 10}, {"100000", 100_000, 1}, {"sparse", 10_000, session.Keep.Milliseconds() / 9000}} {
		b.Run(c.name, func(b *testing.B) {
			s, events, clock := session.New(secret(b)), visits(c.devices), someDay
			step, n := s.Step(), 0
			next := func() {
				if n++; n >= len(events) {
					n = 0
				}
				clock += c.pace
				e := &events[n]
				e.Clock, e.Touchpoint.EventTime, e.Touchpoint.SessionID = clock, clock, 0
				step.Run(e)
			}
			for range events {
				next()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				next()
			}
		})
	}
}
