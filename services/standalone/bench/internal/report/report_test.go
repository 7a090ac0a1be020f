package report

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCounts(t *testing.T) {
	good := func() Counts {
		return Counts{Sent: 10, Retried: 2, Acked: 10, Outcomes: map[string]int{"stored": 8, "duplicate": 2}, Rows: 8, DistinctRows: 8}
	}
	if err := good().Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Counts){
		"an event was refused":      func(c *Counts) { c.Acked-- },
		"an event was lost":         func(c *Counts) { c.Outcomes["stored"]--; c.Rows--; c.DistinctRows-- },
		"a row was lost":            func(c *Counts) { c.Rows--; c.DistinctRows-- },
		"a row was doubled":         func(c *Counts) { c.Rows++ },
		"a retry was stored":        func(c *Counts) { c.Outcomes["stored"]++; c.Outcomes["duplicate"]--; c.Rows++; c.DistinctRows++ },
		"an event was rejected":     func(c *Counts) { c.Outcomes["stored"]--; c.Outcomes["rejected"]++; c.Rows--; c.DistinctRows-- },
		"the log has one too many":  func(c *Counts) { c.Outcomes["dropped"]++ },
		"a row stands for two":      func(c *Counts) { c.DistinctRows-- },
		"a row comes from nowhere":  func(c *Counts) { c.Rows++; c.DistinctRows++ },
		"more acks than were asked": func(c *Counts) { c.Acked++ },
	} {
		c := good()
		spoil(&c)
		if err := c.Check(); !errors.Is(err, ErrCounts) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMarkdown(t *testing.T) {
	r := Report{Commit: "abc-dirty", Time: time.Unix(0, 0)}
	for i := range 3 {
		round := Round{SHA: 1000, Load: "0.5", PeakRSS: map[string]int64{"collector": 30e6}}
		round.Set(CollectorBatch, time.Duration(3+i)*time.Second, 1_000_000)
		r.Rounds = append(r.Rounds, round)
	}
	f := Freshness{What: "standalone", Rate: 2000, Cores: map[string]float64{"touchline": 0.25}}
	for i := range 100 {
		f.Latencies = append(f.Latencies, time.Duration(i)*time.Millisecond)
	}
	r.Freshness = []Freshness{f}
	text := r.Markdown()
	for _, want := range []string{
		"| collector, 50 events a request | 4.00 | 3.00–5.00 | ≤ 5 | 4.0 |",
		"| whole path, 50 events a request, without the broker | 4.00 |",
		"| collector | 30 | 30–30 |",
		"| standalone | 2000 | 100 | 50 ms | 99 ms | 99 ms | touchline 0.25 |",
		"abc-dirty",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
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
