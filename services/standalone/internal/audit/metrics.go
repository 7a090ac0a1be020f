package audit

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	rounds, failures, records                prometheus.Counter
	residual, lines, inFlight, lag, unproven prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := &metrics{
		rounds:   counter("touchline_ledger_rounds_total", "Rounds of the auditor."),
		failures: counter("touchline_ledger_failed_rounds_total", "Rounds in which something could not be read or written."),
		records:  counter("touchline_ledger_counted_records_total", "Raw records that this auditor has counted."),
		residual: gauge("touchline_ledger_residual", "Events of all minutes that are missing or too many; 0 when the ledger closes."),
		lines:    gauge("touchline_ledger_open_minutes", "Minutes of projects with a residual."),
		inFlight: gauge("touchline_ledger_in_flight", "Counted raw records that have not landed."),
		lag:      gauge("touchline_ledger_counted_lag", "Raw records that are not counted yet."),
		unproven: gauge("touchline_ledger_uncounted", "Raw records that had expired before they were counted."),
	}
	reg.MustRegister(m.rounds, m.failures, m.records, m.residual, m.lines, m.inFlight, m.lag, m.unproven)
	return m
}
