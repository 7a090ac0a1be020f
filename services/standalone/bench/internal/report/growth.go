package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// writeGrowth compares rounds with rounds of a tenth of the events.
func (r Report) writeGrowth(b *strings.Builder) {
	if len(r.Rounds) == 0 || len(r.Tenths) == 0 {
		return
	}
	fmt.Fprintf(b, "| Ten times the events: CPU-seconds per million, target 0.90–1.10 | a tenth: %d events | all: %d events | ratio |\n|---|--:|--:|--:|\n", r.Tenths[0].Counts[0].Sent, r.Rounds[0].Counts[0].Sent)
	ratio := func(small, large spread) float64 { return large.median / small.median }
	for _, a := range table {
		_, ok1 := r.Tenths[0].cost(a.of)
		_, ok2 := r.Rounds[0].cost(a.of)
		if !ok1 || !ok2 {
			continue
		}
		cost := func(x Round) float64 { c, _ := x.cost(a.of); return c.Total() }
		small, large := middle(r.Tenths, cost), middle(r.Rounds, cost)
		fmt.Fprintf(b, "| %s | %s | %s | %.2f |\n", a.name, small.text(2), large.text(2), ratio(small, large))
	}
	b.WriteString("\n| Ten times the events: peak resident memory, MB | a tenth | all | ratio |\n|---|--:|--:|--:|\n")
	for _, name := range slices.Sorted(maps.Keys(r.Tenths[0].PeakRSS)) {
		peak := func(x Round) float64 { return float64(x.PeakRSS[name]) / 1e6 }
		small, large := middle(r.Tenths, peak), middle(r.Rounds, peak)
		fmt.Fprintf(b, "| %s | %s | %s | %.2f |\n", name, small.text(0), large.text(0), ratio(small, large))
	}
	b.WriteString("\n")
}
