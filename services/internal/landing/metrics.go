package landing

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	rows, chunks, repeats, holes, excluded prometheus.Counter
	retries                                *prometheus.CounterVec
	insertSeconds                          prometheus.Histogram

	lander                   *Lander
	bytes, waiting, unlanded *prometheus.Desc
}

func newMetrics(reg prometheus.Registerer, name string, l *Lander) *metrics {
	labels := prometheus.Labels{"lander": name}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels})
	}
	m := &metrics{
		rows:     counter("touchline_landing_rows_total", "Rows inserted into ClickHouse."),
		chunks:   counter("touchline_landing_chunks_total", "Chunks inserted into ClickHouse."),
		repeats:  counter("touchline_landing_repeats_total", "Records passed over because they had landed before."),
		holes:    counter("touchline_landing_holes_total", "Records passed over because an earlier one was missing."),
		excluded: counter("touchline_landing_excluded_total", "Records whose rows ClickHouse refused and that were put elsewhere."),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_landing_retries_total", Help: "Inserts that failed and were repeated, by what was wrong.", ConstLabels: labels,
		}, []string{"class"}),
		insertSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "touchline_landing_insert_seconds", Help: "Time from closing a chunk to having it in ClickHouse.",
			ConstLabels: labels, Buckets: prometheus.ExponentialBuckets(0.01, 2, 12),
		}),
		bytes: prometheus.NewDesc("touchline_landing_chunk_bytes",
			"Memory of the chunks that are gathered or inserted, bounded by landing.max_bytes.", nil, labels),
		waiting: prometheus.NewDesc("touchline_landing_waiting_partitions",
			"Partitions that are not read further until ClickHouse takes what was read.", nil, labels),
		unlanded: prometheus.NewDesc("touchline_landing_oldest_seconds",
			"Age of the oldest record that was read and has not landed; 0 when there is none.", nil, labels),
		lander: l,
	}
	reg.MustRegister(m.rows, m.chunks, m.repeats, m.holes, m.excluded, m.retries, m.insertSeconds, m)
	return m
}

func (m *metrics) chunk(rows int, took time.Duration) {
	m.rows.Add(float64(rows))
	m.chunks.Inc()
	m.insertSeconds.Observe(took.Seconds())
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.bytes
	ch <- m.waiting
	ch <- m.unlanded
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	l := m.lander
	l.mu.Lock()
	defer l.mu.Unlock()
	var waiting, oldest float64
	now := time.Now().UnixMilli()
	for w := range l.workers {
		if w.waiting.Load() {
			waiting++
		}
		if first := w.oldest(); first != 0 {
			oldest = max(oldest, float64(now-first)/1000)
		}
	}
	ch <- prometheus.MustNewConstMetric(m.bytes, prometheus.GaugeValue, float64(l.memory.bytes()))
	ch <- prometheus.MustNewConstMetric(m.waiting, prometheus.GaugeValue, waiting)
	ch <- prometheus.MustNewConstMetric(m.unlanded, prometheus.GaugeValue, oldest)
}
