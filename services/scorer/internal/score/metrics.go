package score

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	profiles, stale  prometheus.Counter
	persons          *prometheus.GaugeVec
	fragments, bytes *prometheus.GaugeVec
	restoreSeconds   prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"partition"})
	}
	m := &metrics{
		profiles: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_scorer_profiles_total", Help: "Versions of profiles appended to the scores topic.",
		}),
		stale: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_scorer_stale_snapshots_total", Help: "Records of the persons topic that said nothing new.",
		}),
		persons:   gauge("touchline_scorer_persons", "Persons held for scoring."),
		fragments: gauge("touchline_scorer_person_fragments", "Fragments held for scoring."),
		bytes:     gauge("touchline_scorer_person_bytes", "Memory that persons held for scoring take, roughly."),
		restoreSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "touchline_scorer_restore_persons_seconds", Help: "Time to read the persons of a partition back.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14),
		}),
	}
	reg.MustRegister(m.profiles, m.stale, m.persons, m.fragments, m.bytes, m.restoreSeconds)
	return m
}

func (m *metrics) holds(partition int32, p *persons) {
	label := strconv.Itoa(int(partition))
	m.persons.WithLabelValues(label).Set(float64(p.len()))
	m.fragments.WithLabelValues(label).Set(float64(p.fragments))
	m.bytes.WithLabelValues(label).Set(float64(p.bytes))
}

func (m *metrics) forget(partition int32) {
	label := strconv.Itoa(int(partition))
	m.persons.DeleteLabelValues(label)
	m.fragments.DeleteLabelValues(label)
	m.bytes.DeleteLabelValues(label)
}
