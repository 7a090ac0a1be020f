// Package landing brings the records of a topic into ClickHouse tables, each
// exactly once, whatever is killed, paused or repeated, without FINAL.
//
// A worker per partition gathers records into a chunk: a range of offsets whose
// rows go to each table as one insert block under one deduplication token. Before
// the first insert the range is committed to the consumer group as an intent, in
// the metadata of the offset; after the last one the offset moves behind it.
// Whoever takes the partition over finishes a pending intent exactly as it was
// written: the same range under the same mark gives the same block under the
// same token, and ClickHouse drops what it already has, in the table and in the
// target of every view.
//
// It reads the topic and the committed metadata, writes the tables, and
// guarantees: a refused commit means no insert; a chunk is never split; nothing
// is inserted twice or left out between marks.
package landing
