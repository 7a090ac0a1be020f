package reset

import (
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
)

// None is the offset of a partition without a commit, and the mark of a reader
// that has taken nothing.
const None = -1

// Facts is what there is, at one moment in which no service runs.
type Facts struct {
	// Topics by name. One that does not exist is missing.
	Topics map[string]Topic
	// Groups by name.
	Groups map[string]Group
	// Answered is the raw offset that the last record of each partition of the
	// dense log answers, or None.
	Answered []int64
	Tables   Tables
	// Now is when the facts were gathered, in milliseconds since 1970.
	Now int64
}

// Topic is a topic as it is now.
type Topic struct {
	ID       string
	Replicas int
	// Partitions holds the bounds of each partition's log, by number.
	Partitions []Bounds
}

// Bounds are the first offset that a log still holds and the one after its last.
type Bounds struct{ Start, End int64 }

// Group is a consumer group.
type Group struct {
	// State is what the broker calls it, such as Empty or Stable. Who is in it does
	// not matter.
	State string
	// Commits by partition.
	Commits []Commit
}

// Commit is what a group has committed for a partition.
type Commit struct {
	// Offset is None when nothing was committed.
	Offset int64
	State  checkpoint.State
	// Unreadable says why State is not that of the commit; empty when it is.
	Unreadable string
}

// Tables is what ClickHouse holds.
type Tables struct {
	// Known are the ids under which topics have landed, by name.
	Known map[string]string
	// Landed says how far the rows of each raw log reach.
	Landed map[Place]Landed
	// Last is the raw log that rows of a partition came from last.
	Last map[int32]string
	// Events is the number of rows of touchpoints.
	Events uint64
}

// Place is a partition of a raw topic.
type Place struct {
	Source    string
	Partition int32
}

// Landed says how far rows reach, in raw offsets, or None.
type Landed struct {
	// Cut is the end of the last chunk that landed whole, Highest the row that
	// lies farthest.
	Cut, Highest int64
}

// landed returns what has landed from a place.
func (t Tables) landed(source string, partition int32) Landed {
	if l, ok := t.Landed[Place{source, partition}]; ok {
		return l
	}
	return Landed{None, None}
}

// member is one consumer group: what it reads, and what its commits depend on.
type member struct {
	group, topic string
	depends      []string
	// service is the program that runs it.
	service string
}

// members returns the groups in the order in which they are written: what the
// places of others follow from comes first.
func members() []member {
	return []member{
		{topics.GroupEnricher, topics.Raw, []string{topics.Raw, topics.Enriched}, "enricher"},
		{topics.GroupTouchpoints, topics.Enriched, []string{topics.Enriched, topics.Raw}, "enricher"},
		{topics.GroupScorer, topics.Enriched, []string{topics.Raw, topics.Enriched, topics.Fragments, topics.Persons}, "scorer"},
		{topics.GroupPersons, topics.Persons, []string{topics.Persons, topics.Scores}, "scorer"},
		{topics.GroupScores, topics.Scores, []string{topics.Scores}, "scorer"},
	}
}
