package adapt

import (
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// someone is who a payload is about, where its protocol has no field for that:
// what members of the usual names say, at the payload's top, in its member "data"
// and in that one's member "object". Outer ones count for more, and of those that
// name a user the one that stands first in the list of userRank. The collector
// reads the same members for the key of the record.
type someone struct {
	anonymousID, userID [levels][]byte
	rank                [levels]int
}

// levels is how many objects deep a payload is searched.
const levels = 3

// userRank tells the members that name a user; others have noUser.
func userRank(name string) int {
	switch name {
	case "user_id":
		return 0
	case "userId":
		return 1
	case "client_reference_id":
		return 2
	case "customer_id":
		return 3
	case "customer":
		return 4
	case "email":
		return 5
	}
	return noUser
}

const noUser = 6

// read notes a member of the payload's level that the walk is at.
func (s *someone) read(m *jsonscan.Members, level int) {
	switch name := m.Name(); string(name) {
	case "anonymous_id":
		s.anonymousID[level] = m.Value()
	case "anonymousId":
		if s.anonymousID[level] == nil {
			s.anonymousID[level] = m.Value()
		}
	default:
		rank := noUser - userRank(string(name))
		if rank == 0 || rank < s.rank[level] {
			return
		}
		value := m.Value()
		if rank == noUser-userRank("customer") && m.Kind() == jsonscan.Object {
			value = memberOf(value, "id")
		}
		if says(value) {
			s.userID[level], s.rank[level] = value, rank
		}
	}
}

// memberOf returns the member of that name of an object, nil when there is none.
func memberOf(object []byte, name string) (value []byte) {
	for m := jsonscan.MembersOf(object); m.Next(); {
		if string(m.Name()) == name {
			value = m.Value()
		}
	}
	return value
}

// fill sets the ids that the payload names. An id that is none, or too long, is
// nobody's; it stays in the properties.
func (s *someone) fill(e *reader) {
	t := e.Touchpoint
	for level := range levels {
		if t.AnonymousID == "" {
			t.AnonymousID = usualID(e, s.anonymousID[level])
		}
	}
	best := 0
	for level := range levels {
		if s.rank[level] <= best {
			continue
		}
		if id := usualID(e, s.userID[level]); id != "" {
			t.UserID, best = id, s.rank[level]
		}
	}
}

func usualID(e *reader, value []byte) string {
	if len(value) == 0 {
		return ""
	}
	id := whole(e, value)
	if len(id) > maxID || nobody(id) {
		return ""
	}
	return id
}

// stranger names a person of its own for an event that says nothing about whom it
// is about, so that events about nobody are not taken for one busy visitor.
func stranger(e *pipeline.Event) {
	from := len(e.Scratch)
	for _, b := range e.Receipt {
		e.Scratch = append(e.Scratch, hexDigits[b>>4], hexDigits[b&15])
	}
	e.Touchpoint.AnonymousID = alias(e.Scratch[from:])
}
