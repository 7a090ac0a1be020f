// Package visits holds the tests of the views about what persons do in a row:
// timeline, paths, sessions, pages, engagement, acquisition and freshness. Each is
// held against the reference in package analytics, on the vectors in testdata and on
// random streams.
package visits
