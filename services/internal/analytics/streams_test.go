package analytics

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// seedEnv repeats a run: the seed of a failed one is in its output.
const seedEnv = "TOUCHLINE_SEED"

func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedEnv); text != "" {
		var err error
		if s, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedEnv, err)
		}
	}
	t.Logf("%s=%d", seedEnv, s)
	return s
}

// randomStream is a stream with what tends to go wrong: many events at one
// instant, events exactly at the end of a window, persons of several ids, bots,
// names that want quoting, days that differ from UTC's, late arrivals.
type randomStream struct {
	project string
	Stream
	// unit is the time between neighbouring events.
	unit time.Duration
	// superseded are overrides that a later version took back.
	superseded map[uint64]uint64
	names      []string
}

// streamStart is near the end of a month, and 150 days from it hold both changes
// of daylight-saving time.
var streamStart = time.Date(2026, 2, 25, 0, 0, 0, 0, time.UTC)

func newRandomStream(r *rand.Rand, project string) randomStream {
	s := randomStream{
		project:    project,
		Stream:     Stream{Overrides: map[uint64]uint64{}},
		unit:       pick(r, time.Millisecond, 250*time.Millisecond, time.Second, time.Minute, time.Hour, 24*time.Hour),
		superseded: map[uint64]uint64{},
		names:      []string{"a", "b", "c", "d", "page_view", "Émoji 🎉", `it's a \ "test"`, " ", "x\ny"}[:2+r.IntN(8)],
	}
	zone := must(time.LoadLocation(pick(r, "UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu")))
	ids := make([]uint64, 1+r.IntN(30))
	for i := range ids {
		ids[i] = r.Uint64() | 1
	}
	for i := 1; i < len(ids); i++ {
		switch r.IntN(8) {
		case 0, 1:
			// The first id of the pair is nobody's old id, so there are no chains.
			if to := ids[0]; r.IntN(2) == 0 {
				s.Overrides[ids[i]] = to
			} else {
				s.Overrides[ids[i]] = r.Uint64() | 1
			}
		case 2:
			s.superseded[ids[i]] = ids[0]
		}
	}
	offsets := r.Perm(len(ids) * 24)
	for _, id := range ids {
		start := streamStart.Add(time.Duration(r.IntN(20))*s.unit).AddDate(0, 0, pick(r, 0, 0, 1, r.IntN(150)))
		for range 1 + r.IntN(20) {
			at := start.Add(time.Duration(r.IntN(12)) * s.unit)
			switch r.IntN(8) {
			case 0:
				at = at.AddDate(0, 0, r.IntN(40))
			case 1:
				at = at.Add(time.Duration(r.IntN(4))*time.Second + time.Duration(r.IntN(3)-1)*time.Millisecond)
			}
			s.Events = append(s.Events, Event{
				Person:    id,
				Name:      pick(r, s.names...),
				Time:      at.UnixMilli(),
				Day:       dayOf(at, zone),
				Bot:       r.IntN(20) == 0,
				Partition: uint16(id % 3),
				Offset:    uint64(offsets[len(s.Events)]),
			})
		}
	}
	return s
}

func (s randomStream) funnel(r *rand.Rand) FunnelQuery {
	names := slices.Clone(s.names)
	if r.IntN(6) == 0 {
		names = append(names, "never", "nowhere")
	}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	q := FunnelQuery{
		Steps:         names[:1+r.IntN(min(len(names), 10))],
		WindowSeconds: max(1, int64(time.Duration(r.IntN(14))*s.unit/time.Second)),
	}
	q.From, q.To = s.border(r, q.Steps[0]), s.border(r, q.Steps[0])
	if r.IntN(2) == 0 {
		q.From, q.To = streamStart.UnixMilli(), streamStart.AddDate(0, 0, 160).UnixMilli()
	}
	if q.From > q.To {
		q.From, q.To = q.To, q.From
	}
	if q.From == q.To {
		q.To++
	}
	q.AsOf = streamStart.AddDate(1, 0, 0).UnixMilli()
	if r.IntN(2) == 0 {
		q.AsOf = s.border(r, q.Steps[0]) + q.window()
	}
	return q
}

// border returns a time at, just before or just after an event, if possible one of
// that name.
func (s randomStream) border(r *rand.Rand, name string) int64 {
	var at int64
	for range 20 {
		e := s.Events[r.IntN(len(s.Events))]
		at = e.Time + int64(r.IntN(3)-1)
		if e.Name == name {
			break
		}
	}
	return at
}

func (s randomStream) dropOff(r *rand.Rand) DropOffQuery {
	for {
		q := DropOffQuery{FunnelQuery: s.funnel(r)}
		if len(q.Steps) == 1 {
			continue
		}
		q.AfterStep = 1 + r.IntN(min(3, len(q.Steps)-1))
		q.HorizonSeconds = max(1, int64(time.Duration(r.IntN(12))*s.unit/time.Second))
		return q
	}
}

func (s randomStream) retention(r *rand.Rand) RetentionQuery {
	event := func() string { return pick(r, "", pick(r, s.names...), "never") }
	day := func() int32 { return s.Events[r.IntN(len(s.Events))].Day + int32(r.IntN(5)-2) }
	return RetentionQuery{
		StartEvent:  event(),
		ReturnEvent: event(),
		Granularity: pick(r, "day", "day", "week", "month"),
		Mode:        pick(r, "recurring", "first_time"),
		Cumulative:  r.IntN(2) == 0,
		From:        day(),
		Cohorts:     1 + r.IntN(9),
		Periods:     1 + r.IntN(9),
		AsOf:        day() + int32(r.IntN(20)),
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The random streams hit what they are made for: each fault, put into the
// question or the events, changes some answer.
func TestRandomStreamsTellFaults(t *testing.T) {
	faults := map[string]func(*randomStream, *FunnelQuery, *DropOffQuery, *RetentionQuery){
		"persons not unified":    func(s *randomStream, _ *FunnelQuery, _ *DropOffQuery, _ *RetentionQuery) { s.Overrides = nil },
		"window a second less":   func(_ *randomStream, f *FunnelQuery, _ *DropOffQuery, _ *RetentionQuery) { f.WindowSeconds-- },
		"from exclusive":         func(_ *randomStream, f *FunnelQuery, _ *DropOffQuery, _ *RetentionQuery) { f.From++ },
		"to inclusive":           func(_ *randomStream, f *FunnelQuery, _ *DropOffQuery, _ *RetentionQuery) { f.To++ },
		"as_of exclusive":        func(_ *randomStream, f *FunnelQuery, _ *DropOffQuery, _ *RetentionQuery) { f.AsOf++ },
		"horizon a second less":  func(_ *randomStream, _ *FunnelQuery, d *DropOffQuery, _ *RetentionQuery) { d.HorizonSeconds-- },
		"drop-off of all levels": func(_ *randomStream, _ *FunnelQuery, d *DropOffQuery, _ *RetentionQuery) { d.AfterStep++ },
		"retention from":         func(_ *randomStream, _ *FunnelQuery, _ *DropOffQuery, q *RetentionQuery) { q.From++ },
		"retention as_of":        func(_ *randomStream, _ *FunnelQuery, _ *DropOffQuery, q *RetentionQuery) { q.AsOf++ },
		"cumulative off":         func(_ *randomStream, _ *FunnelQuery, _ *DropOffQuery, q *RetentionQuery) { q.Cumulative = false },
		"recurring always":       func(_ *randomStream, _ *FunnelQuery, _ *DropOffQuery, q *RetentionQuery) { q.Mode = "recurring" },
		"bots counted": func(s *randomStream, _ *FunnelQuery, _ *DropOffQuery, _ *RetentionQuery) {
			for i := range s.Events {
				s.Events[i].Bot = false
			}
		},
		"days in UTC": func(s *randomStream, _ *FunnelQuery, _ *DropOffQuery, _ *RetentionQuery) {
			for i, e := range s.Events {
				s.Events[i].Day = dayOf(time.UnixMilli(e.Time), time.UTC)
			}
		},
		"log order reversed": func(s *randomStream, _ *FunnelQuery, _ *DropOffQuery, _ *RetentionQuery) {
			for i := range s.Events {
				s.Events[i].Offset = 1e6 - s.Events[i].Offset
			}
		},
	}
	start := seed(t)
	for name, fault := range faults {
		r := rand.New(rand.NewPCG(start, 0))
		told := 0
		for range 600 {
			s := newRandomStream(r, "")
			f, d, q := s.funnel(r), s.dropOff(r), s.retention(r)
			right := answers(s, f, d, q)
			fault(&s, &f, &d, &q)
			if d.AfterStep >= len(d.Steps) || d.HorizonSeconds == 0 {
				continue
			}
			if !slices.Equal(right, answers(s, f, d, q)) {
				told++
			}
		}
		if told < 5 {
			t.Errorf("%s: changed %d answers of 600, want 5 or more", name, told)
		}
	}
}

func answers(s randomStream, f FunnelQuery, d DropOffQuery, q RetentionQuery) []string {
	return slices.Concat(texts(Funnel(s.Stream, f)), texts(DropOffNext(s.Stream, d)), texts(Retention(s.Stream, q)))
}

func streamName(i int) string { return fmt.Sprintf("stream-%04d", i) }
