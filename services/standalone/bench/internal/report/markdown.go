package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/services/standalone/bench/internal/meter"
)

// Report is everything a run of the benchmark has found.
type Report struct {
	Machine meter.Machine
	// Commit is that of the clone, with "-dirty" when files differ from it.
	Commit   string
	Time     time.Time
	Took     time.Duration
	Settings []string
	Rounds   []Round
	// Tenths are rounds with a tenth of the events.
	Tenths    []Round
	Freshness []Freshness
}

// Markdown writes the report as a section without a heading.
func (r Report) Markdown() string {
	var b strings.Builder
	r.writeHeader(&b)
	r.writeCosts(&b)
	r.writeHeap(&b)
	r.writeMemory(&b)
	r.writeGrowth(&b)
	r.writeFreshness(&b)
	r.writeCounts(&b)
	return b.String()
}

func (r Report) writeHeader(b *strings.Builder) {
	fmt.Fprintf(b, "- Commit %s, %s, %s, %s\n", r.Commit, r.Machine.Go, r.Time.UTC().Format("2006-01-02 15:04 MST"), r.Took.Round(time.Second))
	fmt.Fprintf(b, "- %d cores of %s", r.Machine.Cores, r.Machine.Model)
	if len(r.Rounds) > 0 {
		var loads []string
		for _, round := range r.Rounds {
			loads = append(loads, round.Load)
		}
		sha := middle(r.Rounds, func(x Round) float64 { return x.SHA })
		fmt.Fprintf(b, "; load average before each round: %s; calibration: %.0f MB of SHA-256 a CPU-second (%.0f–%.0f)", strings.Join(loads, ", "), sha.median, sha.least, sha.most)
	}
	b.WriteString("\n")
	for _, s := range r.Settings {
		fmt.Fprintf(b, "- %s\n", s)
	}
	b.WriteString("\n")
}

func (r Report) writeCosts(b *strings.Builder) {
	if len(r.Rounds) == 0 {
		return
	}
	fmt.Fprintf(b, "| CPU-seconds (user + system) per million events | median of %d | range | of it system | target | floor | times the empty handler | SHA-256, KB per event |\n|---|--:|--:|--:|--:|--:|--:|--:|\n", len(r.Rounds))
	for _, a := range table {
		if _, ok := r.Rounds[0].cost(a.of); !ok {
			continue
		}
		cost := func(x Round) Cost { c, _ := x.cost(a.of); return c }
		m := middle(r.Rounds, func(x Round) float64 { return cost(x).Total() })
		system := middle(r.Rounds, func(x Round) float64 { return cost(x).System })
		// A microsecond is as long as it takes to hash SHA bytes.
		hashed := middle(r.Rounds, func(x Round) float64 { return cost(x).Total() * x.SHA / 1e3 })
		target, floor, times := "–", "–", "–"
		if a.target > 0 {
			target = fmt.Sprintf("≤ %g", a.target)
		}
		if a.floor != "" {
			floor = a.floor
		}
		if a.beside != none {
			times = fmt.Sprintf("%.2f", middle(r.Rounds, func(x Round) float64 { return cost(x).Total() / x.Cost[a.beside].Total() }).median)
		}
		fmt.Fprintf(b, "| %s | %.2f | %.2f–%.2f | %.2f | %s | %s | %s | %.1f |\n", a.name, m.median, m.least, m.most, system.median, target, floor, times, hashed.median)
	}
	b.WriteString("\n")
}

// writeHeap shows the lines of a single process whose allocations were read.
func (r Report) writeHeap(b *strings.Builder) {
	if len(r.Rounds) == 0 || len(r.Rounds[0].Heap) == 0 {
		return
	}
	b.WriteString("| Allocated per event | objects | bytes |\n|---|--:|--:|\n")
	for _, a := range table {
		if len(a.of) != 1 {
			continue
		}
		l := a.of[0]
		if _, ok := r.Rounds[0].Heap[l]; !ok {
			continue
		}
		objects := middle(r.Rounds, func(x Round) float64 { return x.Heap[l].Objects })
		bytes := middle(r.Rounds, func(x Round) float64 { return x.Heap[l].Bytes })
		fmt.Fprintf(b, "| %s | %s | %s |\n", a.name, objects.text(2), bytes.text(0))
	}
	b.WriteString("\n")
}

func (r Report) writeMemory(b *strings.Builder) {
	if len(r.Rounds) == 0 {
		return
	}
	b.WriteString("| Peak resident memory, MB | median | range |\n|---|--:|--:|\n")
	for _, name := range slices.Sorted(maps.Keys(r.Rounds[0].PeakRSS)) {
		m := middle(r.Rounds, func(x Round) float64 { return float64(x.PeakRSS[name]) / 1e6 })
		fmt.Fprintf(b, "| %s | %.0f | %.0f–%.0f |\n", name, m.median, m.least, m.most)
	}
	b.WriteString("\n")
}

func (r Report) writeCounts(b *strings.Builder) {
	b.WriteString("| Events | sent | acked | stored | duplicate | rows | distinct rows | lost | doubled |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range r.counts() {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d | %d | %d |\n", c.Name, c.Sent, c.Acked, c.Outcomes[event.Stored], c.Outcomes[event.Duplicate],
			c.Rows, c.DistinctRows, c.lost(), c.doubled())
	}
	b.WriteString("\n")
}
