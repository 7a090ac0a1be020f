package kafka

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"strconv"
)

// lagMetrics exports how far each partition's worker is behind its log.
type lagMetrics struct {
	records, seconds *prometheus.Desc

	mu         sync.Mutex // guards the following
	partitions map[int32]lagState
}

type lagState struct {
	next, end int64
	last      time.Time
}

func newLagMetrics(reg prometheus.Registerer, group string) *lagMetrics {
	labels := prometheus.Labels{"group": group}
	m := &lagMetrics{
		records: prometheus.NewDesc("touchline_consumer_lag_records",
			"Records of the partition that this process has not fetched yet, by its last fetch.", []string{"partition"}, labels),
		seconds: prometheus.NewDesc("touchline_consumer_lag_seconds",
			"Age of the last record fetched while records remain behind it; 0 when none remain.", []string{"partition"}, labels),
		partitions: make(map[int32]lagState),
	}
	if reg != nil {
		reg.MustRegister(m)
	}
	return m
}

func (m *lagMetrics) fetched(partition int32, next, end int64, last time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.partitions[partition] = lagState{next, end, last}
}

func (m *lagMetrics) forget(partition int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.partitions, partition)
}

// Describe implements prometheus.Collector.
func (m *lagMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.records
	ch <- m.seconds
}

// Collect implements prometheus.Collector.
func (m *lagMetrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.partitions {
		label := strconv.Itoa(int(id))
		lag := max(0, s.end-s.next)
		age := 0.0
		if lag > 0 {
			age = max(0, time.Since(s.last).Seconds())
		}
		ch <- prometheus.MustNewConstMetric(m.records, prometheus.GaugeValue, float64(lag), label)
		ch <- prometheus.MustNewConstMetric(m.seconds, prometheus.GaugeValue, age, label)
	}
}
