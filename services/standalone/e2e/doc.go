// Package e2e tests Touchline from the outside: it builds the programs, runs them
// as processes on loopback, posts to the collector as SDKs do and reads the tables
// as BI tools do.
//
// Every test of behaviour runs twice, against `touchline up` and against the
// separate programs (one collector, two enrichers that share the partitions, one
// scorer) over a broker and a ClickHouse. The kill tests end processes with
// SIGKILL under traffic and compare the tables with a journal that the clients
// keep; E2E_KILLS says how often, E2E_SEED repeats a run.
//
// What a failed test leaves (logs, the broker's log, the tables) is kept, and its
// path printed.
package e2e
