package landing

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	rows, chunks, retries, repeats, holes prometheus.Counter
	insertSeconds                         prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, name string) *metrics {
	labels := prometheus.Labels{"lander": name}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels})
	}
	m := &metrics{
		rows:    counter("touchline_landing_rows_total", "Rows inserted into ClickHouse."),
		chunks:  counter("touchline_landing_chunks_total", "Chunks inserted into ClickHouse."),
		retries: counter("touchline_landing_retries_total", "Inserts that failed and were repeated."),
		repeats: counter("touchline_landing_repeats_total", "Records passed over because they had landed before."),
		holes:   counter("touchline_landing_holes_total", "Records passed over because an earlier one was missing."),
		insertSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "touchline_landing_insert_seconds", Help: "Time from closing a chunk to having it in ClickHouse.",
			ConstLabels: labels, Buckets: prometheus.ExponentialBuckets(0.01, 2, 12),
		}),
	}
	reg.MustRegister(m.rows, m.chunks, m.retries, m.repeats, m.holes, m.insertSeconds)
	return m
}

func (m *metrics) chunk(rows int, took time.Duration) {
	m.rows.Add(float64(rows))
	m.chunks.Inc()
	m.insertSeconds.Observe(took.Seconds())
}
