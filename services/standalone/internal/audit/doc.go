// Package audit keeps the ledger: it counts what is in the raw log and compares
// that with what ClickHouse holds, so that a lost or doubled event shows.
//
// It reads the raw log, the committed offsets of the landing and, for a deep
// comparison, the dense log with kafka-go, which shares nothing with the client
// that moves the events; and the tables of database touchline with clickhouse-go.
// It writes touchline.ledger_accepted and nothing else.
//
// An auditor works in rounds. A round reads how far each partition has landed (the
// mark), counts the raw records that are new, and writes the counts that have
// changed in one insert. Up to its mark everything must have an outcome; the
// records behind it are in flight; the views touchline.ledger and analytics.ledger
// compare the two. Counts are kept by cells, fixed ranges of offsets, so that a
// count is final when the mark has passed its cell, and an auditor that starts
// again goes on from the mark: nothing is counted twice. Several auditors at once
// write the same rows.
package audit
