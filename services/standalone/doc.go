// Package standalone is Touchline in one process, and the operator's command
// line. It composes the very services that run separately in production, over
// an embedded broker and an embedded ClickHouse: the same New and Run, the same
// topics and tables, no second path for data.
//
// `up` reads and writes one directory; everything it has acknowledged survives a
// kill. The other commands (tail, topics, lag, migrate) work on any
// installation.
package standalone
