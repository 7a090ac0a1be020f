package jsonscan

// Members walks the members of an object:
//
//	m := jsonscan.MembersOf(data)
//	for m.Next() {
//		switch string(m.Name()) {
//		case "page":
//			page := m.Enter()
//			for m.Next() {
//				use(m.Name(), m.Value())
//			}
//			m.Leave(page)
//		default:
//			use(m.Name(), m.Value())
//		}
//	}
//	return m.Err()
//
// A value that is not asked for is passed over by Next, and checked. The end of
// the object must be the end of data, white space apart. Spans that were read
// before an error was found are good.
type Members struct {
	walk
	escaped          bool
	nameFrom, nameTo int    // of the name as written
	text             []byte // the last name that had to be unescaped
}

// MembersOf starts a walk over the object that data holds.
func MembersOf(data []byte) Members { return Members{walk: start(data, '{')} }

// Next steps to the next member and reports whether there is one.
func (m *Members) Next() bool {
	data, i := m.data, m.pos
	if m.stage == pending {
		if i = skip(data, i); i < 0 {
			return m.fail(i)
		}
		m.stage = passed
	}
	// A comma, a name, a colon and a value without white space between them are
	// what SDKs write; more and space see to the rest.
	if m.stage == passed && i+1 < len(data) && data[i] == ',' && data[i+1] == '"' {
		i++
	} else {
		m.pos = i
		if !m.more('}') {
			return false
		}
		if i = m.pos; i >= len(data) || data[i] != '"' {
			return m.fail(syntax)
		}
	}
	m.nameFrom = i + 1
	end, escaped := skipText(data, i+1)
	if end < 0 {
		return m.fail(end)
	}
	m.nameTo, m.escaped = end-1, escaped
	if end >= len(data) || data[end] != ':' {
		if end = space(data, end); end >= len(data) || data[end] != ':' {
			return m.fail(syntax)
		}
	}
	if end++; end < len(data) && data[end] <= ' ' {
		end = space(data, end)
	}
	m.pos, m.stage = end, pending
	return true
}

// Name returns the name of the member, unescaped. It holds until the next call
// of Next.
func (m *Members) Name() []byte {
	if m.escaped {
		return m.unescaped()
	}
	return m.data[m.nameFrom:m.nameTo]
}

// unescaped is apart so that Name is small enough to be inlined.
//
//go:noinline
func (m *Members) unescaped() []byte {
	m.text = unescape(m.text[:0], m.RawName())
	return m.text
}

// RawName returns the name as it is written, escapes and all, without quotes.
func (m *Members) RawName() []byte { return m.data[m.nameFrom:m.nameTo] }

// Entered is what Leave needs to know of the value that Enter began.
type Entered struct{ from int }

// Enter takes the walk into the member's value: Next then gives the members of
// that, which saves passing over it before. In a value that is no object there
// are none. Every Enter needs its Leave before Value is asked for the whole.
func (m *Members) Enter() Entered {
	from := m.pos
	if m.stage != pending {
		from = m.from
	}
	m.depth++
	if from < len(m.data) && m.data[from] == '{' {
		m.stage, m.pos = fresh, from+1
	} else {
		m.stage, m.pos = foreign, from
	}
	return Entered{from}
}

// Leave takes the walk out of the value; what is left of that is checked. Value
// then returns the whole of it.
func (m *Members) Leave(value Entered) {
	for m.Next() {
	}
	m.depth--
	switch {
	case m.code != 0:
		// The nesting that is too deep counts from the outermost value.
		m.code = min(skip(m.data, value.from), m.code)
	case m.stage == foreign:
		m.stage, m.pos = pending, value.from
	default:
		m.stage, m.from = passed, value.from
	}
}

// Elements walks the elements of an array, as Members walks an object.
type Elements struct{ walk }

// ElementsOf starts a walk over the array that data holds.
func ElementsOf(data []byte) Elements { return Elements{start(data, '[')} }

// Next steps to the next element and reports whether there is one.
func (e *Elements) Next() bool {
	e.Value()
	if !e.more(']') {
		return false
	}
	e.pos, e.stage = space(e.data, e.pos), pending
	return true
}

// walk is what the two have in common.
type walk struct {
	data  []byte
	pos   int // where reading goes on; at the value while that is pending
	from  int // of the value that was passed over
	depth int // how many values were entered
	code  int // of the error, 0 for none
	stage stage
}

// stage is where a walk stands.
type stage byte

const (
	fresh   stage = iota // behind the opening bracket
	pending              // at a value
	passed               // behind a value
	ended                // behind the closing bracket, or at an error
	foreign              // at a value that was entered and is of another type
)

func start(data []byte, open byte) walk {
	w := walk{data: data}
	if i := space(data, 0); i < len(data) && data[i] == open {
		w.pos = i + 1
	} else {
		w.fail(syntax)
	}
	return w
}

// Kind returns the type of the value, without passing over it.
func (w *walk) Kind() Kind {
	if w.stage == pending {
		return KindOf(w.data[w.pos:])
	}
	return KindOf(w.Value())
}

// Value returns the bytes of the value, aliasing the input. It is empty only
// when an error is found in the value; Next then returns false.
func (w *walk) Value() []byte {
	if w.stage == pending {
		end := skip(w.data, w.pos)
		if end < 0 {
			w.fail(end)
			return nil
		}
		w.from, w.pos, w.stage = w.pos, end, passed
	}
	if w.stage != passed {
		return nil
	}
	return w.data[w.from:w.pos]
}

// Err returns ErrSyntax or ErrDepth, or nil when the walk came to the end.
func (w *walk) Err() error {
	if w.code != 0 {
		return problem(w.code)
	}
	return nil
}

// more steps over the comma behind a value, or over the closing byte to the end.
func (w *walk) more(closing byte) bool {
	if w.stage >= ended {
		return false
	}
	i := space(w.data, w.pos)
	if i >= len(w.data) {
		return w.fail(syntax)
	}
	switch b := w.data[i]; {
	case b == closing:
		if w.depth == 0 && space(w.data, i+1) != len(w.data) {
			return w.fail(syntax)
		}
		w.stage, w.pos = ended, i+1
		return false
	case w.stage == fresh:
	case b == ',':
		i = space(w.data, i+1)
	default:
		return w.fail(syntax)
	}
	w.pos = i
	return true
}

func (w *walk) fail(code int) bool {
	w.stage, w.code = ended, code
	return false
}
