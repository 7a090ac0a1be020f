package analytics

import (
	"cmp"
	"slices"
)

// Event is one row of touchpoints, as far as analytics look at it.
type Event struct {
	// Person is the id stamped at ingest.
	Person uint64
	// Name is never empty: an empty name stands for any event.
	Name string
	// Time is in milliseconds since 1970 UTC.
	Time int64
	// Day counts from 1970-01-01 in the time zone of the project.
	Day int32
	Bot bool
	// Partition and Offset are the place in the raw log.
	Partition uint16
	Offset    uint64
}

// Stream is all that happened in a project.
type Stream struct {
	Events []Event
	// Overrides says which person an id belongs to by now; other ids stand for
	// themselves.
	Overrides map[uint64]uint64
}

// Persons returns the events of each person, by time and then by their place in
// the log. Bots are left out, and with them persons who are nothing else.
func (s Stream) Persons() map[uint64][]Event {
	persons := map[uint64][]Event{}
	for _, e := range s.Events {
		if e.Bot {
			continue
		}
		id := e.Person
		if unified, ok := s.Overrides[id]; ok {
			id = unified
		}
		persons[id] = append(persons[id], e)
	}
	for _, events := range persons {
		slices.SortFunc(events, func(a, b Event) int {
			return cmp.Or(
				cmp.Compare(a.Time, b.Time),
				cmp.Compare(a.Partition, b.Partition),
				cmp.Compare(a.Offset, b.Offset),
			)
		})
	}
	return persons
}
