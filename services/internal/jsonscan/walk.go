package jsonscan

// Members walks the members of an object:
//
//	m := jsonscan.MembersOf(data)
//	for m.Next() {
//		switch string(m.Name()) {
//		case "page":
//			page := m.Enter()
//			for page.Next() {
//				use(page.Name(), page.Value())
//			}
//			m.Leave(&page)
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
	raw     []byte // the name as written
	escaped bool
	text    []byte // the last name that had to be unescaped
}

// MembersOf starts a walk over the object that data holds.
func MembersOf(data []byte) Members { return Members{walk: start(data, 0, '{')} }

// Next steps to the next member and reports whether there is one.
func (m *Members) Next() bool {
	if !m.more('}') {
		return false
	}
	data, i := m.data, m.pos
	if i >= len(data) || data[i] != '"' {
		return m.fail(syntax)
	}
	end, escaped := skipText(data, i+1)
	if end < 0 {
		return m.fail(end)
	}
	m.raw, m.escaped = data[i+1:end-1], escaped
	if i = space(data, end); i >= len(data) || data[i] != ':' {
		return m.fail(syntax)
	}
	m.at(i + 1)
	return true
}

// Name returns the name of the member, unescaped. It holds until the next call
// of Next.
func (m *Members) Name() []byte {
	if !m.escaped {
		return m.raw
	}
	m.text = unescape(m.text[:0], m.raw)
	return m.text
}

// RawName returns the name as it is written, escapes and all, without quotes.
func (m *Members) RawName() []byte { return m.raw }

// Enter starts a walk over the member's value, which saves passing over it
// before. On a value that is no object the inner walk fails at once and Leave
// passes over the value. Every Enter needs its Leave before anything else is
// asked of m.
func (m *Members) Enter() Members {
	inner := Members{walk: start(m.data, m.pos, '{')}
	inner.inner = true
	return inner
}

// Leave ends the walk that Enter began; what is left of it is checked. Value
// then returns the whole object.
func (m *Members) Leave(inner *Members) {
	for inner.Next() {
	}
	if inner.err == nil {
		m.took(inner.pos)
	}
}

// Elements walks the elements of an array, as Members walks an object.
type Elements struct{ walk }

// ElementsOf starts a walk over the array that data holds.
func ElementsOf(data []byte) Elements { return Elements{start(data, 0, '[')} }

// Next steps to the next element and reports whether there is one.
func (e *Elements) Next() bool {
	if !e.more(']') {
		return false
	}
	e.at(e.pos)
	return true
}

// walk is what the two have in common.
type walk struct {
	data    []byte
	pos     int // behind what was read; at the value while it is pending
	value   []byte
	pending bool // the value has not been passed over
	begun   bool
	done    bool
	inner   bool // something follows the closing bracket
	err     error
}

func start(data []byte, pos int, open byte) walk {
	w := walk{data: data}
	if i := space(data, pos); i < len(data) && data[i] == open {
		w.pos = i + 1
	} else {
		w.fail(syntax)
	}
	return w
}

// Kind returns the type of the value, without passing over it.
func (w *walk) Kind() Kind {
	if w.pending {
		return KindOf(w.data[w.pos:])
	}
	return KindOf(w.value)
}

// Value returns the bytes of the value, aliasing the input. It is empty only
// when an error is found in the value; Next then returns false.
func (w *walk) Value() []byte {
	if w.pending {
		if end := skip(w.data, w.pos); end < 0 {
			w.fail(end)
		} else {
			w.took(end)
		}
	}
	return w.value
}

// Err returns ErrSyntax or ErrDepth, or nil when the walk came to the end.
func (w *walk) Err() error { return w.err }

// at notes that a value begins at or after i.
func (w *walk) at(i int) {
	w.pos, w.value, w.pending = space(w.data, i), nil, true
}

// took notes that the pending value ends at end.
func (w *walk) took(end int) {
	w.value, w.pos, w.pending = w.data[w.pos:end], end, false
}

// more steps over the comma, or over the closing byte to the end.
func (w *walk) more(closing byte) bool {
	if w.pending {
		w.Value()
	}
	if w.done {
		return false
	}
	i := space(w.data, w.pos)
	if i >= len(w.data) {
		return w.fail(syntax)
	}
	switch b := w.data[i]; {
	case b == closing:
		if !w.inner && space(w.data, i+1) != len(w.data) {
			return w.fail(syntax)
		}
		w.done, w.value, w.pos = true, nil, i+1
		return false
	case !w.begun:
		w.begun = true
	case b == ',':
		i = space(w.data, i+1)
	default:
		return w.fail(syntax)
	}
	w.pos = i
	return true
}

func (w *walk) fail(code int) bool {
	w.done, w.pending, w.value, w.err = true, false, nil, problem(code)
	return false
}
