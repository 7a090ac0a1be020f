package fold

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	folded, known, bots, repeats, holes, snapshots prometheus.Counter
	fragments, bytes                               *prometheus.GaugeVec
	publishSeconds, restoreSeconds                 prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	events := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "touchline_scorer_events_total",
		Help: "Records of the dense log by what folding did with them: folded, known (in its fragment already), bot, repeat, hole.",
	}, []string{"verdict"})
	m := &metrics{
		folded: events.WithLabelValues("folded"), known: events.WithLabelValues("known"), bots: events.WithLabelValues("bot"),
		repeats: events.WithLabelValues("repeat"), holes: events.WithLabelValues("hole"),
		snapshots: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_scorer_snapshots_total", Help: "Snapshots of fragments published.",
		}),
		fragments: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_scorer_fragments", Help: "Fragments held for folding.",
		}, []string{"partition"}),
		bytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_scorer_fragment_bytes", Help: "Memory that fragments held for folding take, roughly.",
		}, []string{"partition"}),
		publishSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "touchline_scorer_publish_seconds", Help: "Time from encoding snapshots to having them in both topics.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
		restoreSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "touchline_scorer_restore_fragments_seconds", Help: "Time to read the fragments of a partition back.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14),
		}),
	}
	reg.MustRegister(events, m.snapshots, m.fragments, m.bytes, m.publishSeconds, m.restoreSeconds)
	return m
}

func (m *metrics) holds(partition int32, s *store) {
	label := strconv.Itoa(int(partition))
	m.fragments.WithLabelValues(label).Set(float64(s.len()))
	m.bytes.WithLabelValues(label).Set(float64(s.bytes))
}

func (m *metrics) published(partition int32, s *store, snapshots int, took time.Duration) {
	m.snapshots.Add(float64(snapshots))
	m.publishSeconds.Observe(took.Seconds())
	m.holds(partition, s)
}

func (m *metrics) forget(partition int32) {
	label := strconv.Itoa(int(partition))
	m.fragments.DeleteLabelValues(label)
	m.bytes.DeleteLabelValues(label)
}
