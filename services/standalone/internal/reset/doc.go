// Package reset finds the way back from the errors that stop a service for good: a
// topic that was deleted and made again, a consumer group that has lost its
// offsets, records that expired unread, a log that has lost its end, a commit that
// this release cannot read.
//
// Look gathers the facts: topic ids, bounds of logs, commits, members, and what the
// tables hold. Diagnose decides from them, without I/O, what is wrong, where each
// group is to go on, and what that loses or repeats. Apply writes it: commits that
// name the current topics are the permission to go on from them.
//
// Apply writes nothing into a group that has members, and guarantees that a run
// that was cut off is finished by the next: what others are derived from is written
// first, and the ids that ClickHouse knows are noted last. Kafka is spoken to
// through kafka-go, another client than that of the services.
package reset
