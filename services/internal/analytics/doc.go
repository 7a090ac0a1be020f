// Package analytics is the reference for what the views of the database analytics
// mean: the same questions, answered from a list of events by brute force. It is
// written to be read, not to be fast, and does no I/O; only tests use it. Where a
// view and this package differ, one of them has a bug.
//
// A mode is a file: ordered.go (how far a person comes in a funnel of steps in
// order), funnel.go, dropoff.go, retention.go. A new mode is a new file, a new
// view, a line in the harness and vectors in testdata.
//
// testdata holds vectors as text. Each is put to this package and to ClickHouse;
// testdata/README.md tells how to write one. Beside them, the harness compares
// both on random streams of events.
package analytics
