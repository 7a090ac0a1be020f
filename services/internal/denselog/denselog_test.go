package denselog_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/denselog"
)

func TestPosition_survivesTheHeaders(t *testing.T) {
	for _, want := range []denselog.Position{
		{Src: 0, Prev: -1, Outcome: event.Stored},
		{Src: 7, Prev: 3, Outcome: event.LostRetention},
		{Src: 1<<63 - 1, Prev: 1<<63 - 2, Outcome: event.Duplicate},
	} {
		got, err := denselog.Parse(&kgo.Record{Headers: want.Headers()})
		if err != nil || got != want {
			t.Errorf("Parse(%+v.Headers()) = %+v, %v", want, got, err)
		}
	}
}

func TestParse_refusesWhatIsNoPosition(t *testing.T) {
	h := func(src, prev string) []kgo.RecordHeader {
		return []kgo.RecordHeader{{Key: "src", Value: []byte(src)}, {Key: "prev", Value: []byte(prev)}}
	}
	for name, headers := range map[string][]kgo.RecordHeader{
		"none": nil, "only src": h("3", "")[:1], "text": h("x", "1"), "prev after src": h("3", "3"),
		"negative": h("-1", "-2"), "prev too small": h("0", "-2"),
	} {
		if p, err := denselog.Parse(&kgo.Record{Headers: headers}); err == nil {
			t.Errorf("%s: parsed as %+v", name, p)
		}
	}
}

func TestMark_takesWhatFollowsAndSkipsRepeatsAndHoles(t *testing.T) {
	now := time.Unix(1000, 0)
	m := denselog.NewMark(denselog.None)
	for _, step := range []struct {
		src, prev int64
		want      denselog.Verdict
		mark      int64
	}{
		{0, -1, denselog.Take, 0},
		{1, 0, denselog.Take, 1},
		{1, 0, denselog.Repeat, 1},
		{3, 2, denselog.Hole, 1},
		{4, 3, denselog.Hole, 1},
		{0, -1, denselog.Repeat, 1},
		{2, 1, denselog.Take, 2},
		{3, 2, denselog.Take, 3},
		// A lost range is one record that spans it, whoever has read part of it.
		{9, 1, denselog.Take, 9},
	} {
		got := m.Judge(denselog.Position{Src: step.src, Prev: step.prev}, now)
		if got != step.want || m.Src() != step.mark {
			t.Errorf("src %d prev %d: verdict %d, mark %d; want %d, %d", step.src, step.prev, got, m.Src(), step.want, step.mark)
		}
	}
}

func TestMark_knowsHowLongAHoleIsOpen(t *testing.T) {
	m := denselog.NewMark(4)
	start := time.Unix(1000, 0)
	m.Judge(denselog.Position{Src: 7, Prev: 6}, start)
	m.Judge(denselog.Position{Src: 8, Prev: 7}, start.Add(3*time.Second))
	if got := m.HoleAge(start.Add(10 * time.Second)); got != 10*time.Second {
		t.Errorf("hole is open for %s, want 10s", got)
	}
	m.Judge(denselog.Position{Src: 5, Prev: 4}, start.Add(11*time.Second))
	if got := m.HoleAge(start.Add(12 * time.Second)); got != 0 {
		t.Errorf("filled hole is open for %s", got)
	}
}

// Any interleaving of writers that each start at or below the mark and write on
// without a gap, also when some of their appends fail, gives a reader every
// source record once and in order, as soon as one writer gets through.
func TestMark_anyInterleavingOfWritersGivesEachRecordOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	for range 2000 {
		const n = 30
		var log []denselog.Position
		committed := int64(0)
		for committed < n {
			// A writer appends from the committed offset; each append may be
			// refused while later ones get in.
			failedAt := int64(-1)
			end := committed + 1 + rnd.Int64N(n)
			for src := committed; src < min(end, n); src++ {
				if rnd.IntN(12) == 0 {
					if failedAt < 0 {
						failedAt = src
					}
					continue
				}
				log = append(log, denselog.Position{Src: src, Prev: src - 1})
			}
			good := min(end, n)
			if failedAt >= 0 {
				good = failedAt
			}
			committed += rnd.Int64N(good - committed + 1)
		}
		m := denselog.NewMark(denselog.None)
		var taken []int64
		for _, p := range log {
			if m.Judge(p, time.Time{}) == denselog.Take {
				taken = append(taken, p.Src)
			}
		}
		if len(taken) != n {
			t.Fatalf("took %d of %d records: %v from %v", len(taken), n, taken, log)
		}
		for i, src := range taken {
			if src != int64(i) {
				t.Fatalf("took %v", taken)
			}
		}
	}
}

func TestPosition_appendsToHeadersAndValues(t *testing.T) {
	want := denselog.Position{Src: 12, Prev: 11, Outcome: event.Rejected}
	headers, b := want.AppendHeaders([]kgo.RecordHeader{{Key: "x", Value: []byte("y")}}, []byte("before"))
	_ = append(b, "behind"...)
	got, err := denselog.Parse(&kgo.Record{Headers: headers})
	if err != nil || got != want || len(headers) != 4 || string(b[:6]) != "before" {
		t.Errorf("%+v, %v from %v in %q", got, err, headers, b)
	}
}

func TestParse_ofTheFrequentOutcomesAllocatesNothing(t *testing.T) {
	for _, o := range []event.Outcome{event.Stored, event.Duplicate, event.Rejected} {
		r := &kgo.Record{Headers: denselog.Position{Src: 1 << 40, Prev: 7, Outcome: o}.Headers()}
		if n := testing.AllocsPerRun(100, func() {
			if _, err := denselog.Parse(r); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", o, n)
		}
	}
}

// What is parsed is written the same way again.
func FuzzParse(f *testing.F) {
	f.Add([]byte("7"), []byte("6"), []byte("stored"))
	f.Add([]byte("+7"), []byte("-1"), []byte("stor"))
	f.Add([]byte("9223372036854775807"), []byte("0x1"), []byte{0xff})
	f.Fuzz(func(t *testing.T, src, prev, outcome []byte) {
		p, err := denselog.Parse(&kgo.Record{Headers: []kgo.RecordHeader{
			{Key: "src", Value: src}, {Key: "prev", Value: prev}, {Key: "outcome", Value: outcome},
		}})
		if err != nil {
			return
		}
		if p.Prev >= p.Src || string(p.Outcome) != string(outcome) {
			t.Errorf("parsed %q, %q, %q as %+v", src, prev, outcome, p)
		}
		if again, err := denselog.Parse(&kgo.Record{Headers: p.Headers()}); err != nil || again != p {
			t.Errorf("%+v becomes %+v, %v", p, again, err)
		}
	})
}

func BenchmarkHeaders(b *testing.B) {
	b.ReportAllocs()
	p := denselog.Position{Src: 1 << 30, Prev: 1<<30 - 1, Outcome: event.Stored}
	var headers []kgo.RecordHeader
	var values []byte
	for range b.N {
		headers, values = p.AppendHeaders(headers[:0], values[:0])
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	r := &kgo.Record{Headers: denselog.Position{Src: 1 << 30, Prev: 1<<30 - 1, Outcome: event.Stored}.Headers()}
	for range b.N {
		if _, err := denselog.Parse(r); err != nil {
			b.Fatal(err)
		}
	}
}
