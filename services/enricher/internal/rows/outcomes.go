package rows

import (
	"strings"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/denselog"
)

// outcomes counts what became of the records of a chunk and builds the block of
// table outcomes from it.
type outcomes struct {
	clickhouse.Columns
	topic     string
	partition int32

	// counts are the rows in the order in which they first appeared, index finds
	// them; last is where the record before was counted.
	counts  []tally
	index   map[fate]int
	last    int
	records int
	// high is the highest raw offset counted, or denselog.None.
	high int64

	srcTopic, project, outcome, reason *clickhouse.LowColumn
	srcPartition                       *clickhouse.UInt16Column
	minute                             *clickhouse.SecondsColumn
	events, minOffset, maxOffset       *clickhouse.UInt64Column
	mark, cut                          *clickhouse.Int64Column
}

// fate is what the records of a row have in common.
type fate struct {
	project string
	minute  uint32
	outcome event.Outcome
	reason  event.Reason
}

// tallyBytes is what a row takes twice, as a tally with its entry in the index and in
// the columns.
const tallyBytes = 300

// tally counts records of the raw offsets from lo to hi.
type tally struct {
	fate
	lo, hi int64
	events int64
}

func newOutcomes(topic string, partition int32) *outcomes {
	b := &outcomes{Columns: clickhouse.NewColumns(schema.Outcomes()), topic: topic, partition: partition, index: map[fate]int{}, high: denselog.None}
	c := &b.Columns
	b.srcTopic = c.Low("src_topic")
	b.srcPartition = c.UInt16("src_partition")
	b.project = c.Low("project")
	b.minute = c.Seconds("minute")
	b.outcome = c.Low("outcome")
	b.reason = c.Low("reason")
	b.events = c.UInt64("events")
	b.minOffset = c.UInt64("min_offset")
	b.maxOffset = c.UInt64("max_offset")
	b.mark = c.Int64("mark")
	b.cut = c.Int64("cut")
	c.Complete()
	return b
}

// count counts one record of the dense log; records come in the order of their
// raw offsets. Of a range lost to retention it counts every raw offset, under no
// project, in a row of its own: the row's range is then exactly what was lost.
func (b *outcomes) count(project string, receivedAt int64, outcome event.Outcome, reason event.Reason, at denselog.Position) {
	b.records++
	f := fate{project: project, minute: schema.Minute(receivedAt), outcome: outcome, reason: reason}
	if reason == event.UnreadableRecord {
		// The envelope that would say when it was received is what is broken.
		f.minute = 0
	}
	if outcome == event.LostRetention {
		f.project = ""
		b.counts = append(b.counts, tally{fate: f, lo: max(at.Prev, b.high) + 1, hi: at.Src})
		b.high = at.Src
		return
	}
	b.high = at.Src
	if b.last >= len(b.counts) || b.counts[b.last].fate != f {
		i, ok := b.index[f]
		if !ok {
			i = len(b.counts)
			// The row outlives the record that the text may be part of.
			f.project, f.reason = strings.Clone(f.project), event.Reason(strings.Clone(string(f.reason)))
			b.index[f] = i
			b.counts = append(b.counts, tally{fate: f, lo: at.Src})
		}
		b.last = i
	}
	c := &b.counts[b.last]
	c.events++
	c.hi = at.Src
}

// block returns the rows of a chunk that moves the mark from before to after.
func (b *outcomes) block(before, after int64) clickhouse.Block {
	b.Columns.Reset(keepOutcomes)
	for _, c := range b.counts {
		if c.outcome == event.LostRetention {
			// What the mark had passed already was not lost.
			c.lo = max(c.lo, before+1)
			c.events = c.hi - c.lo + 1
		}
		b.srcTopic.Append(b.topic)
		b.srcPartition.Append(uint16(b.partition))
		b.project.Append(c.project)
		b.minute.Append(c.minute)
		b.outcome.Append(string(c.outcome))
		b.reason.Append(string(c.reason))
		b.events.Append(uint64(c.events))
		b.minOffset.Append(uint64(c.lo))
		b.maxOffset.Append(uint64(c.hi))
		b.mark.Append(before)
		b.cut.Append(after)
	}
	return b.Block()
}

func (b *outcomes) reset() {
	clear(b.index)
	b.counts, b.last, b.records, b.high = b.counts[:0], 0, 0, denselog.None
}
