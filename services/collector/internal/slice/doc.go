// Package slice finds the events inside a JSON request body, and single members
// inside an event, without decoding either: it walks the bytes once, allocates
// nothing and returns positions.
//
// It validates on the way. What is wrong with a body is of two kinds. A fault
// inside a token (a raw control byte in a string, an unknown escape, 01, NaN)
// leaves the structure readable: the value around it is marked Malformed and the
// walk goes on, so the neighbours survive. A fault of the structure itself (a
// missing comma, the wrong bracket, the end of the body) leaves nothing behind it
// that could be told apart: the walk ends there.
//
// A text is accepted without a mark exactly when encoding/json takes it for valid
// JSON, nesting apart, which is reported and has no limit here. UTF-8 is not
// checked: that is one call of utf8.Valid on what was sliced. Of members with the
// same name the last one counts, as for encoding/json and JavaScript.
//
// The package does no I/O. A Cursor belongs to one goroutine.
package slice
