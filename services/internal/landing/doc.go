// Package landing brings the records of a topic into ClickHouse tables, each
// exactly once, whatever is killed, paused or repeated, without FINAL.
//
// A worker per partition gathers records into a chunk: a range of offsets whose
// rows go to each table as one insert block under one deduplication token. Before
// the first insert the range is committed to the consumer group as an intent, in
// the metadata of the offset; after the last one the offset moves behind it.
// Whoever takes the partition over finishes a pending intent exactly as it was
// written: the same range under the same mark gives the same blocks under the
// same token, and ClickHouse drops what it already has, in the table and in the
// target of every view.
//
// # When a chunk is closed
//
// A chunk is inserted when it is full, or when its first record has waited for
// flush_age and the gate lets it pass: one small insert at a time in a process,
// and after each a pause, so that a slow ClickHouse gets fewer and larger ones.
// Chunks grow while they wait.
//
// # When ClickHouse does not take it
//
// An insert that fails is repeated for as long as the partition is owned. The
// worker reads nothing meanwhile, so what it holds is bounded: the chunks of all
// workers by max_bytes together, their encoded form once more during an attempt,
// and the records fetched ahead by the queue of each partition (kafka.GroupOptions).
//
// A block of the first table that ClickHouse refuses is taken apart with its twin,
// a table that refuses the same rows and keeps none. The records at fault go into
// the intent, which is committed again; the block is built anew without them, and
// the builder puts them elsewhere, under the same token. When the twin takes every
// row, a view throws: that stops the lander, and after the view is mended the same
// intent is finished.
//
// It reads the topic and the committed metadata, writes the tables, and
// guarantees: a refused commit means no insert; a chunk is never split; nothing
// is inserted twice or left out between marks.
package landing
