// Package spool keeps events on local disk while Kafka does not acknowledge
// them. It reads and writes its directory, and hands what waits there to a
// producer.
//
// Records wait in lanes, one for each partition of the topic. A lane is direct,
// or it waits: from the moment that a record of it is diverted until the last one
// is acknowledged, every further record of the lane goes behind those that wait.
// So records of a key leave in the order in which they came, and a partition
// without a leader holds up no other.
//
// It guarantees that what a Commit reports as done is synced, and that a record
// leaves the disk only after the log has acknowledged it. A record may therefore
// reach the log more than once: with the same receipt id, key and bytes.
//
// The store is Pebble. A write that a crash has torn is cut off at the next start;
// it was never reported as done. A store that cannot be read is set aside under
// another name, logged and counted. On a full disk the storage engine waits, and
// nothing else does: what is to be spooled meanwhile is refused.
//
// In memory are two groups of records to be written, of at most 16 MiB each, 16
// MiB of records on their way to the log, and 16 MiB of the storage engine's.
package spool
