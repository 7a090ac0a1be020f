// Package jsonscan reads JSON where it lies: it walks the members of an object
// and the elements of an array as spans of the input, and turns single scalars
// into text and numbers, without building a tree and without allocating.
//
// It reads bytes and returns spans of them; it does no I/O. What it passes over
// it also checks: a walk that ends without an error has read a text that
// encoding/json takes for valid JSON, except for two things. Nesting deeper than
// MaxDepth is an error of its own, and the encoding of strings is not looked at
// (utf8.Valid does that in one call for the whole input). No input makes it
// panic. Of members of the same name a reader takes the last, as encoding/json
// and JavaScript do; the walk shows them all, in order.
//
// Iterators belong to one goroutine; the functions may be used from many.
package jsonscan

import "errors"

// MaxDepth is how many objects and arrays may stand inside each other in a value
// that a walk passes over. Recording the way back takes one bit a level, on the
// stack.
const MaxDepth = 512

// Errors of a walk.
var (
	// ErrSyntax says that the text is not JSON, or not of the type asked for.
	ErrSyntax = errors.New("invalid JSON")
	// ErrDepth says that it is nested deeper than MaxDepth.
	ErrDepth = errors.New("JSON nested too deep")
)

// Kind is the type of a JSON value.
type Kind byte

// The kinds of values. Absent is that of an empty span.
const (
	Absent Kind = iota
	Object
	Array
	String
	Number
	Bool
	Null
)

// KindOf returns the type of a value that a walk gave out. It looks at the first
// byte only, so on any other bytes it is a guess.
func KindOf(value []byte) Kind {
	if len(value) == 0 {
		return Absent
	}
	switch value[0] {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	return Number
}

// Valid checks that data is one JSON value with nothing but white space around
// it.
func Valid(data []byte) error {
	end := skip(data, 0)
	if end < 0 {
		return problem(end)
	}
	if space(data, end) != len(data) {
		return ErrSyntax
	}
	return nil
}
