package adapt

import (
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// changes is what an event does to the traits of a person or group: the members
// that PostHog, Mixpanel and Amplitude call $set, $set_once ($setOnce), $add,
// $unset and so on.
type changes struct {
	set, setOnce []byte
	once         string // what the protocol calls setOnce
	ops          [maxOperations]operation
	count        int
}

// operation is a change that needs the value from before, as it was written.
type operation struct{ name, value []byte }

// maxOperations is more than any protocol has.
const maxOperations = 12

// note takes the member if it changes traits and reports whether it does. Of a
// member that is given twice the last counts. The names are kept as they are
// written; aliases of the event.
func (c *changes) note(m *jsonscan.Members) bool {
	switch string(m.Name()) {
	case "$set":
		c.set = m.Value()
	case "$set_once":
		c.setOnce, c.once = m.Value(), "$set_once"
	case "$setOnce":
		c.setOnce, c.once = m.Value(), "$setOnce"
	case "$add", "$append", "$prepend", "$preInsert", "$postInsert", "$union", "$unset", "$remove", "$clearAll", "$delete":
		c.operate(m.RawName(), m.Value())
	default:
		return false
	}
	return true
}

func (c *changes) operate(name, value []byte) {
	for i := range c.ops[:c.count] {
		if string(c.ops[i].name) == string(name) {
			c.ops[i].value = value
			return
		}
	}
	if c.count < maxOperations {
		c.ops[c.count] = operation{name, value}
		c.count++
	}
}

// traits returns what is set: the members of $set and, where it has none of the
// name, those of $setOnce that are not null. As that only counts the first time,
// $setOnce is kept as it is, too; so is what is no object.
func (c *changes) traits(e *pipeline.Event) []byte {
	if jsonscan.KindOf(c.set) != jsonscan.Object {
		keep(e, "$set", c.set)
		c.set = nil
	}
	keep(e, c.once, c.setOnce)
	if jsonscan.KindOf(c.setOnce) != jsonscan.Object || !says(c.setOnce) {
		return c.set
	}
	var names [maxMerged][]byte
	n, ok := rawNames(c.set, &names)
	if !ok {
		return c.set // to find equal names would take the product
	}
	from := beginObject(e)
	if says(c.set) {
		e.Scratch = append(append(e.Scratch, inside(c.set)...), ',')
	}
	m := jsonscan.MembersOf(c.setOnce)
next:
	for m.Next() {
		for _, name := range names[:n] {
			if string(name) == string(m.RawName()) {
				continue next
			}
		}
		if m.Kind() != jsonscan.Null {
			addMember(e, m.RawName(), m.Value())
		}
	}
	return endObject(e, from)
}

// appendOps appends the member "trait_ops" with a comma, if there are any.
func (c *changes) appendOps(dst []byte) []byte {
	if c.count == 0 {
		return dst
	}
	dst = append(dst, `"trait_ops":{`...)
	for _, op := range c.ops[:c.count] {
		dst = append(append(append(dst, '"'), op.name...), '"', ':')
		dst = append(append(dst, op.value...), ',')
	}
	dst[len(dst)-1] = '}' // instead of the last comma
	return append(dst, ',')
}
