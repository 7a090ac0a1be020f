package analytics

import (
	"cmp"
	"slices"
	"time"
)

// Event is one row of touchpoints, as far as analytics look at it. Texts are as the
// views show them; empty means not set.
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

	// Kind is the canonical kind, Type the call: track, page, screen, ...
	Kind, Type string
	// Path is that of the page's URL, Title that of a page or name of a screen.
	Path, Title string
	// Session is 0 where there is none.
	Session uint64
	// Channel is where it took place, Acquisition how the visit was won.
	Channel, Acquisition     string
	Source, Medium, Campaign string
	Device, Country          string
	Referrer                 string
	// User and Anonymous are the ids of user and device.
	User, Anonymous string
	// Revenue is in 1/10000 of Currency.
	Revenue  int64
	Currency string
	Order    string
	// Properties are JSON texts by name.
	Properties map[string]string
}

// Page is the column page: what a person looked at. It is the path of a page view
// without slashes at its end, the name of a screen view, and else the event's name.
func (e Event) Page() string {
	switch {
	case e.Type == "screen":
		return e.Title
	case e.Type != "page":
		return e.Name
	}
	end := len(e.Path)
	for end > 1 && e.Path[end-1] == '/' {
		end--
	}
	return e.Path[:end]
}

// Stream is all that happened in a project.
type Stream struct {
	Events []Event
	// Overrides says which person an id belongs to by now; other ids stand for
	// themselves.
	Overrides map[uint64]uint64
	// Zone is that of the project, by which days are cut; nil is UTC.
	Zone *time.Location
}

// Unified returns the person that an id belongs to by now.
func (s Stream) Unified(id uint64) uint64 {
	if unified, ok := s.Overrides[id]; ok {
		return unified
	}
	return id
}

// Counted returns the events that metrics count, that is those of no bots, with
// their persons unified, by time and then by their place in the log.
func (s Stream) Counted() []Event {
	var events []Event
	for _, e := range s.Events {
		if !e.Bot {
			e.Person = s.Unified(e.Person)
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b Event) int {
		return cmp.Or(
			cmp.Compare(a.Time, b.Time),
			cmp.Compare(a.Partition, b.Partition),
			cmp.Compare(a.Offset, b.Offset),
		)
	})
	return events
}

// Persons returns the events of each person in the order of Counted. A person who
// is nothing but bots is not there.
func (s Stream) Persons() map[uint64][]Event {
	persons := map[uint64][]Event{}
	for _, e := range s.Counted() {
		persons[e.Person] = append(persons[e.Person], e)
	}
	return persons
}
