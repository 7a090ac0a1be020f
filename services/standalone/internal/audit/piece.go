package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
)

// piece is a range of raw offsets of one partition that is compared at a time.
type piece struct {
	a         *Auditor
	topic     string
	partition int
	// traces are of the offsets from lo on.
	lo     int64
	traces []trace
	found  *Compared
	dense  event.Enriched
}

// trace is what there is of one raw record.
type trace struct {
	receipt uuid.UUID
	// read is set when the raw log has it; expires says that a rejection of it is
	// not kept any more.
	read, expires bool
	// outcome is what the dense log says, empty when it says nothing, and answered
	// the receipt id there.
	outcome  event.Outcome
	answered uuid.UUID
	// stored and rejected count rows; refused is set when the row in rejected is
	// of an event that ClickHouse did not take into touchpoints. row is the
	// receipt id of the last row.
	stored, rejected int
	refused          bool
	row              uuid.UUID
}

// newPiece returns a piece without traces.
func newPiece(a *Auditor, topic string, partition int, lo, hi int64, found *Compared) *piece {
	return &piece{a: a, topic: topic, partition: partition, lo: lo, traces: make([]trace, hi-lo), found: found}
}

func (p *piece) hi() int64 { return p.lo + int64(len(p.traces)) }

// at returns the trace of an offset, nil when it is not in the piece.
func (p *piece) at(offset int64) *trace {
	if offset < p.lo || offset >= p.hi() {
		return nil
	}
	return &p.traces[offset-p.lo]
}

// compare reads everything and notes the differences.
func (p *piece) compare(ctx context.Context) error {
	first, err := p.readRaw(ctx)
	if err != nil {
		return err
	}
	if err := p.readAnswers(ctx, first); err != nil {
		return err
	}
	if err := p.readTables(ctx); err != nil {
		return err
	}
	for i := range p.traces {
		t := &p.traces[i]
		if !t.read {
			p.found.Expired++
			continue
		}
		p.found.Records++
		if kind, detail := t.judge(); kind != "" {
			p.found.Differing++
			if len(p.found.Differences) < maxDifferences {
				p.found.Differences = append(p.found.Differences, Difference{p.partition, p.lo + int64(i), kind, detail})
			}
		}
	}
	return nil
}

// judge returns what is wrong with a record, or "".
func (t *trace) judge() (kind, detail string) {
	if t.outcome == "" {
		return MissingInDenseLog, "the dense log does not answer it"
	}
	outcome := t.outcome
	if outcome == event.Stored && t.refused && t.stored == 0 {
		outcome = event.Rejected
	}
	rows := fmt.Sprintf("%s; %d rows in touchpoints, %d in rejected", t.outcome, t.stored, t.rejected)
	var own, other int
	switch outcome {
	case event.Stored:
		own, other = t.stored, t.rejected
	case event.Rejected:
		own, other = t.rejected, t.stored
	default:
		other = t.stored + t.rejected
	}
	switch {
	case other > 0:
		return DecidedOtherwise, rows
	case outcome != event.Stored && outcome != event.Rejected, own == 0 && outcome == event.Rejected && t.expires:
		return "", ""
	case own == 0:
		return MissingInTable, rows
	case own > 1:
		return TwiceInTable, rows
	case t.row != t.receipt:
		return OtherReceipt, fmt.Sprintf("%s in the raw log, %s in the table", t.receipt, t.row)
	case t.answered != t.receipt:
		return OtherReceipt, fmt.Sprintf("%s in the raw log, %s in the dense log", t.receipt, t.answered)
	}
	return "", ""
}

// rejectedFor is how long a rejection surely stays in its table, from the receipt.
const rejectedFor = 29 * 24 * time.Hour

// readRaw reads the receipts, and returns what the first record says about when it
// was made.
func (p *piece) readRaw(ctx context.Context) (first time.Time, err error) {
	oldest := p.a.deps.Now().Add(-rejectedFor).UnixMilli()
	err = p.a.logs.scan(ctx, topics.Raw, p.partition, p.lo, p.hi(), func(r *record) error {
		if first.IsZero() {
			first = r.time
		}
		t := p.at(r.offset)
		t.read = true
		t.expires = p.a.raw.Decode(r.value) == nil && p.a.raw.ReceivedAt < oldest
		for _, h := range r.headers {
			if h.Key == topics.RID && len(h.Value) == len(t.receipt) {
				t.receipt = uuid.UUID(h.Value)
			}
		}
		return nil
	})
	return first, err
}

// readAnswers reads the dense log from a little before the first raw record. Times
// only make it faster: when something is not found there, it is looked for in the
// whole log.
func (p *piece) readAnswers(ctx context.Context, first time.Time) error {
	logs, err := p.a.logs.bounds(ctx, topics.Enriched, []int{p.partition})
	if err != nil {
		return err
	}
	log := logs[p.partition]
	from, err := p.answersBegin(ctx, first, log)
	if err != nil {
		return err
	}
	complete, err := p.readDense(ctx, bounds{from, log.end}, false)
	if err != nil || complete {
		return err
	}
	for i := range p.traces {
		p.traces[i].outcome = ""
	}
	_, err = p.readDense(ctx, log, true)
	return err
}

// answersBegin returns an offset of the dense log that lies before the answers.
func (p *piece) answersBegin(ctx context.Context, first time.Time, log bounds) (int64, error) {
	one := []int{p.partition}
	for back := margin; ; back *= 4 {
		first = first.Add(-back)
		if first.Unix() <= 0 {
			return log.start, nil
		}
		raw, err := p.a.logs.offsetsAt(ctx, topics.Raw, one, first)
		if err != nil {
			return 0, err
		}
		if raw[p.partition] > p.lo {
			continue // the clock that made the record is ahead of the broker's
		}
		dense, err := p.a.logs.offsetsAt(ctx, topics.Enriched, one, first.Add(-margin))
		if err != nil {
			return 0, err
		}
		if dense[p.partition] >= log.end {
			return log.start, nil
		}
		return dense[p.partition], nil
	}
}

// errAnswered ends the reading of the dense log early.
var errAnswered = errors.New("everything is answered")

// readDense follows the dense log as its readers do: it takes what follows its mark
// and passes over repeats and what lies behind a hole. Records whose answers are
// before the beginning of the whole log count as expired. It reports whether all
// others are answered.
func (p *piece) readDense(ctx context.Context, log bounds, whole bool) (complete bool, err error) {
	mark := int64(-1)
	marked := log.start == 0
	repeats := int64(0)
	err = p.a.logs.scan(ctx, topics.Enriched, p.partition, log.start, log.end, func(r *record) error {
		src, prev, err := position(r)
		if err != nil {
			return err
		}
		if !marked {
			mark, marked = prev, true
			for offset := p.lo; whole && offset <= min(prev, p.hi()-1); offset++ {
				p.at(offset).read = false
			}
		}
		switch {
		case src <= mark:
			if p.at(src) != nil {
				repeats++
			}
			return nil
		case prev > mark:
			return nil
		}
		before := mark
		mark = src
		if err := p.answer(before, src, r); err != nil {
			return err
		}
		if mark >= p.hi()-1+slack {
			return errAnswered
		}
		return nil
	})
	if err != nil && !errors.Is(err, errAnswered) {
		return false, err
	}
	p.found.Repeats += repeats
	return !slices.ContainsFunc(p.traces, func(t trace) bool { return t.read && t.outcome == "" }), nil
}

// slack is how many records behind a piece are read on, to see repeats.
const slack = 1000

// answer notes the record of the dense log that answers src and, for a lost range,
// everything behind the mark up to there.
func (p *piece) answer(mark, src int64, r *record) error {
	t := p.at(src)
	if t == nil && (src < p.lo || mark >= p.hi()-1) {
		return nil
	}
	if err := p.dense.Decode(r.value); err != nil {
		return fmt.Errorf("decode enriched record: %w", err)
	}
	if p.dense.Outcome == event.LostRetention {
		for offset := max(mark+1, p.lo); offset <= min(src, p.hi()-1); offset++ {
			p.at(offset).outcome = event.LostRetention
		}
		return nil
	}
	if t == nil {
		return nil
	}
	t.outcome = event.Outcome(strings.Clone(string(p.dense.Outcome))) // it is part of the record
	switch t.outcome {
	case event.Stored:
		t.answered = p.dense.Touchpoint.ReceiptID
	case event.Rejected:
		t.answered = p.dense.Rejection.ReceiptID
	}
	return nil
}

// position reads which raw record a record of the dense log answers.
func position(r *record) (src, prev int64, err error) {
	src, prev = -1, -2
	for _, h := range r.headers {
		switch h.Key {
		case topics.Src:
			src, err = strconv.ParseInt(string(h.Value), 10, 64)
		case topics.Prev:
			prev, err = strconv.ParseInt(string(h.Value), 10, 64)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	if prev < -1 || src <= prev {
		return 0, 0, fmt.Errorf("src %d, prev %d is no position", src, prev)
	}
	return src, prev, nil
}

// readTables reads the rows of both tables.
func (p *piece) readTables(ctx context.Context) error {
	for _, table := range []struct{ name, receipt, refused string }{
		{"touchpoints", "if(receipt_id = toUUID('00000000-0000-0000-0000-000000000000'), event_id, receipt_id)", "false"},
		{"rejected", "receipt_id", "reason = '" + string(event.RefusedByStorage) + "'"},
	} {
		err := p.a.tables.query(ctx, func(rows driver.Rows) error {
			var offset int64
			var receipt uuid.UUID
			var refused bool
			if err := rows.Scan(&offset, &receipt, &refused); err != nil {
				return err
			}
			t := p.at(offset)
			t.row = receipt
			if table.name == "touchpoints" {
				t.stored++
			} else {
				t.rejected++
				t.refused = refused
			}
			return nil
		}, "SELECT toInt64(src_offset), "+table.receipt+", "+table.refused+" FROM touchline."+table.name+
			" WHERE src_topic = ? AND src_partition = ? AND src_offset >= ? AND src_offset < ?", p.topic, uint16(p.partition), uint64(p.lo), uint64(p.hi()))
		if err != nil {
			return fmt.Errorf("read rows of %s: %w", table.name, err)
		}
	}
	return nil
}
