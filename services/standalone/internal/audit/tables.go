package audit

import (
	"context"
	"errors"
	"fmt"

	clickhousego "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/schemas/event"
)

// tables are the tables of database touchline that the ledger is made of.
type tables struct{ conn driver.Conn }

// query runs a query and hands each row to scan.
func (t tables) query(ctx context.Context, scan func(rows driver.Rows) error, sql string, args ...any) (err error) {
	rows, err := t.conn.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// landedTopic returns the id of the topic of that name whose rows are in
// ClickHouse; empty when there are none.
func (t tables) landedTopic(ctx context.Context, name string) (id string, err error) {
	err = t.conn.QueryRow(ctx, "SELECT argMax(topic_id, seen) FROM (SELECT topic_id, min(first_seen) AS seen FROM touchline.topics WHERE name = ? GROUP BY topic_id)", name).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("ask which topic %s has landed: %w", name, err)
	}
	return id, nil
}

// load returns where the rows of a partition end, as a tally that goes on there.
func (t tables) load(ctx context.Context, topic string, partition int) (*tally, error) {
	for {
		var written uint64
		mark := int64(-1)
		err := t.conn.QueryRow(ctx, "SELECT count(), max(mark) FROM touchline.ledger_accepted WHERE src_topic = ? AND src_partition = ?", topic, uint16(partition)).Scan(&written, &mark)
		if err != nil {
			return nil, fmt.Errorf("read ledger of partition %d: %w", partition, err)
		}
		if written == 0 {
			mark = -1
		}
		var found []row
		again := false
		err = t.query(ctx, func(rows driver.Rows) error {
			r, err := scanRow(rows)
			found = append(found, r)
			// Somebody else has written in between.
			again = again || r.mark > mark
			return err
		}, selectRows+" WHERE src_topic = ? AND src_partition = ? AND cell >= ?", topic, uint16(partition), cellOf(mark+1))
		if err != nil {
			return nil, fmt.Errorf("read ledger of partition %d: %w", partition, err)
		}
		if !again {
			return newTally(partition, mark, written > 0, found), nil
		}
	}
}

const selectRows = "SELECT src_topic, src_partition, cell, project, toUnixTimestamp(minute), events, in_flight, lost, uncounted, mark, toInt64(counted_to) FROM touchline.ledger_accepted FINAL"

func scanRow(rows driver.Rows) (r row, err error) {
	var partition uint16
	err = rows.Scan(&r.topic, &partition, &r.cell, &r.project, &r.minute, &r.events, &r.inFlight, &r.lost, &r.uncounted, &r.mark, &r.countedTo)
	r.partition = int(partition)
	return r, err
}

// buriedCell holds what bury adds; no offset lies in it.
const buriedCell = ^uint64(0)

// bury returns the rows that close the ledger of the topics before the current one,
// whose logs are gone. Of what was in flight there, what has landed since counts as
// such; the rest was lost with the log.
func (t tables) bury(ctx context.Context, current string) ([]row, error) {
	type minute struct {
		topic     string
		partition int
		project   string
		minute    uint32
	}
	var rows []row
	lost := map[minute]int64{}
	marks := map[minute]int64{} // of topic and partition
	err := t.query(ctx, func(found driver.Rows) error {
		r, err := scanRow(found)
		lost[minute{r.topic, r.partition, r.project, r.minute}] += int64(r.inFlight)
		place := minute{topic: r.topic, partition: r.partition}
		marks[place] = max(marks[place], r.mark)
		r.inFlight = 0
		rows = append(rows, r)
		return err
	}, selectRows+" WHERE src_topic != ? AND in_flight > 0", current)
	if err != nil {
		return nil, fmt.Errorf("read ledger of earlier topics: %w", err)
	}
	err = t.query(ctx, func(found driver.Rows) error {
		var m minute
		var partition uint16
		var events uint64
		var cut int64
		err := found.Scan(&m.topic, &partition, &m.project, &m.minute, &events, &cut)
		m.partition = int(partition)
		lost[m] -= int64(events)
		place := minute{topic: m.topic, partition: m.partition}
		marks[place] = max(marks[place], cut)
		return err
	}, `SELECT src_topic, src_partition, project, toUnixTimestamp(minute), sum(events), max(cut) FROM touchline.outcomes
		INNER JOIN touchline.ledger_marks AS m USING (src_topic, src_partition)
		WHERE src_topic != ? AND cut > m.mark GROUP BY src_topic, src_partition, project, minute`, current)
	if err != nil {
		return nil, fmt.Errorf("read outcomes of earlier topics: %w", err)
	}
	for m, n := range lost {
		r := row{topic: m.topic, partition: m.partition, key: key{buriedCell, m.project, m.minute}}
		if n < 0 {
			// More has landed than was counted: the outcomes speak for it.
			r.events, r.uncounted = uint64(-n), uint64(-n)
		} else {
			r.lost = n
		}
		rows = append(rows, r)
	}
	for i := range rows {
		rows[i].mark = marks[minute{topic: rows[i].topic, partition: rows[i].partition}]
	}
	return rows, nil
}

// write inserts rows as one part.
func (t tables) write(ctx context.Context, rows []row) (err error) {
	ctx = clickhousego.Context(ctx, clickhousego.WithSettings(clickhousego.Settings{"async_insert": 0}))
	batch, err := t.conn.PrepareBatch(ctx, "INSERT INTO touchline.ledger_accepted (src_topic, src_partition, cell, project, minute, events, in_flight, lost, uncounted, mark, counted_to)")
	if err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	defer func() { err = errors.Join(err, batch.Close()) }()
	for _, r := range rows {
		err := batch.Append(r.topic, uint16(r.partition), r.cell, r.project, int64(r.minute), r.events, r.inFlight, r.lost, r.uncounted, r.mark, uint64(r.countedTo))
		if err != nil {
			return fmt.Errorf("write ledger: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

// lost returns the ranges lost to retention in the chunks of (after, upTo].
func (t tables) lost(ctx context.Context, topic string, partition int, after, upTo int64) (found []span, err error) {
	err = t.query(ctx, func(rows driver.Rows) error {
		var s span
		err := rows.Scan(&s.lo, &s.hi, &s.minute)
		found = append(found, s)
		return err
	}, `SELECT toInt64(min_offset), toInt64(max_offset), toUnixTimestamp(minute) FROM touchline.outcomes
		WHERE src_topic = ? AND src_partition = ? AND outcome = ? AND cut > ? AND cut <= ?`, topic, uint16(partition), string(event.LostRetention), after, upTo)
	if err != nil {
		return nil, fmt.Errorf("read lost ranges of partition %d: %w", partition, err)
	}
	return found, nil
}

// fills returns what the outcomes of the chunks of (after, upTo] add to the counts,
// by project and minute. In a minute that was rolled up the chunks before cannot be
// told apart from these; what has been counted already is taken off.
func (t tables) fills(ctx context.Context, topic string, partition int, after, upTo int64) (found []fill, err error) {
	err = t.query(ctx, func(rows driver.Rows) error {
		var f fill
		err := rows.Scan(&f.project, &f.minute, &f.events)
		found = append(found, f)
		return err
	}, `SELECT project, toUnixTimestamp(minute), toUInt64(greatest(0, sum(had) - sum(counted))) FROM (
			SELECT project, minute, toInt64(events) AS had, toInt64(0) AS counted, cut > ? AS new FROM touchline.outcomes
			WHERE src_topic = ? AND src_partition = ? AND cut <= ?
			UNION ALL
			SELECT project, minute, toInt64(0), toInt64(events) - toInt64(in_flight), false FROM touchline.ledger_accepted FINAL
			WHERE src_topic = ? AND src_partition = ?
		) GROUP BY project, minute HAVING max(new)`, after, topic, uint16(partition), upTo, topic, uint16(partition))
	if err != nil {
		return nil, fmt.Errorf("read outcomes of partition %d: %w", partition, err)
	}
	return found, nil
}

// totals are sums over the ledger.
type totals struct {
	// lines is how many minutes of projects have a residual, residual the sum of
	// their absolute values.
	lines, residual, uncounted int64
}

// totals adds up the whole ledger.
func (t tables) totals(ctx context.Context) (sum totals, err error) {
	err = t.conn.QueryRow(ctx, `SELECT toInt64(countIf(residual != 0)), toInt64(sum(abs(residual))), sum(n) FROM (
		SELECT sum(accepted - stored - duplicate - rejected - dropped - lost_retention - in_flight) AS residual, sum(uncounted) AS n
		FROM touchline.ledger GROUP BY project, minute)`).
		Scan(&sum.lines, &sum.residual, &sum.uncounted)
	if err != nil {
		return sum, fmt.Errorf("add up ledger: %w", err)
	}
	return sum, nil
}
