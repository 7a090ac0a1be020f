package intake

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector/internal/budget"
)

// Metrics are the collector's. Labels are paths of routes, status codes and
// reasons: closed lists all three.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	accepted prometheus.Counter
	// duplicates are among the accepted.
	duplicates prometheus.Counter
	rejected   map[event.Reason]prometheus.Counter
	dropped    map[event.Reason]prometheus.Counter
	// Acks observes how long requests waited for Kafka.
	Acks prometheus.Histogram
}

// NewMetrics registers the metrics; held is what its gauge of bytes reports.
func NewMetrics(to prometheus.Registerer, held *budget.Budget) (*Metrics, error) {
	events := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "touchline_collector_events_total",
		Help: "Events of answered requests, by outcome and, where rejected or dropped, reason. Rejected ones are kept, those of refused requests are not.",
	}, []string{"outcome", "reason"})
	// 0.5 ms to 16 s: an answer takes at least the producer's linger.
	buckets := prometheus.ExponentialBuckets(0.0005, 2, 16)
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "touchline_collector_requests_total",
			Help: "Requests by path of the route and HTTP status.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "touchline_collector_request_duration_seconds",
			Help: "Time from a request's headers to its answer.", Buckets: buckets,
		}, []string{"route"}),
		Acks: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "touchline_collector_ack_seconds",
			Help: "Time from handing a request's events to the producer to the last acknowledgement.", Buckets: buckets,
		}),
		accepted: events.WithLabelValues("accepted", ""),
		duplicates: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "touchline_collector_duplicates_total",
			Help: "Accepted events whose message id was accepted shortly before; the enricher decides about them.",
		}),
		rejected: map[event.Reason]prometheus.Counter{}, dropped: map[event.Reason]prometheus.Counter{},
	}
	for _, reason := range append(event.EventReasons(), event.RequestReasons()...) {
		m.rejected[reason] = events.WithLabelValues("rejected", string(reason))
	}
	for _, reason := range event.DropReasons() {
		m.dropped[reason] = events.WithLabelValues("dropped", string(reason))
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.Acks, m.duplicates, events, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "touchline_collector_inflight_bytes",
		Help: "Bytes held by bodies being read and records not yet acknowledged.",
	}, func() float64 { return float64(held.Used()) })} {
		if err := to.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) events(v *Verdict) {
	m.accepted.Add(float64(v.Accepted))
	if n := len(v.Duplicates); n > 0 {
		m.duplicates.Add(float64(n))
	}
	for i := range v.Rejected {
		m.rejected[v.Rejected[i].Reason].Inc()
	}
	if v.Refused > 0 {
		m.rejected[v.Fault.Reason].Add(float64(v.Refused))
	}
	if v.Drops.N > 0 {
		m.dropped[v.Drops.Reason].Add(float64(v.Drops.N))
	}
}

// meter counts the requests of one route.
type meter struct {
	codes   map[int]prometheus.Counter
	seconds prometheus.Observer
	vec     *prometheus.CounterVec
	route   string
}

func (m *Metrics) route(path string) meter {
	codes := map[int]prometheus.Counter{}
	for _, code := range []int{http.StatusOK, http.StatusNoContent, http.StatusUnauthorized, http.StatusServiceUnavailable} {
		codes[code] = m.requests.WithLabelValues(path, strconv.Itoa(code))
	}
	return meter{codes: codes, seconds: m.seconds.WithLabelValues(path), vec: m.requests, route: path}
}

func (m *meter) observe(code int, start time.Time) {
	c, ok := m.codes[code]
	if !ok {
		c = m.vec.WithLabelValues(m.route, strconv.Itoa(code))
	}
	c.Inc()
	m.seconds.Observe(time.Since(start).Seconds())
}
