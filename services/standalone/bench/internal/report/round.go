package report

import (
	"errors"
	"fmt"
	"time"
)

// Line is a line of the table of costs.
type Line int

// The lines, in the order of the table.
const (
	HandlerSingle Line = iota
	HandlerBatch
	CollectorSingle
	CollectorBatch
	BrokerSingle
	BrokerBatch
	Enriching
	BrokerEnriching
	Landing
	Inserts
	Merges
	lines
)

// about is what the table says about a line.
type about struct {
	name string
	// target is in CPU-seconds per million events; 0 none.
	target float64
}

func (l Line) about() about {
	return [lines]about{
		HandlerSingle:   {"empty `net/http` handler, 1 event a request", 0},
		HandlerBatch:    {"empty `net/http` handler, 50 events a request", 0},
		CollectorSingle: {"collector, 1 event a request", 35},
		CollectorBatch:  {"collector, 50 events a request", 5},
		BrokerSingle:    {"broker meanwhile, 1 event a request", 0},
		BrokerBatch:     {"broker meanwhile, 50 events a request", 0},
		Enriching:       {"enricher: raw log to dense log", 7.5},
		BrokerEnriching: {"broker meanwhile", 0},
		Landing:         {"enricher: dense log to ClickHouse", 4},
		Inserts:         {"ClickHouse: inserts and the merges meanwhile", 0},
		Merges:          {"ClickHouse: further merges until it rests", 0},
	}[l]
}

// Sums of lines that have a target of their own.
var sums = []struct {
	about
	of []Line
}{
	{about{"enricher process", 0}, []Line{Enriching, Landing}},
	{about{"landing and ClickHouse, merges included", 14}, []Line{Landing, Inserts, Merges}},
	{about{"whole path, 50 events a request, without the broker", 0}, []Line{CollectorBatch, Enriching, Landing, Inserts, Merges}},
}

// Counts are the events of a round.
type Counts struct {
	// Sent and Acked are the load generator's own; Retried is how many of those
	// sent repeated an earlier one.
	Sent, Retried, Acked int
	// Outcomes is what the dense log says, a record an event.
	Outcomes map[string]int
	// Rows and DistinctRows are what the table has.
	Rows, DistinctRows int
}

// ErrCounts says that events were lost, doubled or refused.
var ErrCounts = errors.New("counts do not add up")

// Check returns an error unless sent = acked = stored + duplicate, every retry
// and nothing else was a duplicate, and every stored event is one row.
func (c Counts) Check() error {
	stored, duplicate := c.Outcomes["stored"], c.Outcomes["duplicate"]
	total := 0
	for _, n := range c.Outcomes {
		total += n
	}
	if c.Acked != c.Sent || total != c.Acked || stored+duplicate != total || duplicate != c.Retried ||
		c.Rows != stored || c.DistinctRows != stored {
		return fmt.Errorf("%w: %+v", ErrCounts, c)
	}
	return nil
}

// Round is one run of everything.
type Round struct {
	// SHA is the calibration, in MB of SHA-256 a CPU-second.
	SHA float64
	// Load is the host's load average when the round began.
	Load string
	// Cost is in CPU-seconds per million events of the line.
	Cost [lines]float64
	// PeakRSS is in bytes, by process.
	PeakRSS map[string]int64
	Counts  Counts
}

// Set notes what a line has cost.
func (r *Round) Set(l Line, cpu time.Duration, events int) {
	r.Cost[l] = cpu.Seconds() / float64(events) * 1e6
}

// Freshness is how long after its acknowledgement an event can be read with SQL,
// at a fixed rate, and what that takes.
type Freshness struct {
	What   string
	Load   string
	Rate   int
	Window time.Duration
	// Latencies are sorted.
	Latencies []time.Duration
	// Cores is how many were busy at that rate, by process, while nobody asked.
	Cores map[string]float64
	// PeakRSS is in bytes, by process.
	PeakRSS map[string]int64
}

func (f Freshness) quantile(q float64) time.Duration {
	return f.Latencies[min(len(f.Latencies)-1, int(q*float64(len(f.Latencies))))]
}
