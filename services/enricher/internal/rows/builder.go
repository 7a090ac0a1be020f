// Package rows turns records of the dense log into column blocks for the tables
// touchpoints, rejected, identity_links and outcomes.
//
// It reads event.Enriched, writes column blocks in the order that package
// schemas/clickhouse declares, and guarantees that every value it writes is one
// that ClickHouse takes: times and days are within their types' range, so the
// server has no reason to refuse a row. The rows of a chunk are a pure function
// of the records added to it.
package rows

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/denselog"
)

// Builder builds the blocks of one chunk of the dense log. It is a
// landing.Builder and not safe for concurrent use.
type Builder struct {
	touchpoints *touchpoints
	rejected    *rejected
	links       *links
	outcomes    *outcomes
	enriched    event.Enriched
	// counted is what the rows took when they were counted last, and added what the since
	// records after that have brought at most.
	counted, added, since int
}

// New returns a builder for records whose source offsets belong to a partition
// of the topic with the id source.
func New(source string, partition int32) *Builder {
	return &Builder{
		touchpoints: newTouchpoints(source, partition), rejected: newRejected(source, partition),
		links: newLinks(source, partition), outcomes: newOutcomes(source, partition),
	}
}

// Add appends the row that the record stands for (one in touchpoints for a stored
// event, one in rejected for a rejected one, none otherwise), one in identity_links
// for each id that the event links, and counts it among the outcomes. The record may be used again afterwards.
func (b *Builder) Add(r *kgo.Record, at denselog.Position) error {
	if err := b.enriched.Decode(r.Value); err != nil {
		return fmt.Errorf("decode enriched record: %w", err)
	}
	switch b.enriched.Outcome {
	case event.Stored:
		// The table's constraints; the server would refuse the whole block.
		if b.enriched.Project == "" || b.enriched.Touchpoint.Event == "" {
			return errors.New("decode enriched record: a stored event without project or name")
		}
		if err := b.links.add(&b.enriched, r, at.Src); err != nil {
			return fmt.Errorf("build link of %s offset %d: %w", r.Topic, r.Offset, err)
		}
		b.touchpoints.add(&b.enriched, at.Src)
	case event.Rejected:
		b.rejected.add(&b.enriched, at.Src)
	case event.Duplicate, event.Dropped, event.LostRetention:
	default:
		return fmt.Errorf("decode enriched record: outcome %q is unknown", b.enriched.Outcome)
	}
	b.outcomes.count(b.enriched.Project, b.enriched.ReceivedAt, b.enriched.Outcome, b.enriched.Reason, at)
	b.grew(len(r.Value))
	return nil
}

// Rows returns the number of records: each is at most one row of touchpoints or
// rejected, and there are outcomes to insert as soon as there is one.
func (b *Builder) Rows() int { return b.outcomes.records }

// recount is after how many records the rows are counted: asking all columns takes a
// tenth of the time that it takes to build a row.
const recount = 16

// rowBytes is more than the columns of a fixed width and the keys of the others take of
// a row, and not in the record: 66 columns of 4 bytes on average. The few that link
// somebody take 60 more.
const rowBytes = 264

// Bytes returns what the rows take in memory, of the last few rows at most that; the
// builder may hold a quarter more. It is cheap enough to be asked after every record.
func (b *Builder) Bytes() int {
	if b.since >= recount {
		b.counted, b.added, b.since = b.touchpoints.Bytes()+b.rejected.Bytes()+b.links.Bytes()+len(b.outcomes.counts)*tallyBytes, 0, 0
	}
	return b.counted + b.added
}

// grew notes a record whose row holds so many bytes of text.
func (b *Builder) grew(text int) {
	b.added += text + rowBytes
	b.since++
}

// Blocks returns the blocks of touchpoints, rejected, identity_links and outcomes, in the order in
// which they are to be inserted: outcomes come last, so that they are proof of the
// others. before is the mark before the chunk, after the mark behind it.
func (b *Builder) Blocks(before, after int64) []clickhouse.Block {
	return []clickhouse.Block{b.touchpoints.Block(), b.rejected.Block(), b.links.Block(), b.outcomes.block(before, after)}
}

// Begin is Reset, and takes the builder to a partition of the topic
// with the id source: where the source offsets of the next records belong.
func (b *Builder) Begin(source string, partition int32) {
	b.Reset()
	b.touchpoints.topic, b.touchpoints.partition = source, partition
	b.rejected.topic, b.rejected.partition = source, partition
	b.links.topic, b.links.partition = source, partition
	b.outcomes.topic, b.outcomes.partition = source, partition
}

// The memory that Reset keeps at least, enough for 1,000 rows: a process has two
// builders for each of its partitions.
const (
	keepTouchpoints = 1 << 20
	keepRejected    = 256 << 10
	keepLinks       = 64 << 10
	keepOutcomes    = 256 << 10
)

// Reset empties the builder and keeps some of its memory: about as much as the rows
// took.
func (b *Builder) Reset() {
	b.touchpoints.Reset(keepTouchpoints)
	b.rejected.Reset(keepRejected)
	b.links.Reset(keepLinks)
	b.outcomes.reset()
	b.counted, b.added, b.since = 0, 0, recount
}

// timeSource is the Enum8 of column time_source.
func timeSource(s event.TimeSource) int8 {
	switch s {
	case event.TimeClient:
		return 1
	case event.TimeCorrected:
		return 2
	case event.TimeClamped:
		return 4
	}
	return 3
}

// schemaStatus is the Enum8 of column schema_status.
func schemaStatus(s string) int8 {
	switch s {
	case "valid":
		return 1
	case "invalid":
		return 2
	case "unknown":
		return 3
	}
	return 0
}
