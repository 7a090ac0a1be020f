package projects

import (
	"strconv"
	"time"
)

// Rate bounds how many events come in a second; a field that is zero bounds
// nothing.
type Rate struct {
	// EventsPerSecond holds for all clients together.
	EventsPerSecond float64
	// Burst is how many events may come at once after a pause; it is set wherever
	// EventsPerSecond is.
	Burst int
	// PerClientPerSecond holds for each client network: an IPv4 /24, an IPv6 /56.
	PerClientPerSecond float64
}

// BurstTime is how long a sender may save up for a burst where the file does not
// say how large it may be: an SDK that was offline sends what it has kept.
const BurstTime = 10 * time.Second

const (
	maxRate  = 10_000_000
	maxBurst = 100_000_000
)

// rate reads a rate. Nothing it notes quotes the file: it may stand in a key.
func (p *parse) rate(e entry) Rate {
	var r Rate
	entries := p.mapping(e.value, e.path, true, "events_per_second", "burst", "per_client_per_second")
	number := func(name string, most float64) float64 {
		e, ok := entries[name]
		if !ok {
			return 0
		}
		text, ok := p.text(e.value, e.path)
		if !ok {
			return 0
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !(v >= 0.001 && v <= most) {
			p.addf(e.value, e.path, "want a number from 0.001 to %d", int(most))
			return 0
		}
		return v
	}
	r.EventsPerSecond = number("events_per_second", maxRate)
	r.PerClientPerSecond = number("per_client_per_second", maxRate)
	r.Burst = max(1, int(r.EventsPerSecond*BurstTime.Seconds()))
	if burst, ok := entries["burst"]; ok {
		if _, ok := entries["events_per_second"]; !ok {
			p.addf(burst.value, burst.path, "is the burst of events_per_second, which is missing")
		}
		if text, ok := p.text(burst.value, burst.path); ok {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > maxBurst {
				p.addf(burst.value, burst.path, "want a whole number from 1 to %d", maxBurst)
			}
			r.Burst = n
		}
	}
	if r.EventsPerSecond == 0 {
		r.Burst = 0
	}
	if entries != nil && len(entries) == 0 {
		p.addf(e.value, e.path, "is empty")
	}
	return r
}
