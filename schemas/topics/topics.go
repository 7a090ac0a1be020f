// Package topics declares every Kafka topic of Touchline: its name, how many
// partitions it has, how long it keeps records, how records are keyed and which
// headers they carry. It is the only place where any of that is written down;
// `touchline topics apply` creates and checks what stands here.
//
// A topic is never created by a producer or consumer, and partitions are never
// added to one: keys would move and order would be lost. A change of shape is a
// topic of the next version.
package topics

import "time"

// Names of the topics.
const (
	// Raw carries each accepted event once per receipt, as the SDK wrote it.
	// Key: see event.Key. Headers: RID always, MID where the SDK sent an id,
	// Replay on a rejected event that was sent again.
	Raw = "touchpoints.raw.v1"
	// Enriched is the dense log: partition p holds one record for each record
	// of Raw's partition p, in order, with its outcome. Key: that of the raw
	// record. Headers: Src, Prev, Outcome and Clock always; MID or, where the raw
	// record has none, RID on an event that makes later ones duplicates.
	Enriched = "touchpoints.enriched.v1"
	// Fragments holds the scorer's snapshots, compacted. Partition p is folded
	// from Enriched's partition p and written there, whatever the key hashes to.
	// Key: fragment and writer epoch.
	Fragments = "profiles.fragments.v1"
	// Persons holds the same fragments by person, compacted. Key: person,
	// fragment and writer epoch; the partition comes from the person alone, so that all the
	// fragments of a person meet in one.
	Persons = "profiles.persons.v1"
	// Scores carries each new version of a person's profile and scores.
	// Key: person.
	Scores = "scores.v1"
)

// Headers of records. Numbers are decimal text; ids are their raw bytes.
const (
	// RID is the receipt id: 16 bytes, UUIDv7, made by the collector.
	RID = "rid"
	// MID is the hash of project and SDK message id: 16 bytes, see ids.MessageHash.
	MID = "mid"
	// Src is the offset in Raw that a record of the dense log answers.
	Src = "src"
	// Prev is the offset in Raw before Src; a reader takes a record only when
	// Prev <= mark < Src, where mark is the highest Src it has taken.
	Prev = "prev"
	// Outcome repeats what became of the event, one of event.Outcomes.
	Outcome = "outcome"
	// Clock is the time of the partition at Src by which deduplication windows are
	// measured, in milliseconds since 1970. It never falls.
	Clock = "clock"
	// Replay marks a rejected event that an operator sent again; its value is
	// the receipt id of the first try. It is no duplicate of its own rejection.
	Replay = "replay"
)

// Consumer groups of the services.
const (
	// GroupEnricher reads Raw and writes Enriched.
	GroupEnricher = "touchline-enricher"
	// GroupTouchpoints lands Enriched in ClickHouse.
	GroupTouchpoints = "touchline-land-touchpoints"
	// GroupScorer folds Enriched into Fragments and Persons.
	GroupScorer = "touchline-scorer"
	// GroupPersons computes Scores from Persons.
	GroupPersons = "touchline-persons"
	// GroupScores lands Scores in ClickHouse.
	GroupScores = "touchline-land-scores"
)

// DedupWindow is how long after its first receipt an event with the same project
// and message id counts as a retry, in the partition's own time (Clock).
const DedupWindow = 7 * 24 * time.Hour

// DedupMargin is how much longer the entries are kept, so that re-processing an
// old record after an outage answers as it did the first time.
const DedupMargin = 24 * time.Hour

// LongestOutage is how long consumers may be away without losing records.
const LongestOutage = 5 * 24 * time.Hour

// Timestamps is the kind of a topic's record timestamps.
type Timestamps string

// LogAppendTime stamps records with the broker's clock: dedup windows and lag in
// seconds never depend on a client's clock.
const LogAppendTime Timestamps = "LogAppendTime"

// Topic is the declared shape of a topic.
type Topic struct {
	Name string
	// Retention is how long records are kept; 0 means for ever (compacted).
	Retention time.Duration
	// Compacted topics keep the last record of each key.
	Compacted  bool
	Timestamps Timestamps
	// MaxRecordBytes is the largest batch the broker takes.
	MaxRecordBytes int
}

// MaxRecordBytes is the largest record batch of any topic: an event of 1 MiB
// (the collector's hard limit), its canonical form beside it where a rejection
// quotes it, and headers.
const MaxRecordBytes = 4 << 20

// DefaultPartitions is the number of partitions of every topic in production:
// 12 divides evenly among 1, 2, 3, 4, 6 and 12 consumers.
const DefaultPartitions = 12

// EmbeddedPartitions is the number used by the embedded broker.
const EmbeddedPartitions = 4

// MinRetention is the shortest retention that Raw and Enriched may have: a
// record must outlive the window in which its retry is recognised, the margin,
// and an outage.
const MinRetention = DedupWindow + DedupMargin + LongestOutage

// All returns the declaration of every topic, in the order in which data flows.
// All topics have the same number of partitions, so that partition p of one
// topic is the input of partition p of the next.
func All() []Topic {
	return []Topic{
		{Name: Raw, Retention: 14 * 24 * time.Hour, Timestamps: LogAppendTime, MaxRecordBytes: MaxRecordBytes},
		{Name: Enriched, Retention: 14 * 24 * time.Hour, Timestamps: LogAppendTime, MaxRecordBytes: MaxRecordBytes},
		{Name: Fragments, Compacted: true, Timestamps: LogAppendTime, MaxRecordBytes: MaxRecordBytes},
		{Name: Persons, Compacted: true, Timestamps: LogAppendTime, MaxRecordBytes: MaxRecordBytes},
		{Name: Scores, Retention: 14 * 24 * time.Hour, Timestamps: LogAppendTime, MaxRecordBytes: MaxRecordBytes},
	}
}
