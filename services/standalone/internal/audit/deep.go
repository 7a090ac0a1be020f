package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
)

// Bound is an end of a range: an offset, or the time at which a record was
// appended.
type Bound struct {
	Offset int64
	// Time counts when it is not zero.
	Time time.Time
}

// Range is what Deep compares.
type Range struct {
	// From is part of the range. An offset To is, too; a time is not.
	From, To Bound
	// Partition is the only one to be compared; all when it is negative.
	Partition int
}

// The kinds of differences.
const (
	// MissingInTable: it has landed, but its row is not there.
	MissingInTable = "missing_in_table"
	// TwiceInTable: it has several rows.
	TwiceInTable = "twice_in_table"
	// DecidedOtherwise: the tables and the dense log do not agree what it is.
	DecidedOtherwise = "decided_otherwise"
	// OtherReceipt: the receipt id is not that of the raw record.
	OtherReceipt = "other_receipt"
	// MissingInDenseLog: the dense log does not answer it, but the mark is past it.
	MissingInDenseLog = "missing_in_dense_log"
)

// Difference is a raw record that is not everywhere what it should be.
type Difference struct {
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Kind      string `json:"kind"`
	Detail    string `json:"detail"`
}

// Compared is the answer of Deep.
type Compared struct {
	// Records is how many raw records were compared. Of the range asked for,
	// Expired are not in the log any more, and InFlight have not landed.
	Records  int64 `json:"records"`
	Expired  int64 `json:"expired"`
	InFlight int64 `json:"in_flight"`
	// Repeats is how often the dense log answers a record again: a writer that
	// starts again does so, and readers pass it over.
	Repeats int64 `json:"repeats"`
	// Differing counts the differences, Differences are the first maxDifferences.
	Differing   int64        `json:"differing"`
	Differences []Difference `json:"differences"`
}

const (
	// maxDifferences is how many differences are named.
	maxDifferences = 1000
	// deepRecords is how many records are compared at a time; they take about
	// 100 MB. The tables are read once for each such piece.
	deepRecords = 1 << 20
	// margin is how far before the first raw record the reading of the dense log
	// begins, so that the reader knows its mark when it meets the range.
	margin = 10 * time.Minute
)

// Deep compares raw log, dense log and tables record by record.
func (a *Auditor) Deep(ctx context.Context, r Range) (Compared, error) {
	found := Compared{Differences: []Difference{}}
	all, err := a.logs.topics(ctx, topics.Raw, topics.Enriched)
	if err != nil {
		return found, err
	}
	raw := all[topics.Raw]
	slices.Sort(raw.partitions)
	if r.Partition >= 0 {
		if !slices.Contains(raw.partitions, r.Partition) {
			return found, fmt.Errorf("%s has no partition %d", topics.Raw, r.Partition)
		}
		raw.partitions = []int{r.Partition}
	}
	commits, err := a.logs.commits(ctx, raw.partitions)
	if err != nil {
		return found, err
	}
	logs, err := a.logs.bounds(ctx, topics.Raw, raw.partitions)
	if err != nil {
		return found, err
	}
	from, err := a.resolve(ctx, r.From, raw.partitions, 0)
	if err != nil {
		return found, err
	}
	to, err := a.resolve(ctx, r.To, raw.partitions, 1)
	if err != nil {
		return found, err
	}
	for _, p := range raw.partitions {
		c, ok := commits[p]
		if ok && c.Topics[topics.Raw] != raw.id {
			return found, fmt.Errorf("partition %d: %w", p, checkpoint.ErrTopicRecreated)
		}
		if !ok || c.Source(topics.Raw) != raw.id {
			c.Mark = -1 // nothing of this log has landed
		}
		lo, hi := max(from[p], logs[p].start), min(to[p], c.Mark+1)
		found.Expired += max(0, min(lo, to[p])-max(0, from[p]))
		found.InFlight += max(0, min(to[p], logs[p].end)-max(hi, from[p]))
		for ; lo < hi; lo += deepRecords {
			if err := newPiece(a, raw.id, p, lo, min(hi, lo+deepRecords), &found).compare(ctx); err != nil {
				return found, fmt.Errorf("compare partition %d: %w", p, err)
			}
		}
	}
	return found, nil
}

// resolve returns the first offset of a bound, or with past = 1 the one behind it.
func (a *Auditor) resolve(ctx context.Context, b Bound, partitions []int, past int64) (map[int]int64, error) {
	if !b.Time.IsZero() {
		return a.logs.offsetsAt(ctx, topics.Raw, partitions, b.Time)
	}
	found := map[int]int64{}
	for _, p := range partitions {
		found[p] = b.Offset + past
	}
	return found, nil
}
