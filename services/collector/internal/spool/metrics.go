package spool

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the spool's.
type metrics struct {
	in, out, shed, failures prometheus.Counter
	setAside, lostBytes     prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &metrics{
		in:        counter("touchline_collector_spool_written_total", "Records that were synced to the spool."),
		out:       counter("touchline_collector_spool_drained_total", "Records that left the spool, acknowledged by Kafka."),
		shed:      counter("touchline_collector_spool_shed_total", "Requests whose events the spool did not take."),
		failures:  counter("touchline_collector_spool_retries_total", "Chunks that Kafka did not acknowledge and that are sent again."),
		setAside:  counter("touchline_collector_spool_set_aside_total", "Spools that could not be read and were set aside, with accepted events in them; must stay 0."),
		lostBytes: counter("touchline_collector_spool_set_aside_bytes_total", "Bytes on disk of spools that were set aside."),
	}
}

func (m *metrics) register(to prometheus.Registerer, s *Spool) error {
	gauge := func(name, help string, value func(status) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(s.status()) })
	}
	for _, c := range []prometheus.Collector{
		m.in, m.out, m.shed, m.failures, m.setAside, m.lostBytes,
		gauge("touchline_collector_spool_bytes", "Bytes that wait in the spool.", func(t status) float64 { return float64(t.bytes) }),
		gauge("touchline_collector_spool_records", "Records that wait in the spool.", func(t status) float64 { return float64(t.records) }),
		gauge("touchline_collector_spool_oldest_seconds", "How long the oldest record has waited in the spool.", func(t status) float64 { return t.age.Seconds() }),
		gauge("touchline_collector_spool_partitions", "Partitions whose events go through the spool.", func(t status) float64 { return float64(t.busy) }),
	} {
		if err := to.Register(c); err != nil {
			return err
		}
	}
	return nil
}
