package audit

import (
	"errors"
	"fmt"
	"strings"
)

// cellSize is the number of offsets in a cell. A row is written again until its
// cell has landed, so smaller cells mean fewer rows a round and more in all: at
// 100 events per second and partition a cell lasts 11 minutes.
const cellSize = 1 << 16

func cellOf(offset int64) uint64 { return uint64(offset) / cellSize }

// key names a row of ledger_accepted within its partition.
type key struct {
	cell    uint64
	project string
	minute  uint32
}

// count is the content of a row.
type count struct {
	events, inFlight, uncounted uint64
	lost                        int64
	// dirty says that the table does not have it yet.
	dirty bool
}

// row is a row of ledger_accepted.
type row struct {
	topic     string
	partition int
	key
	count
	mark, countedTo int64
}

// entry is a row in memory.
type entry struct {
	key
	count
}

// run is a number of records with consecutive offsets that are counted in one row.
type run struct {
	row      *entry
	first, n int64
}

// span is a range of raw offsets lost to retention, as the row of outcomes has it.
type span struct {
	lo, hi int64
	minute uint32
}

// fill is what outcomes says about records that the auditor has not read.
type fill struct {
	project string
	minute  uint32
	events  uint64
}

// tally counts one partition of the raw log. Up to mark everything has landed;
// [mark+1, next) was counted and is in flight.
type tally struct {
	partition  int
	mark, next int64
	// cells are the rows of the cells that have not landed as a whole, and those
	// that the table does not have yet.
	cells map[key]*entry
	// flying are the records in flight, in order.
	flying []run
	// gap is set while records behind the mark have expired uncounted, and unread is
	// then the row that stands for them.
	gap    bool
	unread *entry
	// known is set when the mark is one that the table had, so that everything
	// from there on has to have an outcome.
	known bool

	// last is where the record before was counted, or nil.
	last *entry
}

// newTally goes on behind a mark, with the rows that the table has of the cells
// that had not landed. What was in flight is counted again.
func newTally(partition int, mark int64, known bool, rows []row) *tally {
	t := &tally{partition: partition, mark: mark, next: mark + 1, known: known, cells: map[key]*entry{}}
	for _, r := range rows {
		e := &entry{key: r.key, count: r.count}
		e.events -= min(e.events, e.inFlight)
		e.dirty, e.inFlight = e.inFlight > 0, 0
		t.cells[r.key] = e
	}
	return t
}

// row returns the row with that key, which it makes when there is none, in order
// to change it.
func (t *tally) row(k key) *entry {
	e := t.cells[k]
	if e == nil {
		k.project = strings.Clone(k.project) // it may be part of a record
		e = &entry{key: k}
		t.cells[k] = e
	}
	e.dirty = true
	return e
}

// add counts the record at an offset, next or one behind it. Records up to landed
// have landed already: they are not in flight.
func (t *tally) add(offset int64, project string, minute uint32, landed int64) {
	if k := (key{cellOf(offset), project, minute}); t.last == nil || k != t.last.key {
		t.last = t.row(k)
	}
	e := t.last
	e.dirty = true
	e.events++
	t.next = offset + 1
	if offset <= landed {
		return
	}
	e.inFlight++
	if n := len(t.flying); n > 0 {
		if r := &t.flying[n-1]; r.row == e && r.first+r.n == offset {
			r.n++
			return
		}
	}
	t.flying = append(t.flying, run{row: e, first: offset, n: 1})
}

// settle moves the mark. Of the records that have landed with it those in lost had
// expired unread.
func (t *tally) settle(mark int64, lost []span) {
	done := 0
	for i := range t.flying {
		r := &t.flying[i]
		n := min(r.n, mark-r.first+1)
		if n <= 0 {
			break
		}
		r.row.inFlight -= uint64(n)
		r.row.dirty = true
		for _, l := range lost {
			if o := min(l.hi, r.first+n-1) - max(l.lo, r.first) + 1; o > 0 {
				r.row.lost += o
				t.row(key{cellOf(l.lo), "", l.minute}).lost -= o
			}
		}
		if n < r.n {
			r.first, r.n = r.first+n, r.n-n
			break
		}
		done++
	}
	t.flying = t.flying[done:]
	if len(t.flying) == 0 {
		t.flying = nil
	}
	t.mark = max(t.mark, mark)
}

// expire says that the log begins at start, behind next: records have expired
// uncounted. One row stands for all of them until they have landed. It is called
// on a tally to which nothing was added.
func (t *tally) expire(start int64) {
	t.gap, t.next = true, start
	t.unread = t.row(key{cell: cellOf(t.mark + 1)})
	n := uint64(start - 1 - t.mark)
	t.unread.events += n
	t.unread.inFlight = n
}

// errOutcomes: the outcomes of a range are more than its offsets.
var errOutcomes = errors.New("there are more outcomes than records")

// resolve closes a gap: the records from the mark up to the new one are taken over
// from the outcomes. What these leave out of a range that begins at a known mark
// has no outcome, and stays visible as such.
func (t *tally) resolve(mark int64, fills []fill) error {
	left := uint64(mark - t.mark)
	cell := cellOf(t.mark + 1)
	for _, f := range fills {
		if f.events > left {
			return fmt.Errorf("outcomes of offsets %d to %d: %w", t.mark+1, mark, errOutcomes)
		}
		left -= f.events
	}
	t.unread.events -= t.unread.inFlight
	t.unread.inFlight = 0
	for _, f := range fills {
		c := t.row(key{cell, f.project, f.minute})
		c.events += f.events
		c.uncounted += f.events
	}
	if t.known {
		t.row(key{cell: cell}).events += left
	}
	t.gap, t.unread = false, nil
	t.mark, t.next = mark, mark+1
	return nil
}

// rows returns the rows that the table does not have as they are.
func (t *tally) rows() []row {
	var rows []row
	for _, e := range t.cells {
		if e.dirty {
			rows = append(rows, row{partition: t.partition, key: e.key, count: e.count, mark: t.mark, countedTo: t.next})
		}
	}
	return rows
}

// written notes that the table has all rows, and drops those that will not change
// any more.
func (t *tally) written() {
	for k, e := range t.cells {
		e.dirty = false
		if k.cell < cellOf(t.mark+1) {
			delete(t.cells, k)
		}
	}
	t.last, t.known = nil, true
}

// inFlight returns how many of the counted records are in flight.
func (t *tally) inFlight() (n int64) {
	for _, r := range t.flying {
		n += r.n
	}
	if t.unread != nil {
		n += int64(t.unread.inFlight)
	}
	return n
}
