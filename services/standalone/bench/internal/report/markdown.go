package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"touchline.dev/services/standalone/bench/internal/meter"
)

// Report is everything a run of the benchmark has found.
type Report struct {
	Machine meter.Machine
	// Commit is that of the clone, with "-dirty" when files differ from it.
	Commit    string
	Time      time.Time
	Settings  string
	Rounds    []Round
	Freshness []Freshness
}

// Markdown writes the report as a section without a heading.
func (r Report) Markdown() string {
	var b strings.Builder
	r.header(&b)
	r.costs(&b)
	r.counts(&b)
	r.memory(&b)
	r.freshness(&b)
	return b.String()
}

func (r Report) header(b *strings.Builder) {
	var loads []string
	for _, round := range r.Rounds {
		loads = append(loads, round.Load)
	}
	fmt.Fprintf(b, "- Commit %s, %s, %s\n", r.Commit, r.Machine.Go, r.Time.UTC().Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(b, "- %d cores of %s; load average before each round: %s\n", r.Machine.Cores, r.Machine.Model, strings.Join(loads, ", "))
	fmt.Fprintf(b, "- %s\n", r.Settings)
	sha := middle(r.Rounds, func(x Round) float64 { return x.SHA })
	fmt.Fprintf(b, "- Calibration: %.0f MB of SHA-256 a CPU-second (%.0f to %.0f)\n\n", sha.median, sha.least, sha.most)
}

func (r Report) costs(b *strings.Builder) {
	fmt.Fprintf(b, "| CPU-seconds (user + system) per million events | median of %d | range | target | SHA-256, KB per event |\n|---|--:|--:|--:|--:|\n", len(r.Rounds))
	row := func(a about, of []Line) {
		cost := func(x Round) float64 {
			sum := 0.0
			for _, l := range of {
				sum += x.Cost[l]
			}
			return sum
		}
		m := middle(r.Rounds, cost)
		// A microsecond is as long as it takes to hash SHA bytes.
		hashed := middle(r.Rounds, func(x Round) float64 { return cost(x) * x.SHA / 1e3 })
		target := "–"
		if a.target > 0 {
			target = fmt.Sprintf("≤ %g", a.target)
		}
		fmt.Fprintf(b, "| %s | %.2f | %.2f–%.2f | %s | %.1f |\n", a.name, m.median, m.least, m.most, target, hashed.median)
	}
	for l := range lines {
		row(l.about(), []Line{l})
	}
	for _, s := range sums {
		row(s.about, s.of)
	}
	b.WriteString("\n")
}

func (r Report) counts(b *strings.Builder) {
	b.WriteString("| Events | sent | acked | stored | duplicate | rows | distinct rows | lost | doubled |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i, round := range r.Rounds {
		c := round.Counts
		fmt.Fprintf(b, "| round %d | %d | %d | %d | %d | %d | %d | %d | %d |\n", i+1, c.Sent, c.Acked, c.Outcomes["stored"], c.Outcomes["duplicate"],
			c.Rows, c.DistinctRows, c.Sent-c.Retried-c.DistinctRows, c.Rows-c.DistinctRows)
	}
	b.WriteString("\n")
}

func (r Report) memory(b *strings.Builder) {
	b.WriteString("| Peak resident memory, MB | median | range |\n|---|--:|--:|\n")
	for _, name := range slices.Sorted(maps.Keys(r.Rounds[0].PeakRSS)) {
		m := middle(r.Rounds, func(x Round) float64 { return float64(x.PeakRSS[name]) / 1e6 })
		fmt.Fprintf(b, "| %s | %.0f | %.0f–%.0f |\n", name, m.median, m.least, m.most)
	}
	b.WriteString("\n")
}

func (r Report) freshness(b *strings.Builder) {
	if len(r.Freshness) == 0 {
		return
	}
	b.WriteString("| Acknowledged to queryable | events/s | markers | p50 | p99 | most | cores busy | peak MB | load average |\n|---|--:|--:|--:|--:|--:|---|---|--:|\n")
	for _, f := range r.Freshness {
		var cores, memory []string
		for _, name := range slices.Sorted(maps.Keys(f.Cores)) {
			cores = append(cores, fmt.Sprintf("%s %.2f", name, f.Cores[name]))
			memory = append(memory, fmt.Sprintf("%s %.0f", name, float64(f.PeakRSS[name])/1e6))
		}
		fmt.Fprintf(b, "| %s | %d | %d | %s | %s | %s | %s | %s | %s |\n", f.What, f.Rate, len(f.Latencies), ms(f.quantile(0.5)), ms(f.quantile(0.99)),
			ms(f.Latencies[len(f.Latencies)-1]), strings.Join(cores, ", "), strings.Join(memory, ", "), f.Load)
	}
	b.WriteString("\n")
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// spread is the median and the ends of a sample.
type spread struct{ least, median, most float64 }

func middle(rounds []Round, of func(Round) float64) spread {
	sample := make([]float64, len(rounds))
	for i, r := range rounds {
		sample[i] = of(r)
	}
	slices.Sort(sample)
	n := len(sample)
	return spread{sample[0], (sample[(n-1)/2] + sample[n/2]) / 2, sample[n-1]}
}
