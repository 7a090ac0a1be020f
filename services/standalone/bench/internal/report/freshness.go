package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Freshness is how long after its acknowledgement an event can be read with SQL,
// at a fixed rate, and what that takes.
type Freshness struct {
	What string
	// Load is the host's load average when it began.
	Load       string
	Partitions int
	// Rate is events a second.
	Rate    int
	Windows []Window
	// Held is how many cores were busy, by process, while landing was held off and
	// everything else went on; nil when it was not measured.
	Held map[string]float64
	// Enricher and ClickHouse name the processes whose cores are landing's, less
	// what they use in Held.
	Enricher, ClickHouse string
	// PeakRSS is in bytes, by process.
	PeakRSS map[string]int64
	Counts  Counts
}

// Window is one measurement of a Freshness.
type Window struct {
	// Latencies are those of its markers, sorted.
	Latencies []time.Duration
	// Cores is how many were busy at that rate, by process, while nobody asked.
	Cores map[string]float64
}

func (w Window) quantile(q float64) time.Duration {
	return w.Latencies[min(len(w.Latencies)-1, int(q*float64(len(w.Latencies))))]
}

// landing is how many cores landing and ClickHouse keep busy in a window.
func (f Freshness) landing(w Window) float64 {
	return w.Cores[f.ClickHouse] + w.Cores[f.Enricher] - f.Held[f.Enricher]
}

// The targets of the table.
const (
	freshTarget = "< 700 ms"
	coreTarget  = "≤ 0.3"
)

func (r Report) writeFreshness(b *strings.Builder) {
	if len(r.Freshness) == 0 {
		return
	}
	rate := r.Freshness[0].Rate
	fmt.Fprintf(b, "| Acknowledged to queryable at %d events/s | partitions | windows × markers | p50, ms | p99, ms | target | most, ms | load average |\n|---|--:|--:|--:|--:|--:|--:|--:|\n", rate)
	for _, f := range r.Freshness {
		ms := func(q float64) string {
			return middle(f.Windows, func(w Window) float64 { return float64(w.quantile(q).Milliseconds()) }).text(0)
		}
		fmt.Fprintf(b, "| %s | %d | %d × %d | %s | %s | %s | %s | %s |\n", f.What, f.Partitions, len(f.Windows), len(f.Windows[0].Latencies),
			ms(0.5), ms(0.99), freshTarget, ms(1), f.Load)
	}
	fmt.Fprintf(b, "\n| Cores busy at %d events/s, nobody asking | median of %d | range | target | the same, landing held off | peak MB |\n|---|--:|--:|--:|--:|--:|\n", rate, len(r.Freshness[0].Windows))
	for _, f := range r.Freshness {
		for _, name := range slices.Sorted(maps.Keys(f.PeakRSS)) {
			held := "–"
			if f.Held != nil {
				held = fmt.Sprintf("%.3f", f.Held[name])
			}
			m := middle(f.Windows, func(w Window) float64 { return w.Cores[name] })
			fmt.Fprintf(b, "| %s: %s | %.3f | %.3f–%.3f | – | %s | %.0f |\n", f.What, name, m.median, m.least, m.most, held, float64(f.PeakRSS[name])/1e6)
		}
		if f.Held != nil {
			m := middle(f.Windows, f.landing)
			fmt.Fprintf(b, "| %s: ClickHouse and landing (the enricher's cores less those with landing held off) | %.3f | %.3f–%.3f | %s | – | – |\n", f.What, m.median, m.least, m.most, coreTarget)
		}
	}
	b.WriteString("\n")
}
