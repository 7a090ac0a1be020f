package oracle

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
)

// What repeats or lengthens a run. The seed of a failed one is in its output.
const (
	SeedEnv      = "TOUCHLINE_SEED"
	StreamsEnv   = "TOUCHLINE_STREAMS"
	QuestionsEnv = "TOUCHLINE_QUESTIONS"
)

// usualStreams is how many random streams a question is asked about in make test.
const usualStreams = 100

func setting(t testing.TB, name string, usual uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// Questions returns how many sets of parameters each view is asked with: as many as
// QuestionsEnv says, or the usual number of make test.
func Questions(t testing.TB, usual int) int {
	t.Helper()
	return int(setting(t, QuestionsEnv, uint64(usual)))
}

// Seed returns a source of randomness and prints what repeats it.
func Seed(t testing.TB) *rand.Rand {
	t.Helper()
	seed := setting(t, SeedEnv, uint64(time.Now().UnixNano()))
	t.Logf("%s=%d", SeedEnv, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// Start is near the end of a month, and 150 days from it hold both changes of
// daylight-saving time. Random events lie in these days, mostly the first.
var Start = time.Date(2026, 2, 25, 0, 0, 0, 0, time.UTC)

// End is after all random events.
var End = Start.AddDate(0, 0, 230)

// What random events are made of; "" is a value that is not set.
var (
	Names     = []string{"a", "b", "c", "d", "page_view", "screen_view", "Émoji 🎉", `it's a \ "test"`, " ", "x\ny"}
	Kinds     = []string{"", "page_view", "product_view", "cart_add", "checkout_start", "order", "sign_up", "activation", "feature_use", "ad_impression", "ad_click"}
	Paths     = []string{"", "/", "/a", "/a/", "/b", "/ŝtrumpoj"}
	Channels  = []string{"", "web", "app", "email"}
	Acquired  = []string{"", "Direct", "Paid Search", "Referral"}
	Sources   = []string{"", "google", "news'letter"}
	Campaigns = []string{"", "spring", "été"}
	Devices   = []string{"", "desktop", "mobile"}
	Countries = []string{"", "DE", "FR", "US"}
	Zones     = []string{"UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu"}
	Plans     = []string{"", `"free"`, `"pro"`, "0", "12", "true", "1.50", `{"a": 1}`, `[1, 2]`, `"\u00e9"`, "null"}
)

// Random returns random streams as projects, as many as StreamsEnv says. The time
// between neighbouring events differs from one to the next, from a millisecond to
// a day, and so do the number of persons and of names.
func Random(t testing.TB, r *rand.Rand) []Project {
	t.Helper()
	projects := make([]Project, setting(t, StreamsEnv, usualStreams))
	for i := range projects {
		projects[i] = randomProject(r, fmt.Sprintf("stream-%04d", i))
	}
	return projects
}

func randomProject(r *rand.Rand, name string) Project {
	zone, err := time.LoadLocation(Pick(r, Zones...))
	if err != nil {
		panic(err) // the names are ours
	}
	p := Project{
		Name:       name,
		Stream:     analytics.Stream{Overrides: map[uint64]uint64{}, Zone: zone},
		Superseded: map[uint64]uint64{},
	}
	unit := Pick(r, time.Millisecond, 250*time.Millisecond, time.Second, time.Minute, time.Hour, 24*time.Hour)
	names := Names[:2+r.IntN(len(Names)-1)]
	ids := make([]uint64, 1+r.IntN(20))
	for i := range ids {
		ids[i] = r.Uint64() | 1
	}
	for i := 1; i < len(ids); i++ {
		switch r.IntN(8) {
		case 0, 1:
			// The first id of the pair is nobody's old id, so there are no chains.
			if to := ids[0]; r.IntN(2) == 0 {
				p.Overrides[ids[i]] = to
			} else {
				p.Overrides[ids[i]] = r.Uint64() | 1
			}
		case 2:
			p.Superseded[ids[i]] = ids[0]
		}
	}
	offsets := r.Perm(len(ids) * 24)
	for _, id := range ids {
		start := Start.Add(time.Duration(r.IntN(20))*unit).AddDate(0, 0, Pick(r, 0, 0, 1, r.IntN(150)))
		for range 1 + r.IntN(20) {
			at := start.Add(time.Duration(r.IntN(12)) * unit)
			switch r.IntN(8) {
			case 0:
				at = at.AddDate(0, 0, r.IntN(40))
			case 1:
				at = at.Add(time.Duration(r.IntN(4))*time.Second + time.Duration(r.IntN(3)-1)*time.Millisecond)
			}
			e := randomEvent(r, Pick(r, names...))
			e.Person, e.Time, e.Day = id, at.UnixMilli(), DayOf(at, zone)
			e.Partition, e.Offset = uint16(id%3), uint64(offsets[len(p.Events)])
			if r.IntN(8) > 0 {
				e.Session = id ^ uint64(1+r.IntN(3))<<32
			}
			p.Events = append(p.Events, e)
		}
	}
	return p
}

func randomEvent(r *rand.Rand, name string) analytics.Event {
	e := analytics.Event{
		Name: name, Bot: r.IntN(20) == 0, Type: "track", Kind: Pick(r, Kinds...),
		Path: Pick(r, Paths...), Channel: Pick(r, Channels...), Acquisition: Pick(r, Acquired...),
		Source: Pick(r, Sources...), Campaign: Pick(r, Campaigns...), Medium: Pick(r, "", "cpc"),
		Device: Pick(r, Devices...), Country: Pick(r, Countries...), Referrer: Pick(r, "", "", "example.org"),
		User: Pick(r, "", "u-1", "u-2"), Anonymous: Pick(r, "d-1", "d-2"),
	}
	switch name {
	case "page_view":
		e.Type, e.Kind, e.Title = "page", name, Pick(r, "", "Home")
	case "screen_view":
		e.Type, e.Kind, e.Title = "screen", name, Pick(r, "Main", "Écran")
	}
	if e.Kind == "order" || r.IntN(10) == 0 {
		e.Revenue, e.Currency, e.Order = int64(r.IntN(2_000_000))-100_000, "EUR", Pick(r, "", "o-1", "o-2")
	}
	if plan := Pick(r, Plans...); plan != "" {
		e.Properties = map[string]string{"plan": plan}
	}
	if r.IntN(3) == 0 {
		if e.Properties == nil {
			e.Properties = map[string]string{}
		}
		e.Properties[Pick(r, "value", "total", "revenue", "price")] = Pick(r, `5.5`, `"19.99"`, `-3`, `1e12`, `"none"`, `[1]`, `0.00015`)
		e.Properties["quantity"] = Pick(r, `2`, `"3"`, `0`, `null`)
	}
	return e
}

// Streams holds objects against the reference on random streams: it asks random
// questions about all projects, at least as many of each as QuestionsEnv says or the
// usual number, and more until every mode has been asked for and there were answers to
// compare. Keys are names of objects, as of checkObjects; all that the package answers
// for must be there.
func Streams(t *testing.T, w *World, projects []Project, usual int, random map[string]func() Question) {
	duties := duties(t)
	checkObjects(t, "random questions", duties, random)
	byObject := map[string][]func() Question{}
	for _, key := range slices.Sorted(maps.Keys(random)) {
		name, _, _ := strings.Cut(key, " ")
		byObject[name] = append(byObject[name], random[key])
	}
	for _, object := range slices.Sorted(maps.Keys(byObject)) {
		t.Run(object, func(t *testing.T) { stream(t, w, projects, usual, object, duties[object], byObject[object]) })
	}
}

// draws is how many random questions are looked through for one that asks for what is
// missing, and most how many of them are asked.
const (
	draws = 5000
	most  = 100
)

func stream(t *testing.T, w *World, projects []Project, usual int, object string, modes []Mode, variants []func() Question) {
	have := tally{modes: map[string]bool{}}
	begin := time.Now()
	enough := Questions(t, usual) * len(variants)
	for i := range draws {
		left := missing(modes, have.modes)
		if i >= enough && len(left) == 0 && have.rows >= 5*usual || have.questions >= enough+most {
			break
		}
		q := variants[i%len(variants)]()
		names := Asked(q, object, modes)
		if i >= enough && len(left) > 0 && !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(left, name) }) {
			continue
		}
		rows := w.Check(t, q, projects)
		have.questions++
		have.rows += rows
		for _, name := range names {
			// What has no answer proves nothing.
			have.modes[name] = have.modes[name] || rows > 0
		}
	}
	t.Logf("%s on %d streams: %s in %s", object, len(projects), have, time.Since(begin).Round(time.Millisecond))
	if left := missing(modes, have.modes); len(left) > 0 {
		t.Errorf("%s: random questions never ask for %q", object, left)
	}
	if have.rows < 5*usual {
		t.Errorf("%s: the reference gave %d rows: too few to prove anything", object, have.rows)
	}
}

// Border returns a time at, just before or just after one of the projects' events.
func Border(r *rand.Rand, projects []Project) int64 {
	events := Pick(r, projects...).Events
	return Pick(r, events...).Time + int64(r.IntN(3)-1)
}

// Span returns from and to: all random events, or borders.
func Span(r *rand.Rand, projects []Project) (from, to int64) {
	from, to = Border(r, projects), Border(r, projects)
	switch {
	case r.IntN(2) == 0:
		return Start.AddDate(0, 0, -2).UnixMilli(), End.UnixMilli()
	case from > to:
		return to, from
	case from == to:
		to++
	}
	return from, to
}

// Pick returns one of its arguments.
func Pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
