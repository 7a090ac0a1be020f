package writer

import (
	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/schemas/event"
)

type metrics struct {
	events *prometheus.CounterVec
	stored prometheus.Counter
	lost   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_enricher_events_total",
			Help: "Events appended to the dense log by outcome and reason. An event that is processed again after a restart counts again; the ledger is exact.",
		}, []string{"outcome", "reason"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_enricher_lost_retention_total",
			Help: "Raw records that the broker deleted before they were read.",
		}),
	}
	reg.MustRegister(m.events, m.lost)
	m.stored = m.events.WithLabelValues(string(event.Stored), "")
	return m
}

func (m *metrics) count(e *event.Enriched) {
	if e.Outcome == event.Stored {
		m.stored.Inc()
		return
	}
	m.events.WithLabelValues(string(e.Outcome), string(e.Reason)).Inc()
}
