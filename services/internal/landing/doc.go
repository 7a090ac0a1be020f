// Package landing brings the records of a topic into ClickHouse tables, each
// exactly once, whatever is killed, paused or repeated, without FINAL.
//
// A worker per partition gathers records, and what all partitions of a process have
// gathered goes into one chunk: a range of offsets of each, whose rows go to each
// table as one insert under one deduplication token. Before the first insert the
// chunk is committed to the consumer group as an intent, in the metadata of the
// offset of one of its partitions, the leader; after the last one the offsets move
// behind it, the leader's last. Whoever takes the leader over finishes a pending
// intent exactly as it was written: the same ranges under the same marks give the
// same blocks under the same token, and ClickHouse drops what it already has, in the
// table and in the target of every view. Whoever takes over another partition of the
// chunk waits until it has landed.
//
// One partition's commit decides about the chunk, so nothing depends on whether a
// broker takes commits of several partitions together. It is sent only while every
// partition of the chunk is owned, and nobody goes on before its fate is known
// (kafka.Partition.CommitFor).
//
// # When a chunk is closed
//
// One chunk of a process is under way at a time. The next one is closed when it is
// full, or when its first record has waited for flush_age and, if it is small, a pause
// after the last one is over, so that a slow ClickHouse gets fewer and larger ones.
// A partition may gather only as much as is left for the others, so one with a
// backlog delays nobody.
//
// # When ClickHouse does not take it
//
// An insert that fails is repeated for as long as the leader is owned. Workers gather
// until their half of max_bytes is used up, and what is fetched ahead is bounded by the
// queue of each partition (kafka.GroupOptions).
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
