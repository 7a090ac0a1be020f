package link_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/link"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/enricher/internal/session"
)

func secret(t testing.TB) ids.Secret {
	t.Helper()
	s, err := ids.ParseSecret("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// touchpoint is an event of a device and a user, - for none, as adapt leaves it.
func touchpoint(s ids.Secret, device, user string) event.Touchpoint {
	t := event.Touchpoint{Type: "track"}
	if device != "-" {
		t.AnonymousID, t.PersonID = device, s.Device("shop", device)
	}
	if user != "-" {
		t.UserID, t.PersonID = user, s.User("shop", user)
	}
	return t
}

func run(step pipeline.Step, t event.Touchpoint, clock int64) event.Touchpoint {
	step.Run(&pipeline.Event{Raw: &event.Raw{Project: "shop"}, Touchpoint: &t, Clock: clock})
	return t
}

// Events are written "MINUTE DEVICE USER = PERSON", with a + behind a person where the
// event makes a link. Persons are written as the device or user that gives the id.
func TestStep(t *testing.T) {
	for name, events := range map[string]string{
		"a login takes what follows":       "0 d - = d; 1 d u = u+; 2 d - = u; 3 e - = e; 4 d - = u",
		"the same login links once":        "0 d u = u+; 1 d u = u; 2 d - = u; 3 d u = u",
		"the newest user counts":           "0 d u = u+; 1 d - = u; 2 d v = v+; 3 d - = v; 4 d u = u+; 5 d - = u",
		"users without device link none":   "0 - u = u; 1 d - = d; 2 - u = u",
		"devices are linked each":          "0 d u = u+; 1 e u = u+; 2 d - = u; 3 e - = u",
		"a silent device is forgotten":     "0 d u = u+; 45 d - = u; 90 d - = u; 136 d - = d; 137 d u = u+",
		"others do not keep it":            "0 d u = u+; 40 e v = v+; 46 d - = d; 46 e - = v",
		"a device that is named as a user": "0 d d = d+; 1 d - = d!",
	} {
		s := secret(t)
		step := link.New(s).Step()
		for one := range strings.SplitSeq(events, "; ") {
			var minute int64
			var device, user, want string
			if _, err := fmt.Sscanf(one, "%d %s %s = %s", &minute, &device, &user, &want); err != nil {
				t.Fatalf("%s: read %q: %v", name, one, err)
			}
			got := run(step, touchpoint(s, device, user), minute*60_000)
			person := strings.TrimRight(want, "+!")
			if id := s.User("shop", person); got.PersonID != id && (user != "-" || strings.HasSuffix(want, "!") || got.PersonID != s.Device("shop", person)) {
				t.Errorf("%s: %s: person %x", name, one, got.PersonID)
			}
			if links := strings.HasSuffix(want, "+"); links != (got.LinkedPerson != 0) || links && got.LinkedPerson != s.Device("shop", device) {
				t.Errorf("%s: %s: links %x", name, one, got.LinkedPerson)
			}
		}
	}
}

func TestStep_anAliasLinksTheIDGivenUp(t *testing.T) {
	s := secret(t)
	for _, c := range []struct {
		device, user, previous string
		want                   uint64
	}{
		{"-", "u", "old", s.Device("shop", "old")}, {"d", "u", "old", s.Device("shop", "old")}, {"d", "-", "old", 0}, {"-", "u", "u", 0}, {"-", "u", "", 0},
	} {
		at := touchpoint(s, c.device, c.user)
		at.Type, at.PreviousID = "alias", c.previous
		if got := run(link.New(s).Step(), at, 0); got.LinkedPrevious != c.want {
			t.Errorf("%+v: links %x", c, got.LinkedPrevious)
		}
		at.Type = "track"
		if got := run(link.New(s).Step(), at, 0); got.LinkedPrevious != 0 {
			t.Errorf("%+v: a track links %x", c, got.LinkedPrevious)
		}
	}
}

// A state that is made of the records of the last Keep decides like the one that saw
// all of them, wherever that begins.
func TestRestore_ofTheLastRecordsIsTheWholeState(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 11))
	s := secret(t)
	links, taken := 0, 0
	for range 50 {
		events, clocks := make([]event.Touchpoint, 300), make([]int64, 300)
		whole := make([]event.Touchpoint, len(events))
		step, clock := link.New(s).Step(), int64(0)
		for i := range events {
			clock += rnd.Int64N(8 * 60_000)
			clocks[i] = clock
			users := []string{"-", "-", "-", "u", "v"}
			events[i] = touchpoint(s, fmt.Sprint("d", rnd.IntN(12)), users[rnd.IntN(len(users))])
			whole[i] = run(step, events[i], clock)
			if whole[i].LinkedPerson != 0 {
				links++
			}
			if whole[i].PersonID != events[i].PersonID {
				taken++
			}
		}
		for range 10 {
			place := 1 + rnd.IntN(len(events)-1)
			from := 0
			for clocks[from] < clocks[place-1]-session.Keep.Milliseconds() {
				from++
			}
			restored := link.New(s)
			for i := from; i < place; i++ {
				restored.Restore("shop", &whole[i], clocks[i])
			}
			step := restored.Step()
			for i := place; i < len(events); i++ {
				if got := run(step, events[i], clocks[i]); fmt.Sprint(got) != fmt.Sprint(whole[i]) {
					t.Fatalf("restored from %d before %d, event %d is\n%+v\nwant\n%+v", from, place, i, got, whole[i])
				}
			}
		}
	}
	if links < 1000 || taken < 1000 {
		t.Errorf("%d links and %d events taken over prove nothing", links, taken)
	}
}

func TestStep_isBounded(t *testing.T) {
	s := secret(t)
	l := link.New(s)
	step := l.Step()
	user := touchpoint(s, "d", "u")
	for i := range link.Most + 100 {
		user.AnonymousID = fmt.Sprint("d", i)
		run(step, user, 0)
	}
	if l.Len() != link.Most {
		t.Errorf("%d devices are remembered", l.Len())
	}
	if got := run(step, touchpoint(s, "d99", "-"), 0); got.PersonID != s.Device("shop", "d99") {
		t.Error("the device that was touched least recently is remembered")
	}
	if got := run(step, touchpoint(s, "d100", "-"), 0); got.PersonID != user.PersonID {
		t.Error("another device was forgotten")
	}
	run(step, touchpoint(s, "x", "-"), session.Keep.Milliseconds()+1)
	if l.Len() != 0 {
		t.Errorf("%d devices are remembered after Keep", l.Len())
	}
}

func TestStep_allocatesNothing(t *testing.T) {
	s := secret(t)
	step := link.New(s).Step()
	events := make([]pipeline.Event, 500)
	for i := range events {
		user := "-"
		if i%2 == 0 {
			user = "u"
		}
		at := touchpoint(s, fmt.Sprint("d", i/2), user)
		events[i] = pipeline.Event{Raw: &event.Raw{Project: "shop"}, Touchpoint: &at}
	}
	if n := testing.AllocsPerRun(20, func() {
		for i := range events {
			step.Run(&events[i])
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d events", n, len(events))
	}
}

// BenchmarkStep gives each event to one of so many devices in turn, every second one
// with its user.
func BenchmarkStep(b *testing.B) {
	for _, devices := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(devices), func(b *testing.B) {
			s := secret(b)
			step := link.New(s).Step()
			touchpoints := make([]event.Touchpoint, devices)
			for i := range touchpoints {
				touchpoints[i] = touchpoint(s, fmt.Sprintf("7c7b2291-d5a5-4c8a-b9c8-%012d", i), "user-42")
			}
			e := pipeline.Event{Raw: &event.Raw{Project: "shop"}}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				e.Touchpoint = &touchpoints[i%devices]
				e.Clock = int64(i)
				step.Run(&e)
			}
		})
	}
}
