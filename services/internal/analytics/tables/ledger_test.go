package tables

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/analytics/oracle"
)

// ledgerLine is a row of analytics.ledger: accepted, stored, duplicate, rejected,
// dropped, lost_retention, in_flight, residual, uncounted.
type ledgerLine [9]int64

//nolint:unused // called by add, through its constraint
func (a ledgerLine) merge(b ledgerLine) ledgerLine {
	for i := range a {
		a[i] += b[i]
	}
	return a
}

// outcomeColumn is the column of a ledgerLine that an outcome is counted in.
var outcomeColumn = map[string]int{"stored": 1, "duplicate": 2, "rejected": 3, "dropped": 4, "lost_retention": 5}

// rawRecord is a record of a raw log and what becomes of it.
type rawRecord struct {
	project, outcome, reason string
	minute                   time.Time
}

// rawLog is a partition of a raw log with its chunks and an auditor.
type rawLog struct {
	topic     string
	partition uint16
	records   []rawRecord
	// cuts are the last offsets of the chunks in ClickHouse, of which those up to
	// mark are committed; the auditor has counted up to counted.
	cuts          []int64
	mark, counted int64
	// missing is the number of a chunk that did not arrive, or -1.
	missing int
}

func newRawLog(r *rand.Rand, topic string, partition uint16) rawLog {
	l := rawLog{topic: topic, partition: partition, mark: -1, missing: -1}
	start := time.Date(2026, 3, 29, 0, 58, 0, 0, time.UTC)
	for range 60 + r.IntN(60) {
		rec := rawRecord{project: []string{"p", "q", ""}[r.IntN(3)], minute: start.Add(time.Duration(r.IntN(4)) * time.Minute)}
		switch n := r.IntN(10); {
		case n < 6:
			rec.outcome = "stored"
			if rec.project == "" {
				rec.project = "p"
			}
		case n < 8:
			rec.outcome, rec.reason = "duplicate", []string{"same_message", "same_receipt"}[r.IntN(2)]
		case n < 9:
			rec.outcome, rec.reason = "rejected", "malformed_json"
		default:
			rec.outcome = "dropped"
		}
		l.records = append(l.records, rec)
	}
	for cut := int64(-1); cut < int64(len(l.records))-20; {
		cut += 1 + r.Int64N(15)
		l.cuts = append(l.cuts, cut)
	}
	// The last chunks may be in ClickHouse with their offset not yet committed.
	if last := len(l.cuts) - 1 - r.IntN(3); last >= 0 {
		l.mark = l.cuts[last]
	}
	l.counted = l.mark + r.Int64N(int64(len(l.records))-l.mark)
	if r.IntN(4) == 0 {
		l.missing = r.IntN(len(l.cuts))
	}
	return l
}

// chunk returns the offsets of a chunk: those behind before, up to cut.
func (l rawLog) chunk(i int) (before, cut int64) {
	before = -1
	if i > 0 {
		before = l.cuts[i-1]
	}
	return before, l.cuts[i]
}

// expect adds what the ledger has to show of the log.
func (l rawLog) expect(ledger map[string]ledgerLine, reasons map[string]reasonCount) {
	gone := func(offset int64) bool {
		if l.missing < 0 {
			return false
		}
		before, cut := l.chunk(l.missing)
		return before < offset && offset <= cut
	}
	for offset, rec := range l.records {
		if int64(offset) > l.counted {
			break
		}
		line := ledgerLine{1}
		switch {
		case int64(offset) > l.mark:
			line[6] = 1
		case gone(int64(offset)):
			line[7] = 1
		default:
			line[outcomeColumn[rec.outcome]] = 1
			add(reasons, fmt.Sprint(rec.project, rec.minute.Unix(), rec.outcome, rec.reason), reasonCount(1))
		}
		add(ledger, fmt.Sprint(rec.project, rec.minute.Unix()), line)
	}
}

type reasonCount int64

//nolint:unused // called by add, through its constraint
func (a reasonCount) merge(b reasonCount) reasonCount { return a + b }

// insertChunks inserts the chunks that arrived, each as the landing does.
func (l rawLog) insertChunks(t *testing.T, conn driver.Conn) {
	t.Helper()
	for i := range l.cuts {
		if i == l.missing {
			continue
		}
		before, cut := l.chunk(i)
		type group struct {
			rawRecord
			offsets []int64
		}
		groups := map[rawRecord]*group{}
		var stored []int64
		for offset := before + 1; offset <= cut && offset < int64(len(l.records)); offset++ {
			rec := l.records[offset]
			if groups[rec] == nil {
				groups[rec] = &group{rawRecord: rec}
			}
			groups[rec].offsets = append(groups[rec].offsets, offset)
			if rec.outcome == "stored" {
				stored = append(stored, offset)
			}
		}
		if len(stored) > 0 {
			oracle.Insert(t, conn, "touchline.touchpoints (project, event, event_time, received_at, src_topic, src_partition, src_offset)", stored,
				func(batch driver.Batch, offset int64) error {
					rec := l.records[offset]
					return batch.Append(rec.project, "e", rec.minute, rec.minute.Add(59*time.Second), l.topic, l.partition, uint64(offset))
				})
		}
		var rows []*group
		for _, g := range groups {
			rows = append(rows, g)
		}
		oracle.Insert(t, conn, "touchline.outcomes (src_topic, src_partition, project, minute, outcome, reason, events, min_offset, max_offset, mark, cut)", rows,
			func(batch driver.Batch, g *group) error {
				n := len(g.offsets)
				return batch.Append(l.topic, l.partition, g.project, g.minute, g.outcome, g.reason, uint64(n), uint64(g.offsets[0]), uint64(g.offsets[n-1]), before, cut)
			})
	}
}

// insertCounts inserts what an auditor writes in two rounds: one up to an earlier
// mark, and one up to the last.
func (l rawLog) insertCounts(t *testing.T, conn driver.Conn, r *rand.Rand) {
	t.Helper()
	earlier := int64(-1)
	for _, cut := range l.cuts {
		if cut < l.mark && r.IntN(2) == 0 {
			earlier = cut
		}
	}
	for _, round := range [][2]int64{{earlier, l.counted}, {l.mark, l.counted}} {
		mark, counted := round[0], round[1]
		type place struct {
			cell    uint64
			project string
			minute  time.Time
		}
		events, flying := map[place]uint64{}, map[place]uint64{}
		var places []place
		for offset := int64(0); offset <= counted; offset++ {
			rec := l.records[offset]
			p := place{uint64(offset) / 32, rec.project, rec.minute}
			if events[p] == 0 {
				places = append(places, p)
			}
			events[p]++
			if offset > mark {
				flying[p]++
			}
		}
		if len(places) == 0 {
			continue
		}
		oracle.Insert(t, conn, "touchline.ledger_accepted (src_topic, src_partition, cell, project, minute, events, in_flight, lost, uncounted, mark, counted_to)", places,
			func(batch driver.Batch, p place) error {
				return batch.Append(l.topic, l.partition, p.cell, p.project, p.minute, events[p], flying[p], int64(0), uint64(0), mark, uint64(counted+1))
			})
	}
}

// The ledger of random logs is what counting them says: whatever the ends of chunks
// are, whatever landed without being committed, and also where a chunk is missing.
func TestLedgerEqualsReference(t *testing.T) {
	w := oracle.New(t)
	r := oracle.Seed(t)
	ledger, reasons := map[string]ledgerLine{}, map[string]reasonCount{}
	for p := range uint16(24) {
		l := newRawLog(r, fmt.Sprintf("topic-%d", p%3), p)
		l.insertChunks(t, w.Writer)
		l.insertCounts(t, w.Writer, r)
		if l.counted >= 0 {
			l.expect(ledger, reasons)
		}
	}
	bi := w.BI
	check := func(when string) {
		t.Helper()
		have, found := map[string]ledgerLine{}, map[string]reasonCount{}
		err := scan(t, bi, `SELECT project, toInt64(toUnixTimestamp(minute)), accepted, stored, duplicate, rejected, dropped, lost_retention, in_flight, residual, uncounted
			FROM analytics.ledger`, func(scan func(...any) error) error {
			var project string
			var minute int64
			var l ledgerLine
			err := scan(&project, &minute, &l[0], &l[1], &l[2], &l[3], &l[4], &l[5], &l[6], &l[7], &l[8])
			have[fmt.Sprint(project, minute)] = l
			return err
		})
		t.Log(when)
		compareMaps(t, have, ledger, err)
		err = scan(t, bi, "SELECT project, toInt64(toUnixTimestamp(minute)), outcome, reason, events FROM analytics.ledger_reasons", func(scan func(...any) error) error {
			var project, outcome, reason string
			var minute, events int64
			err := scan(&project, &minute, &outcome, &reason, &events)
			found[fmt.Sprint(project, minute, outcome, reason)] = reasonCount(events)
			return err
		})
		compareMaps(t, found, reasons, err)
	}
	check("as inserted")
	for _, table := range []string{"landed", "ledger_accepted", "outcomes"} {
		if err := w.Writer.Exec(t.Context(), "OPTIMIZE TABLE touchline."+table+" FINAL"); err != nil {
			t.Fatal(err)
		}
	}
	check("merged")
}

// Long after it has landed, a minute is one row again; the sums stay.
func TestLedgerTablesRollUp(t *testing.T) {
	w := oracle.New(t)
	const chunks = 20
	minute := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, landedAt := range []time.Time{time.Now().Add(-50 * time.Hour), time.Now()} {
		numbers := make([]int64, chunks)
		for i := range numbers {
			numbers[i] = int64(i) * 100
		}
		oracle.Insert(t, w.Writer, "touchline.outcomes (src_topic, src_partition, project, minute, outcome, reason, events, min_offset, max_offset, mark, cut, landed_at)", numbers,
			func(batch driver.Batch, n int64) error {
				return batch.Append("t", uint16(1), "p", minute, "stored", "", uint64(7), uint64(n), uint64(n+99), n-1, n+99, landedAt)
			})
		oracle.Insert(t, w.Writer, "touchline.landed (src_topic, src_partition, project, minute, chunk, min_offset, max_offset, events, landed_at)", numbers,
			func(batch driver.Batch, n int64) error {
				return batch.Append("t", uint16(1), "p", minute, uint64(n+99), uint64(n), uint64(n+99), uint64(7), landedAt)
			})
		minute = minute.Add(time.Minute)
	}
	for table, want := range map[string]string{
		"outcomes": "12:00 1 140 0 1999 -1 1999, 12:01 20 140 0 1999 -1 1999",
		"landed":   "12:00 1 140 0 1999 0 1999, 12:01 20 140 0 1999 0 1999",
	} {
		if err := w.Writer.Exec(t.Context(), "OPTIMIZE TABLE touchline."+table+" FINAL"); err != nil {
			t.Fatal(err)
		}
		mark, cut := "mark", "cut"
		if table == "landed" {
			mark, cut = "min_offset", "chunk"
		}
		var lines []string
		err := scan(t, w.Writer, "SELECT formatDateTime(minute, '%H:%i', 'UTC'), count(), sum(l.events), min(min_offset), max(max_offset), toInt64(min("+mark+")), toInt64(max("+cut+")) FROM touchline."+table+
			" AS l GROUP BY minute ORDER BY minute", func(scan func(...any) error) error {
			var at string
			var rows, events, low, high uint64
			var mark, cut int64
			err := scan(&at, &rows, &events, &low, &high, &mark, &cut)
			lines = append(lines, fmt.Sprint(at, " ", rows, " ", events, " ", low, " ", high, " ", mark, " ", cut))
			return err
		})
		if have := strings.Join(lines, ", "); err != nil || have != want {
			t.Errorf("%s is %q, %v; want %q", table, have, err, want)
		}
	}
}
