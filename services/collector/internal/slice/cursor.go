package slice

import "strconv"

// Kind is the type of a JSON value; Absent is that of a value that is not there.
type Kind byte

// The kinds of values. Unknown is a word that is no JSON value, such as NaN.
const (
	Absent Kind = iota
	Object
	Array
	String
	Number
	Bool
	Null
	Unknown
)

// Value is a JSON value by its place in the body.
type Value struct {
	// Start and End bound the value's bytes, white space around it excluded.
	Start, End int
	// Depth is its levels of nesting: 0 for a scalar, 1 for [], 2 for [[]].
	Depth int
	// Keys is the number of members of all objects in it, Longest the length of its
	// longest string or name, as written, in bytes.
	Keys, Longest int
	Kind          Kind
	// Malformed says that a token in it is not JSON.
	Malformed bool
	// Escaped says that a string contains a backslash.
	Escaped bool
}

// Cursor walks a body from its start to its end. Each method first skips white
// space. Once the structure is broken every method reports so; Pos is then where
// it broke.
type Cursor struct {
	data   []byte
	pos    int
	broken string // what was wanted at pos; "" while the structure holds

	// Of the value being scanned:
	malformed bool
	escaped   bool
	deepest   int
	longest   int

	keys  int      // members passed since the start
	spill []uint64 // open brackets beyond the innermost 64, see skip
	name  []byte   // the last key that had to be unescaped
}

// Reset starts the walk at the beginning of data, which the cursor aliases.
func (c *Cursor) Reset(data []byte) {
	*c = Cursor{data: data, spill: c.spill[:0], name: c.name[:0]}
}

// At starts a walk at pos of data. The positions of what it finds are those in
// data, so another cursor over the same bytes understands them.
func (c *Cursor) At(data []byte, pos int) {
	c.Reset(data)
	c.pos = pos
}

// Pos is the position after what was read last.
func (c *Cursor) Pos() int { return c.pos }

// Problem says where and how the structure is broken, or "".
func (c *Cursor) Problem() string {
	if c.broken == "" {
		return ""
	}
	return "want " + c.broken + " at byte " + strconv.Itoa(c.pos)
}

// Peek returns the next byte that is not white space, or 0 at the end.
func (c *Cursor) Peek() byte {
	c.pos = c.space(c.pos)
	if c.pos >= len(c.data) {
		return 0
	}
	return c.data[c.pos]
}

// AtEnd reports whether only white space is left.
func (c *Cursor) AtEnd() bool { return c.broken == "" && c.Peek() == 0 && c.pos >= len(c.data) }

// Value steps over the next value. ok is false when the structure is broken; the
// position is then where the value broke.
func (c *Cursor) Value() (v Value, ok bool) {
	if c.broken != "" {
		return v, false
	}
	c.begin()
	v.Start = c.pos
	keys, outer := c.open()
	ok = c.finish(&v, c.skip(c.pos))
	c.count(&v, keys, outer)
	return v, ok
}

// Members steps over the next value and, where it is an object, notes its
// members called names[i] in got[i]; got has the length of names and is cleared
// first. Members of inner objects do not count.
func (c *Cursor) Members(names []string, got []Value) (v Value, ok bool) {
	return c.members(names, got, -1, nil)
}

// MembersIn is Members that on its way also notes members of the member
// names[inner], where that is an object: those called innerNames[i] in
// got[len(names)+i], which is longer by as many.
func (c *Cursor) MembersIn(names []string, inner int, innerNames []string, got []Value) (v Value, ok bool) {
	clear(got[len(names):])
	return c.members(names, got, inner, innerNames)
}

func (c *Cursor) members(names []string, got []Value, inner int, innerNames []string) (v Value, ok bool) {
	clear(got[:len(names)])
	if c.broken != "" || c.Peek() != '{' {
		return c.Value()
	}
	data := c.data
	v.Start = c.pos
	deepest, malformed := 0, false
	keys, outer := c.open()
	i := c.pos + 1
	for first := true; ; first = false {
		// A comma and a name with nothing between them are what SDKs write; Next and
		// space see to the rest.
		if !first && i+1 < len(data) && data[i] == ',' && data[i+1] == '"' {
			i++
		} else {
			c.pos = i
			if more, ok := c.Next('}', first); !ok {
				return v, false
			} else if !more {
				break
			}
			if i = c.space(c.pos); i >= len(data) || data[i] != '"' {
				return v, c.fail(i, "a member's name")
			}
		}
		name, sound, next := c.nameAt(i)
		if next < 0 {
			return v, false
		}
		wanted := -1
		if sound {
			wanted = find(names, name)
		}
		if wanted >= 0 && wanted == inner {
			c.pos = next
			member, ok := c.members(innerNames, got[len(names):], -1, nil)
			if !ok {
				return v, false
			}
			malformed = malformed || member.Malformed
			deepest = max(deepest, member.Depth)
			got[wanted], i = member, c.pos
			continue
		}
		c.malformed, c.escaped, c.deepest = false, false, 0
		passed, longest := c.open()
		if i = c.skip(next); i < 0 {
			return v, false
		}
		malformed = malformed || !sound || c.malformed
		deepest = max(deepest, c.deepest)
		if wanted >= 0 {
			member := Value{Start: next}
			c.finish(&member, i)
			c.count(&member, passed, longest)
			got[wanted] = member
			continue
		}
		c.longest = max(c.longest, longest)
	}
	v.End, v.Kind, v.Depth, v.Malformed = c.pos, Object, deepest+1, malformed
	c.count(&v, keys, outer)
	return v, true
}

// open begins to count for a value that may stand in another one, and returns what
// count wants.
func (c *Cursor) open() (keys, outer int) {
	outer, c.longest = c.longest, 0
	return c.keys, outer
}

// count ends it.
func (c *Cursor) count(v *Value, keys, outer int) {
	v.Keys, v.Longest = c.keys-keys, c.longest
	c.longest = max(c.longest, outer)
}

// find compares lengths first: most names differ in it.
func find(names []string, name []byte) int {
	for i, n := range names {
		if len(n) == len(name) && n == string(name) {
			return i
		}
	}
	return -1
}

// Enter steps into an array or object that opens with the byte open and reports
// whether there is one; otherwise it does not move.
func (c *Cursor) Enter(open byte) bool {
	if c.broken != "" || c.Peek() != open {
		return false
	}
	c.pos++
	return true
}

// Next steps to the next member of what was entered, over the comma, or behind
// the byte closing that ends it: more is false then. first says that no member
// was read yet.
func (c *Cursor) Next(closing byte, first bool) (more, ok bool) {
	if c.broken != "" {
		return false, false
	}
	switch b := c.Peek(); {
	case b == closing:
		c.pos++
		return false, true
	case first:
		return true, true
	case b == ',':
		c.pos++
		return true, true
	}
	return false, c.fail(c.pos, "a comma or "+string(rune(closing)))
}

// Key steps over the name of an object's member and its colon. The name is
// unescaped and valid until the next call; it is nil when it is Malformed.
func (c *Cursor) Key() (name []byte, ok bool) {
	name, sound, ok := c.key()
	if !sound {
		name = nil
	}
	return name, ok
}

func (c *Cursor) key() (name []byte, sound, ok bool) {
	if c.broken != "" || c.Peek() != '"' {
		return nil, false, c.fail(c.pos, "a member's name")
	}
	name, sound, next := c.nameAt(c.pos)
	if next < 0 {
		return nil, false, false
	}
	c.pos = next
	return name, sound, true
}

// nameAt reads the name whose opening quote is at i, and its colon. next is the
// position of the value, or -1 when the structure is broken.
func (c *Cursor) nameAt(i int) (name []byte, sound bool, next int) {
	c.malformed, c.escaped = false, false
	end := c.text(i + 1)
	if end < 0 {
		return nil, false, -1
	}
	name = c.data[i+1 : end-1]
	c.keys++
	c.longest = max(c.longest, len(name))
	if c.escaped && !c.malformed {
		c.name = Unescape(c.name[:0], name)
		name = c.name
	}
	if end >= len(c.data) || c.data[end] != ':' {
		if end = c.space(end); end >= len(c.data) || c.data[end] != ':' {
			c.fail(end, "a colon")
			return nil, false, -1
		}
	}
	return name, !c.malformed, c.space(end + 1)
}

func (c *Cursor) begin() {
	c.pos = c.space(c.pos)
	c.malformed, c.escaped, c.deepest = false, false, 0
}

// finish completes a value that ends at end, or at none when end < 0.
func (c *Cursor) finish(v *Value, end int) bool {
	if end < 0 {
		return false
	}
	c.pos = end
	v.End, v.Depth, v.Malformed = end, c.deepest, c.malformed
	switch b := c.data[v.Start]; {
	case b == '"':
		v.Kind, v.Escaped = String, c.escaped
	case b == '{':
		v.Kind = Object
	case b == '[':
		v.Kind = Array
	case c.malformed:
		v.Kind = Unknown
	case b == 't' || b == 'f':
		v.Kind = Bool
	case b == 'n':
		v.Kind = Null
	default:
		v.Kind = Number
	}
	return true
}

func (c *Cursor) fail(pos int, want string) bool {
	if c.broken == "" {
		c.pos, c.broken = pos, want
	}
	return false
}

// space returns the position of the first byte at or after i that is not white
// space. Most are not, and one comparison tells.
func (c *Cursor) space(i int) int {
	for i < len(c.data) && c.data[i] <= ' ' {
		switch c.data[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}
