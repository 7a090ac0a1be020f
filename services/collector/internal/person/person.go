// Package person finds whom a payload is about where its protocol has no field for
// that: under the usual names, at the payload's top, in its member "data" and in
// that one's member "object".
//
// It reads values that a cursor has found and returns their text. The enricher's
// adapter of the protocol reads the same members in the same order, so the key of
// a record and the person of its touchpoint agree. It does no I/O and may be used
// concurrently.
package person

import (
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/slice"
)

// Members that are looked at, in the order of Names.
const (
	anonymousID = iota
	anonymousIDCamel
	userID
	userIDCamel
	reference
	customerID
	customer
	email
	data
	object
	members
)

// Count is how many members Names has.
const Count = members

// Names returns the names of the members that Of and In are given.
func Names() []string {
	return []string{
		anonymousID: "anonymous_id", anonymousIDCamel: "anonymousId", userID: "user_id", userIDCamel: "userId",
		reference: "client_reference_id", customerID: "customer_id", customer: "customer", email: "email",
		data: "data", object: "object",
	}
}

// finder is how far a search has come: the best so far.
type finder struct {
	names           []string
	anonymous, user []byte
	rank            int
}

// Of returns the ids of the payload whose members, by the names given, are found.
func Of(b *intake.Batch, names []string, found []slice.Value) (anonymous, user []byte) {
	f := finder{names: names, rank: members}
	f.level(b, found)
	inner := found[data]
	for depth := 0; depth < 2 && inner.Kind == slice.Object && !inner.Malformed; depth++ {
		var values [members]slice.Value
		f.enter(b, inner, &values)
		inner = values[object]
	}
	return f.anonymous, f.user
}

// In returns the ids that the members of one object name.
func In(b *intake.Batch, names []string, v slice.Value) (anonymous, user []byte) {
	if v.Kind != slice.Object || v.Malformed {
		return nil, nil
	}
	f := finder{names: names, rank: members}
	var values [members]slice.Value
	f.enter(b, v, &values)
	return f.anonymous, f.user
}

func (f *finder) enter(b *intake.Batch, v slice.Value, values *[members]slice.Value) {
	b.Nested.At(b.Body, v.Start)
	b.Nested.Members(f.names, values[:])
	f.level(b, values[:])
}

// level reads the members of one object.
func (f *finder) level(b *intake.Batch, found []slice.Value) {
	for i := anonymousID; i <= anonymousIDCamel && len(f.anonymous) == 0; i++ {
		f.anonymous = b.Text(found[i])
	}
	for i := userID; i < f.rank && i <= email; i++ {
		v := found[i]
		if i == customer && v.Kind == slice.Object && !v.Malformed {
			var id [1]slice.Value
			b.Nested.At(b.Body, v.Start)
			b.Nested.Members([]string{"id"}, id[:])
			v = id[0]
		}
		if id := b.Text(v); len(id) > 0 {
			f.user, f.rank = id, i // ends the loop: what follows counts for less
		}
	}
}
