package report

import (
	"errors"
	"fmt"

	"touchline.dev/schemas/event"
)

// Counts are the events of one part of the run.
type Counts struct {
	Name string
	// Sent and Acked are the load generator's own; Retried is how many of those
	// sent repeated an earlier one.
	Sent, Retried, Acked int
	// Outcomes is what the dense log says, a record an event.
	Outcomes map[event.Outcome]int
	// Rows and DistinctRows are what the table has.
	Rows, DistinctRows int
}

// ErrCounts says that events were lost, doubled or refused.
var ErrCounts = errors.New("counts do not add up")

// Check returns an error unless sent = acked = stored + duplicate, every retry
// and nothing else was a duplicate, and every stored event is one row.
func (c Counts) Check() error {
	stored, duplicate := c.Outcomes[event.Stored], c.Outcomes[event.Duplicate]
	total := 0
	for _, n := range c.Outcomes {
		total += n
	}
	if c.Sent == 0 || c.Acked != c.Sent || total != c.Acked || stored+duplicate != total || duplicate != c.Retried ||
		c.Rows != stored || c.DistinctRows != stored {
		return fmt.Errorf("%w: %+v", ErrCounts, c)
	}
	return nil
}

// lost is how many events are in no row, doubled how many rows repeat another.
func (c Counts) lost() int    { return c.Sent - c.Retried - c.DistinctRows }
func (c Counts) doubled() int { return c.Rows - c.DistinctRows }

// Check returns an error unless every count of the report adds up, and there are
// some.
func (r Report) Check() error {
	var errs error
	counts := r.counts()
	if len(counts) == 0 {
		errs = fmt.Errorf("%w: there are none", ErrCounts)
	}
	for _, c := range counts {
		errs = errors.Join(errs, c.Check())
	}
	return errs
}

func (r Report) counts() (all []Counts) {
	for _, rounds := range [][]Round{r.Rounds, r.Tenths} {
		for _, round := range rounds {
			all = append(all, round.Counts...)
		}
	}
	for _, f := range r.Freshness {
		all = append(all, f.Counts)
	}
	return all
}
