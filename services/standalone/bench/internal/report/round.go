package report

import (
	"touchline.dev/services/standalone/bench/internal/meter"
)

// Cost is processor time in seconds per million events.
type Cost struct{ User, System float64 }

// Total is user and system time.
func (c Cost) Total() float64 { return c.User + c.System }

// Heap is what a process allocates per event.
type Heap struct{ Objects, Bytes float64 }

// Round is one run of everything, or of a part of it.
type Round struct {
	// Name stands in the table of counts.
	Name string
	// SHA is the calibration, in MB of SHA-256 a CPU-second.
	SHA float64
	// Load is the host's load average when the round began.
	Load string
	// Cost and Heap have the lines that were measured.
	Cost map[Line]Cost
	Heap map[Line]Heap
	// PeakRSS is in bytes, by process.
	PeakRSS map[string]int64
	Counts  []Counts
}

// NewRound returns a round in which nothing was measured yet.
func NewRound(name string) Round {
	return Round{Name: name, Cost: make(map[Line]Cost), Heap: make(map[Line]Heap), PeakRSS: make(map[string]int64)}
}

// SetCost notes what so many events have cost.
func (r *Round) SetCost(l Line, used meter.Time, events int) {
	per := 1e6 / float64(events)
	r.Cost[l] = Cost{used.User.Seconds() * per, used.System.Seconds() * per}
}

// SetHeap notes what was allocated for so many events.
func (r *Round) SetHeap(l Line, used meter.Heap, events int) {
	r.Heap[l] = Heap{used.Objects / float64(events), used.Bytes / float64(events)}
}

// cost adds up lines; there is none unless all of them were measured.
func (r Round) cost(of []Line) (sum Cost, ok bool) {
	for _, l := range of {
		c, ok := r.Cost[l]
		if !ok {
			return sum, false
		}
		sum.User += c.User
		sum.System += c.System
	}
	return sum, true
}
