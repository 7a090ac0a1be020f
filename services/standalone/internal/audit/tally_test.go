package audit

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"
)

// table is what ledger_accepted holds of a partition: of each row the version with
// the highest mark, and of those the last one written.
type table map[key]row

func (t table) write(rows []row) {
	for _, r := range rows {
		if old, ok := t[r.key]; !ok || r.mark >= old.mark {
			t[r.key] = r
		}
	}
}

// load makes a tally as tables.load does.
func (t table) load() *tally {
	mark := int64(-1)
	for _, r := range t {
		mark = max(mark, r.mark)
	}
	var rows []row
	for _, r := range t {
		if r.cell >= cellOf(mark+1) {
			rows = append(rows, r)
		}
	}
	return newTally(0, mark, len(t) > 0, rows)
}

// told is a raw record as an auditor sees it.
type told struct {
	project string
	minute  uint32
}

// Several auditors that work on a log in any order, with any delay, ended and
// started again at any point: whoever writes, the table says exactly what is in the
// log up to where somebody counted, and what of it has not landed.
func TestTally_anyInterleavingOfAuditorsIsExact(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 4))
	for range 300 {
		// Offsets begin a little below the end of a cell, so that cells end.
		first := int64(cellSize) - rnd.Int64N(40)
		tab := table{}
		tab.write([]row{{key: key{cell: 0}, mark: first - 1}})
		var log []told
		landed := first - 1
		counted := first
		auditors := []*tally{tab.load(), tab.load()}
		for range 60 {
			for range rnd.IntN(5) {
				log = append(log, told{fmt.Sprint("p", rnd.IntN(3)), uint32(rnd.IntN(3) * 60)})
			}
			if ahead := first + int64(len(log)) - 1 - landed; ahead > 0 && rnd.IntN(2) == 0 {
				landed += rnd.Int64N(ahead + 1)
			}
			i := rnd.IntN(len(auditors))
			if rnd.IntN(8) == 0 {
				auditors[i] = tab.load()
			}
			// An auditor may know only an older mark.
			seen := max(auditors[i].mark, landed-rnd.Int64N(6))
			to := max(seen+1, first+rnd.Int64N(int64(len(log))+1))
			for a := auditors[i]; a.next < to; {
				r := log[a.next-first]
				a.add(a.next, r.project, r.minute, seen)
			}
			auditors[i].settle(seen, nil)
			tab.write(auditors[i].rows())
			if rnd.IntN(10) > 0 { // else it was ended before it knew
				auditors[i].written()
			}
			counted = max(counted, auditors[i].next)

			mark := int64(-1)
			for _, r := range tab {
				mark = max(mark, r.mark)
			}
			// Whatever has landed must be counted; of the rest any part may be.
			want, most := map[told]uint64{}, map[told]uint64{}
			for i, r := range log {
				if first+int64(i) <= mark {
					want[r]++
				}
				if first+int64(i) < counted {
					most[r]++
				}
			}
			have, flying := map[told]uint64{}, map[told]uint64{}
			for k, r := range tab {
				have[told{k.project, k.minute}] += r.events - r.inFlight
				flying[told{k.project, k.minute}] += r.events
			}
			maps.DeleteFunc(have, func(_ told, n uint64) bool { return n == 0 })
			if !maps.Equal(have, want) {
				t.Fatalf("mark %d: landed %v, want %v", mark, have, want)
			}
			for k, n := range flying {
				if n > most[k] {
					t.Fatalf("%v: counted %d of %d", k, n, most[k])
				}
			}
		}
		// One that gets through has everything.
		a := tab.load()
		landed = first + int64(len(log)) - 1
		for a.next <= landed {
			r := log[a.next-first]
			a.add(a.next, r.project, r.minute, landed)
		}
		a.settle(landed, nil)
		tab.write(a.rows())
		var events, flying uint64
		for _, r := range tab {
			events, flying = events+r.events, flying+r.inFlight
		}
		if int(events) != len(log) || flying != 0 {
			t.Fatalf("counted %d, in flight %d of %d", events, flying, len(log))
		}
	}
}

func TestTally_dropsCellsThatHaveLanded(t *testing.T) {
	a := newTally(0, -1, false, nil)
	const n = 3*cellSize + 10
	for offset := range int64(n) {
		a.add(offset, "p", uint32(offset/1000*60), n-5)
	}
	a.settle(n-5, nil)
	// 197 minutes, of which 3 go on in the next cell.
	if rows := a.rows(); len(rows) != 200 {
		t.Errorf("%d rows", len(rows))
	}
	a.written()
	if len(a.cells) != 1 || a.inFlight() != 4 {
		t.Errorf("%d rows stay, %d are in flight", len(a.cells), a.inFlight())
	}
}

func TestTally_refusesMoreOutcomesThanRecords(t *testing.T) {
	a := newTally(0, 9, true, nil)
	a.expire(30)
	if err := a.resolve(40, []fill{{"p", 60, 20}, {"q", 60, 12}}); err == nil {
		t.Error("32 outcomes of 31 records were taken")
	}
}
