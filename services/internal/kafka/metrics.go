package kafka

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// groupMetrics exports how far each partition's worker is behind its log, and
// how the workers are. Its labels are the group and the partition.
type groupMetrics struct {
	restarts prometheus.Counter

	records, seconds, stuck, quiet *prometheus.Desc
	workers                        func() map[int32]watch

	mu         sync.Mutex // guards the following
	partitions map[int32]lagState
}

type lagState struct {
	next, end int64
	last      time.Time
}

// newGroupMetrics registers the metrics of a group; workers returns the state of
// its workers.
func newGroupMetrics(reg prometheus.Registerer, group string, workers func() map[int32]watch) *groupMetrics {
	labels := prometheus.Labels{"group": group}
	m := &groupMetrics{
		restarts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_consumer_worker_restarts_total", ConstLabels: labels,
			Help: "Workers of partitions that failed, or were cancelled because they hung, and were started again.",
		}),
		records: prometheus.NewDesc("touchline_consumer_lag_records",
			"Records of the partition that this process has not fetched yet, by its last fetch.", []string{"partition"}, labels),
		seconds: prometheus.NewDesc("touchline_consumer_lag_seconds",
			"Age of the last record fetched while records remain behind it; 0 when none remain.", []string{"partition"}, labels),
		stuck: prometheus.NewDesc("touchline_consumer_stuck_partitions",
			"Partitions whose worker was cancelled because it showed no progress, and has not ended.", nil, labels),
		quiet: prometheus.NewDesc("touchline_consumer_quiet_seconds",
			"Time since the partition's worker last showed progress; waiting for records is progress.", []string{"partition"}, labels),
		workers:    workers,
		partitions: make(map[int32]lagState),
	}
	if reg != nil {
		reg.MustRegister(m)
	}
	return m
}

func (m *groupMetrics) fetched(partition int32, next, end int64, last time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.partitions[partition] = lagState{next, end, last}
}

func (m *groupMetrics) forget(partition int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.partitions, partition)
}

// Describe implements prometheus.Collector.
func (m *groupMetrics) Describe(ch chan<- *prometheus.Desc) {
	m.restarts.Describe(ch)
	for _, d := range []*prometheus.Desc{m.records, m.seconds, m.stuck, m.quiet} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *groupMetrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	m.restarts.Collect(ch)
	stuck := 0
	for id, w := range m.workers() {
		if w.stuck {
			stuck++
		}
		gauge(m.quiet, w.quiet.Seconds(), strconv.Itoa(int(id)))
	}
	gauge(m.stuck, float64(stuck))
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.partitions {
		lag := max(0, s.end-s.next)
		age := 0.0
		if lag > 0 {
			age = max(0, time.Since(s.last).Seconds())
		}
		label := strconv.Itoa(int(id))
		gauge(m.records, float64(lag), label)
		gauge(m.seconds, age, label)
	}
}
