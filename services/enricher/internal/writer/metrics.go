package writer

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/link"
	"touchline.dev/services/enricher/internal/session"
)

type metrics struct {
	events  *prometheus.CounterVec
	stored  prometheus.Counter
	lost    prometheus.Counter
	repeats prometheus.Counter

	sessions *prometheus.GaugeVec
	crowded  *prometheus.GaugeVec
	links    *prometheus.GaugeVec

	scanned     prometheus.Counter
	scanSeconds prometheus.Counter
	toScan      *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_enricher_events_total",
			Help: "Events by outcome and reason, counted when the dense log has acknowledged them. What a restart appends again counts as repeated. After a crash some may be missing or, where two processes wrote for a while, counted by both; the ledger is exact.",
		}, []string{"outcome", "reason"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_enricher_lost_retention_total",
			Help: "Raw records that the broker deleted before they were read.",
		}),
		repeats: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_enricher_repeated_total",
			Help: "Records appended to the dense log that it already had when the worker started. Readers pass over them.",
		}),
		sessions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_enricher_sessions",
			Help: "Sessions that are remembered, because events may still join them.",
		}, []string{"partition"}),
		crowded: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_enricher_sessions_crowded",
			Help: "Sessions forgotten before their time because the partition had too many others, since it was taken over. Their next events begin new ones.",
		}, []string{"partition"}),
		links: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_enricher_linked_devices",
			Help: "Devices whose user is remembered, because events that name nobody may still come.",
		}, []string{"partition"}),
		scanned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_enricher_dedup_scanned_total",
			Help: "Records of the dense log read back that deduplication indexes lacked.",
		}),
		scanSeconds: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_enricher_dedup_scan_seconds_total",
			Help: "Seconds spent on reading back the dense log, added up over partitions.",
		}),
		toScan: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "touchline_enricher_dedup_records_to_scan",
			Help: "Records of the dense log that are still to be read back before the partition is processed; absent when nothing is.",
		}, []string{"partition"}),
	}
	reg.MustRegister(m.events, m.lost, m.repeats, m.sessions, m.crowded, m.links, m.scanned, m.scanSeconds, m.toScan)
	m.stored = m.events.WithLabelValues(string(event.Stored), "")
	return m
}

// counter returns what counts events like e.
func (m *metrics) counter(e *event.Enriched) prometheus.Counter {
	switch e.Outcome {
	case event.Stored:
		return m.stored
	case event.LostRetention:
		return m.lost
	default:
		return m.events.WithLabelValues(string(e.Outcome), string(e.Reason))
	}
}

func (m *metrics) remembered(partition int32, s *session.Sessions, l *link.Links) {
	p := strconv.Itoa(int(partition))
	m.sessions.WithLabelValues(p).Set(float64(s.Len()))
	m.crowded.WithLabelValues(p).Set(float64(s.Crowded()))
	m.links.WithLabelValues(p).Set(float64(l.Len()))
}

// left is told that a partition is no longer ours.
func (m *metrics) left(partition int32) {
	p := strconv.Itoa(int(partition))
	m.sessions.DeleteLabelValues(p)
	m.crowded.DeleteLabelValues(p)
	m.links.DeleteLabelValues(p)
}

func (m *metrics) scanning(partition int32, left int64) {
	m.toScan.WithLabelValues(strconv.Itoa(int(partition))).Set(float64(left))
}

func (m *metrics) scanEnded(partition int32) {
	m.toScan.DeleteLabelValues(strconv.Itoa(int(partition)))
}
