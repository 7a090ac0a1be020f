// Package e2e tests Touchline from the outside: it builds the programs, runs them
// as processes on loopback, posts to the collector as SDKs do and reads the tables
// as BI tools do.
//
// Every test of behaviour runs against `touchline up` and against the separate
// programs (one collector, two enrichers that share the partitions, a scorer) over
// the embedded broker in a process of its own. With the build tag realkafka the
// separate programs run over Apache Kafka instead.
//
// # The kill test
//
// TestChaos hurts the parts of a deployment at random moments, up to two at a time,
// while clients post and post again, and keep a journal of what they were promised:
// SIGKILL and SIGSTOP of collector, enrichers, scorers, auditor, brokers and
// ClickHouse (of group members for longer than their session), rolling restarts
// with other versions of the rules, two enrichers becoming three and one, a deleted
// deduplication index. Then journal, raw log, dense log, tables, ledger and profiles
// have to agree on every event, and the ledger has to show a row that is taken away
// or put in twice by hand.
//
// E2E_FAULTS says how many faults, E2E_SEED repeats their order, E2E_MIX draws from
// some kinds of faults only, E2E_BROKERS=3 takes three brokers of Apache Kafka.
//
// # Mutations
//
// The directory mutations holds changes of the source that break a promise. With
// the build tag mutations, TestMutations builds the programs with each of them and
// wants the audit of the kill test to find lost or doubled events; E2E_PROGRAMS is
// how it hands the programs over. Without the tag a test sees to it that every
// mutation still fits the source.
//
// What a failed test leaves (logs, the broker's log, the tables) is kept, and its
// path printed.
package e2e
