// Package stack runs what is measured, each part as a process of its own: the
// embedded broker, the embedded ClickHouse, the collector and the enricher, or
// all of them in one process as `touchline up`, and a bare HTTP server to compare
// with.
//
// The services are built from the clone at hand and told where things are
// through their environment, as in production. Everything they write is in one
// directory, which the caller removes.
package stack
