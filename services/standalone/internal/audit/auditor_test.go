package audit

import (
	"errors"
	"slices"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
)

func TestAuditor_countsWhatIsInTheLog(t *testing.T) {
	w := newWorld(t)
	a := w.auditor()
	w.round(a)
	w.expect(map[string]Sums{})
	w.accept(0, some(100, "p", event.Stored)...)
	w.accept(1, some(10, "p", event.Duplicate)...)
	w.accept(1, some(5, "q", event.Rejected)...)
	w.accept(1, accepted{unreadable: true, outcome: event.Rejected})
	w.accept(2, some(7, "q", event.Dropped)...)
	w.round(a) // nothing was ever committed
	w.expect(map[string]Sums{"p": {Accepted: 110, InFlight: 110}, "q": {Accepted: 12, InFlight: 12}, "": {Accepted: 1, InFlight: 1}})
	w.land(0, 69)
	w.land(1, 12)
	w.insert(2, 6) // half of a chunk: its offset is not committed
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 110, Stored: 70, Duplicate: 10, InFlight: 30}, "q": {Accepted: 12, Rejected: 3, InFlight: 9}, "": {Accepted: 1, InFlight: 1}})
	if r := w.once(false); len(r.Open) != 0 || r.Pending != 40 {
		t.Errorf("the report is %+v, want 40 pending events", r)
	}
	w.mark[2] = 6
	w.commit(2)
	w.land(0, 99)
	w.land(1, 15)
	want := map[string]Sums{"p": {Accepted: 110, Stored: 100, Duplicate: 10}, "q": {Accepted: 12, Rejected: 5, Dropped: 7}, "": {Accepted: 1, Rejected: 1}}
	w.round(a)
	w.expect(want)
	if r := w.once(true); len(r.Projects) != 3 || r.Projects[1].Sums != want["p"] || r.Projects[2].Sums != want["q"] || r.Projects[0].Sums != want[""] {
		t.Errorf("the report is %+v", r)
	}
	w.expect(want)
}

// An auditor that starts in the middle of a cell, or beside another one, counts
// nothing twice.
func TestAuditor_startsAgainAnywhere(t *testing.T) {
	w := newWorld(t)
	first, second := w.auditor(), w.auditor()
	total := 0
	for i, step := range []struct{ accept, land int }{{50, 20}, {30, 0}, {1, 60}, {0, 0}, {40, 1}, {9, 48}} {
		w.accept(3, some(step.accept, "p", event.Stored)...)
		total += step.accept
		if step.land > 0 {
			w.land(3, w.mark[3]+int64(step.land))
		}
		switch i % 3 {
		case 0:
			w.round(first)
		case 1:
			w.round(w.auditor())
			w.round(second)
		case 2:
			w.round(second)
			w.round(first)
		}
		landed := w.mark[3] + 1
		w.expect(map[string]Sums{"p": {Accepted: int64(total), Stored: landed, InFlight: int64(total) - landed}})
	}
	w.round(first) // which has missed some of it
	w.land(3, int64(total-1))
	w.round(first)
	w.expect(map[string]Sums{"p": {Accepted: int64(total), Stored: int64(total)}})
	w.once(true)
}

// The proof can fail: one row that is deleted or doubled by hand is found, with the
// place.
func TestAuditor_findsARowDeletedOrDoubled(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		sql      string
		residual int64
	}{
		"deleted":             {"ALTER TABLE touchline.touchpoints DELETE WHERE src_offset = 70 SETTINGS mutations_sync = 2", 1},
		"deleted lightly":     {"DELETE FROM touchline.touchpoints WHERE src_offset = 70", 1},
		"doubled":             {"INSERT INTO touchline.touchpoints SELECT * FROM touchline.touchpoints WHERE src_offset = 70", -1},
		"rejection deleted":   {"DELETE FROM touchline.rejected WHERE src_offset = 64", 1},
		"rejection doubled":   {"INSERT INTO touchline.rejected SELECT * FROM touchline.rejected WHERE src_offset = 64", -1},
		"outcome deleted":     {"DELETE FROM touchline.outcomes WHERE outcome = 'duplicate'", 3},
		"outcome doubled":     {"INSERT INTO touchline.outcomes SELECT * FROM touchline.outcomes WHERE outcome = 'duplicate'", -3},
		"row in another hour": {"ALTER TABLE touchline.touchpoints UPDATE received_at = received_at + INTERVAL 1 HOUR WHERE src_offset = 70 SETTINGS mutations_sync = 2", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w.again(t)
			w.accept(1, some(60, "other", event.Stored)...)
			w.accept(1, some(3, "p", event.Stored)...)
			w.accept(1, some(3, "p", event.Rejected)...)
			w.accept(1, some(3, "p", event.Duplicate)...)
			w.accept(1, some(51, "p", event.Stored)...)
			w.land(1, 59)
			w.land(1, 119)
			w.once(true)
			w.exec(c.sql)
			r := w.once(false)
			if len(r.Open) == 0 || len(r.Projects) != 2 || r.Projects[0].Residual != 0 {
				t.Fatalf("the report is %+v", r)
			}
			if l := r.Open[0]; l.Project != "p" || l.Partition != 1 || l.Topic != w.raw || l.Residual != c.residual || !l.Minute.Equal(base) || l.MinOffset != 60 || l.MaxOffset != 119 {
				t.Errorf("the open line is %+v", l)
			}
		})
	}
}

// A chunk that never arrived, or that was inserted twice under another token.
func TestAuditor_findsAChunkLostOrDoubled(t *testing.T) {
	w := newWorld(t)
	a := w.auditor()
	w.accept(0, some(90, "p", event.Stored)...)
	w.land(0, 29)
	w.round(a)
	w.mark[0] = 59
	w.commit(0) // the offset moves without the rows
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 90, Stored: 30, InFlight: 30, Residual: 30}})
	if r := w.once(false); r.Projects[0].Residual != 30 {
		t.Errorf("the report is %+v", r)
	}
	w.land(0, 89)
	w.mark[0] = 59
	w.insert(0, 89)
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 90, Stored: 90}})
	if r := w.once(false); len(r.Open) != 2 || r.Open[0].Residual != 30 || r.Open[1].Residual != -30 {
		t.Errorf("the report is %+v", r)
	}
}

func TestAuditor_aRecreatedTopicIsAnotherOne(t *testing.T) {
	w := newWorld(t)
	a := w.auditor()
	w.accept(0, some(50, "p", event.Stored)...)
	w.land(0, 39)
	w.round(a)
	old := w.raw
	w.recreate()
	w.begin()
	w.accept(0, some(45, "p", event.Stored)...)
	// The commit still belongs to the topic that is gone.
	recreated := w.raw
	w.raw, w.mark[0] = old, 39
	w.commit(0)
	w.raw, w.mark[0] = recreated, -1
	if _, err := a.Round(t.Context()); !errors.Is(err, checkpoint.ErrTopicRecreated) {
		t.Fatalf("counting a recreated topic: %v", err)
	}
	w.expect(map[string]Sums{"p": {Accepted: 50, Stored: 40, InFlight: 10}})
	// After a reset the landing first brings in what the dense log has of the old
	// one; the others of the ten nobody will ever see again.
	fate := w.fate
	w.raw, w.mark[0] = old, 39
	w.fate = map[int][]accepted{0: append(slices.Repeat([]accepted{{}}, 40), some(6, "p", event.Duplicate)...)}
	w.insert(0, 45)
	w.mark[0] = 45
	w.turn(0, recreated)
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 95, Stored: 40, InFlight: 55}})
	w.raw, w.mark[0], w.fate = recreated, -1, fate
	w.land(0, 44)
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 95, Stored: 85, Duplicate: 6, LostRetention: 4}})
	w.once(true)
	// ClickHouse with rows of another log is not this one's.
	w.exec("INSERT INTO touchline.topics (name, topic_id, first_seen) VALUES (?, 'another', now64(3))", topics.Enriched)
	if _, err := w.auditor().Round(t.Context()); !errors.Is(err, checkpoint.ErrTopicRecreated) {
		t.Fatalf("counting another installation: %v", err)
	}
}

// Records that expired unread are lost; the auditor knows whose they were.
func TestAuditor_lostToRetention(t *testing.T) {
	w := newWorld(t)
	a := w.auditor()
	w.accept(0, some(20, "p", event.Stored)...)
	w.accept(0, some(30, "p", event.LostRetention)...)
	w.accept(0, some(30, "q", event.LostRetention)...)
	w.accept(0, some(20, "q", event.Stored)...)
	w.land(0, 9)
	w.round(a)
	w.expire(0, 80)
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 50, Stored: 10, InFlight: 40}, "q": {Accepted: 50, InFlight: 50}})
	w.land(0, 89)
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 50, Stored: 20, LostRetention: 30}, "q": {Accepted: 50, Stored: 10, LostRetention: 30, InFlight: 10}})
	w.land(0, 99)
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 50, Stored: 20, LostRetention: 30}, "q": {Accepted: 50, Stored: 20, LostRetention: 30}})
	w.once(true)
}

// What expires before it is counted is visible as uncounted, whatever became of it.
func TestAuditor_expiredBeforeItWasCounted(t *testing.T) {
	w := newWorld(t)
	first := w.auditor()
	w.accept(0, some(20, "p", event.Stored)...)
	w.land(0, 9)
	w.round(first)
	w.accept(0, some(30, "p", event.LostRetention)...)
	w.accept(0, some(50, "q", event.Stored)...)
	w.expire(0, 50)
	a := w.auditor() // the first one is gone
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 10, Stored: 10}, "": {Accepted: 40, InFlight: 40}})
	w.expire(0, 60)
	w.round(a)
	w.expect(map[string]Sums{"p": {Accepted: 10, Stored: 10}, "": {Accepted: 50, InFlight: 50}})
	w.land(0, 69)
	w.round(w.auditor()) // and the second one, too
	w.expect(map[string]Sums{
		"p": {Accepted: 20, Stored: 20, Uncounted: 10}, "": {Accepted: 30, LostRetention: 30, Uncounted: 30}, "q": {Accepted: 50, Stored: 20, Uncounted: 20, InFlight: 30},
	})
	w.land(0, 99)
	w.round(a)
	w.expect(map[string]Sums{
		"p": {Accepted: 20, Stored: 20, Uncounted: 10}, "": {Accepted: 30, LostRetention: 30, Uncounted: 30}, "q": {Accepted: 50, Stored: 50, Uncounted: 20},
	})
	w.once(true)

	// A record that has no outcome does not hide behind the gap.
	w.accept(0, some(30, "p", event.Stored)...)
	w.expire(0, 110)
	w.mark[0] = 104
	w.commit(0)
	w.land(0, 129)
	b := w.auditor()
	w.round(b)
	if r := w.once(false); r.Projects[0].Residual != 5 || r.Projects[0].Project != "" {
		t.Errorf("the report is %+v", r)
	}
}

// A group that goes back to an old commit does not take the ledger with it.
func TestAuditor_keepsTheHighestMark(t *testing.T) {
	w := newWorld(t)
	a := w.auditor()
	w.accept(0, some(50, "p", event.Stored)...)
	w.land(0, 19)
	w.land(0, 39)
	w.round(a)
	w.mark[0] = 19
	w.commit(0)
	w.round(a)
	w.round(w.auditor())
	w.expect(map[string]Sums{"p": {Accepted: 50, Stored: 40, InFlight: 10}})
}

func TestAuditor_saysWhyItCannotWork(t *testing.T) {
	w := newWorld(t)
	w.accept(0, some(10, "p", event.Stored)...)
	w.land(0, 9)
	w.mark[0] = 10
	w.commit(0)
	if _, err := w.auditor().Round(t.Context()); !errors.Is(err, checkpoint.ErrTruncated) {
		t.Errorf("a mark behind the end: %v", err)
	}
}

// A long log takes several rounds; nothing is shown before everything that has
// landed is counted, and an auditor that ends in between begins anew.
func TestAuditor_catchesUpInSeveralRounds(t *testing.T) {
	w := newWorld(t)
	const n = roundRecords + 10_000
	w.accept(0, some(n, "p", event.Stored)...)
	w.land(0, n-11)
	first := w.auditor()
	places, err := first.Round(t.Context())
	if err != nil || !behind(places) || places[0].Next != roundRecords || places[0].Mark != -1 {
		t.Fatalf("the first round came to %+v, %v", places, err)
	}
	w.expect(map[string]Sums{})
	want := map[string]Sums{"p": {Accepted: n, Stored: n - 10, InFlight: 10}}
	w.round(w.auditor())
	w.expect(want)
	w.round(first)
	w.expect(want)
	w.land(0, n-1)
	w.once(true)
	w.expect(map[string]Sums{"p": {Accepted: n, Stored: n}})
	var cells uint64
	if err := w.conn.QueryRow(t.Context(), "SELECT uniqExact(cell) FROM touchline.ledger_accepted").Scan(&cells); err != nil || cells != n/cellSize+1 {
		t.Errorf("%d cells (%v), want %d", cells, err, n/cellSize+1)
	}
}
