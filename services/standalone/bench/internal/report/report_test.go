package report

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/services/standalone/bench/internal/meter"
)

func goodCounts() Counts {
	return Counts{Sent: 10, Retried: 2, Acked: 10, Outcomes: map[event.Outcome]int{event.Stored: 8, event.Duplicate: 2}, Rows: 8, DistinctRows: 8}
}

var spoils = map[string]func(*Counts){
	"an event was refused":      func(c *Counts) { c.Acked-- },
	"an event was lost":         func(c *Counts) { c.Outcomes[event.Stored]--; c.Rows--; c.DistinctRows-- },
	"a row was lost":            func(c *Counts) { c.Rows--; c.DistinctRows-- },
	"a row was doubled":         func(c *Counts) { c.Rows++ },
	"a retry was stored":        func(c *Counts) { c.Outcomes[event.Stored]++; c.Outcomes[event.Duplicate]--; c.Rows++; c.DistinctRows++ },
	"an event was rejected":     func(c *Counts) { c.Outcomes[event.Stored]--; c.Outcomes[event.Rejected]++; c.Rows--; c.DistinctRows-- },
	"the log has one too many":  func(c *Counts) { c.Outcomes[event.Dropped]++ },
	"a row stands for two":      func(c *Counts) { c.DistinctRows-- },
	"a row comes from nowhere":  func(c *Counts) { c.Rows++; c.DistinctRows++ },
	"more acks than were asked": func(c *Counts) { c.Acked++ },
	"nothing was sent":          func(c *Counts) { *c = Counts{} },
}

func TestCounts(t *testing.T) {
	if err := goodCounts().Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range spoils {
		c := goodCounts()
		spoil(&c)
		if err := c.Check(); !errors.Is(err, ErrCounts) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReport_Check spoils the counts of each part of a report in turn.
func TestReport_Check(t *testing.T) {
	good := func() Report {
		round := func() Round { return Round{Counts: []Counts{goodCounts(), goodCounts()}} }
		return Report{Rounds: []Round{round(), round()}, Tenths: []Round{round()}, Freshness: []Freshness{{Counts: goodCounts()}}}
	}
	if err := good().Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range spoils {
		for part, of := range map[string]func(*Report) *Counts{
			"a round":     func(r *Report) *Counts { return &r.Rounds[1].Counts[1] },
			"a tenth":     func(r *Report) *Counts { return &r.Tenths[0].Counts[0] },
			"a freshness": func(r *Report) *Counts { return &r.Freshness[0].Counts },
		} {
			r := good()
			spoil(of(&r))
			if err := r.Check(); !errors.Is(err, ErrCounts) {
				t.Errorf("%s of %s: %v", name, part, err)
			}
		}
	}
	if err := (Report{}).Check(); !errors.Is(err, ErrCounts) {
		t.Errorf("no counts at all: %v", err)
	}
}

func TestMarkdown(t *testing.T) {
	r := Report{Commit: "abc-dirty", Time: time.Unix(0, 0)}
	for i := range 3 {
		large, small := NewRound("round"), NewRound("tenth")
		for _, round := range []*Round{&large, &small} {
			round.SHA, round.PeakRSS["collector"] = 1000, 30e6
			round.Counts = []Counts{goodCounts()}
			round.SetCost(HandlerBatch, meter.Time{User: time.Second}, 1_000_000)
			round.SetCost(CollectorBatch, meter.Time{User: time.Duration(2+i) * time.Second, System: time.Second}, 1_000_000)
			round.SetHeap(CollectorBatch, meter.Heap{Objects: 2e6, Bytes: 3e8}, 1_000_000)
		}
		small.SetCost(CollectorBatch, meter.Time{User: 5 * time.Second}, 1_000_000)
		small.PeakRSS["collector"] = 20e6
		r.Rounds, r.Tenths = append(r.Rounds, large), append(r.Tenths, small)
	}
	f := Freshness{
		What: "services", Partitions: 12, Rate: 2000, Enricher: "enricher", ClickHouse: "ClickHouse",
		Held: map[string]float64{"enricher": 0.15, "ClickHouse": 0.01}, PeakRSS: map[string]int64{"enricher": 90e6, "ClickHouse": 500e6},
	}
	for i := range 3 {
		w := Window{Cores: map[string]float64{"enricher": 0.25, "ClickHouse": 0.2 + float64(i)/10}}
		for n := range 100 {
			w.Latencies = append(w.Latencies, time.Duration(i*1000+n)*time.Millisecond)
		}
		f.Windows = append(f.Windows, w)
	}
	r.Freshness = []Freshness{f}
	text := r.Markdown()
	for _, want := range []string{
		"| collector, 50 events a request | 4.00 | 3.00–5.00 | 1.00 | ≤ 5 | 3.5 | 4.00 | 4.0 |\n",
		"| collector, 50 events a request | 2.00 (2.00–2.00) | 300 (300–300) |\n",
		"| collector | 30 | 30–30 |\n",
		"| collector, 50 events a request | 5.00 (5.00–5.00) | 4.00 (3.00–5.00) | 0.80 |\n",
		"| collector | 20 (20–20) | 30 (30–30) | 1.50 |\n",
		"| services | 12 | 3 × 100 | 1050 (50–2050) | 1099 (99–2099) | < 700 ms | 1099 (99–2099) |",
		"| services: enricher | 0.250 | 0.250–0.250 | – | 0.150 | 90 |\n",
		"less those with landing held off) | 0.400 | 0.300–0.500 | ≤ 0.3 |",
		"| 10 | 10 | 8 | 2 | 8 | 8 | 0 | 0 |\n",
		"abc-dirty",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for _, not := range []string{"1 event a request", "whole path", "30 columns"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is in the report although it was not measured:\n%s", not, text)
		}
	}
}

// TestTable checks that every line has its place in the table.
func TestTable(t *testing.T) {
	shown := map[Line]int{}
	for _, a := range table {
		if len(a.of) == 1 {
			shown[a.of[0]]++
		}
	}
	for l := range lines {
		if shown[l] != 1 {
			t.Errorf("line %d is shown %d times", l, shown[l])
		}
	}
}

func TestInsert(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doc.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n" + begin + "\nold\n" + end + "\nafter\n")
	for range 2 { // the second finds what the first has written
		if err := Insert(file, "new\n\n"); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if want := "before\n" + begin + "\nnew\n" + end + "\nafter\n"; string(got) != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	for _, text := range []string{"nothing", begin + "\n", end + "\n" + begin + "\n", begin + "\n" + end + "\n" + begin + "\n" + end + "\n"} {
		write(text)
		if err := Insert(file, "new"); !errors.Is(err, ErrMarkers) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
