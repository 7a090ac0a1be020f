package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Sums are the columns of the ledger.
type Sums struct {
	Accepted      int64 `json:"accepted"`
	Stored        int64 `json:"stored"`
	Duplicate     int64 `json:"duplicate"`
	Rejected      int64 `json:"rejected"`
	Dropped       int64 `json:"dropped"`
	LostRetention int64 `json:"lost_retention"`
	InFlight      int64 `json:"in_flight"`
	// Residual is Accepted less all of the above.
	Residual int64 `json:"residual"`
	// Uncounted is the part of Accepted that was taken from the outcomes.
	Uncounted int64 `json:"uncounted"`
}

func (s *Sums) add(o Sums) {
	s.Accepted += o.Accepted
	s.Stored += o.Stored
	s.Duplicate += o.Duplicate
	s.Rejected += o.Rejected
	s.Dropped += o.Dropped
	s.LostRetention += o.LostRetention
	s.InFlight += o.InFlight
	s.Residual += o.Residual
	s.Uncounted += o.Uncounted
}

// Total is what a project has in all minutes asked for.
type Total struct {
	// Project is empty for records that do not tell theirs.
	Project string `json:"project"`
	Sums
	// Open is how many minutes of partitions have a residual.
	Open int64 `json:"open"`
}

// Line is a minute of a project in a partition that has a residual.
type Line struct {
	// Topic is the id of the raw topic.
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Project   string    `json:"project"`
	Minute    time.Time `json:"minute"`
	Sums
	// MinOffset and MaxOffset are raw offsets between which the events lie; both
	// are -1 where no chunk has any of them.
	MinOffset int64 `json:"min_offset"`
	MaxOffset int64 `json:"max_offset"`
}

// Report is the answer of Once.
type Report struct {
	// Closed says that every event accepted before the call has one outcome.
	Closed bool `json:"closed"`
	// Pending is how many of them had not landed in the time given.
	Pending int64 `json:"pending"`
	// Projects are in the order of their names.
	Projects []Total `json:"projects"`
	// Open are the first maxOpen minutes with a residual, ordered by time.
	Open []Line `json:"open"`
}

// maxOpen is how many lines a report names.
const maxOpen = 100

// settlePause is the time between two rounds that wait for the landing, and
// between two sums of which both must show a residual.
const settlePause = 250 * time.Millisecond

// Once counts to the end of the log, waits until what was there at the beginning
// has landed, for at most wait, and compares. It counts rows in touchpoints and
// rejected themselves, not in what their views have made of them. since leaves out
// earlier minutes; the zero time leaves out none.
func (a *Auditor) Once(ctx context.Context, wait time.Duration, since time.Time) (Report, error) {
	var r Report
	deadline := time.Now().Add(wait)
	var ends map[int]int64
	for {
		places, err := a.Round(ctx)
		if err != nil && (ctx.Err() != nil || time.Now().After(deadline)) {
			return r, err
		}
		if err == nil {
			if ends == nil {
				ends = map[int]int64{}
				for id, p := range places {
					ends[id] = p.End
				}
			}
			if r.Pending = pending(places, ends); r.Pending == 0 || time.Now().After(deadline) && !behind(places) {
				break
			}
			if behind(places) {
				continue
			}
		}
		if err := pause(ctx, settlePause); err != nil {
			return r, err
		}
	}
	// A chunk that lands between the reading of two tables looks like a residual;
	// a second look tells.
	for range 2 {
		if err := a.tables.compare(ctx, since, &r); err != nil {
			return r, err
		}
		if len(r.Open) == 0 {
			break
		}
		if err := pause(ctx, settlePause); err != nil {
			return r, err
		}
	}
	r.Closed = len(r.Open) == 0 && r.Pending == 0
	return r, nil
}

// pending returns how many records below the ends have not landed.
func pending(places map[int]Place, ends map[int]int64) (n int64) {
	for id, end := range ends {
		n += max(0, end-1-places[id].Mark)
	}
	return n
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// compareLines gives the lines of the ledger with rows counted in the tables
// themselves. Rows of rejected expire 30 days after their receipt; a day earlier
// the outcomes speak for them. Minutes are computed as landed_mv does.
const compareLines = `
	SELECT src_topic, src_partition, project, minute,
		sum(a) AS accepted, sum(s) AS stored, sum(u) AS duplicate, sum(r) AS rejected, sum(d) AS dropped, sum(l) AS lost_retention, sum(f) AS in_flight,
		accepted - stored - duplicate - rejected - dropped - lost_retention - in_flight AS residual, sum(n) AS uncounted
	FROM (
		SELECT src_topic, src_partition, project, minute, accepted AS a, toInt64(0) AS s, duplicate AS u,
			if(minute < now('UTC') - INTERVAL 29 DAY, rejected, 0) AS r, dropped AS d, lost_retention AS l, in_flight AS f, uncounted AS n
		FROM touchline.ledger
		UNION ALL
		SELECT src_topic, src_partition, project, toDateTime(toUInt32(greatest(0, least(4294967280, intDiv(toUnixTimestamp64Milli(received_at), 60000) * 60))), 'UTC') AS minute,
			0, toInt64(count()), 0, 0, 0, 0, 0, 0
		FROM touchline.touchpoints INNER JOIN touchline.ledger_marks USING (src_topic, src_partition)
		WHERE src_offset <= mark
		GROUP BY src_topic, src_partition, project, minute
		UNION ALL
		SELECT src_topic, src_partition, project,
			toDateTime(if(reason = 'unreadable_record', 0, toUInt32(greatest(0, least(4294967280, intDiv(toUnixTimestamp64Milli(received_at), 60000) * 60)))), 'UTC') AS minute,
			0, 0, 0, toInt64(countIf(minute >= now('UTC') - INTERVAL 29 DAY)), 0, 0, 0, 0
		FROM touchline.rejected INNER JOIN touchline.ledger_marks USING (src_topic, src_partition)
		WHERE src_offset <= mark
		GROUP BY src_topic, src_partition, project, minute
	)
	GROUP BY src_topic, src_partition, project, minute
	HAVING minute >= toDateTime(?, 'UTC')`

// compare fills the projects and open lines of a report.
func (t tables) compare(ctx context.Context, since time.Time, r *Report) error {
	from := uint32(0)
	if !since.IsZero() {
		from = uint32(max(0, since.Unix()/60*60))
	}
	r.Projects, r.Open = []Total{}, []Line{}
	err := t.query(ctx, func(rows driver.Rows) error {
		var p Total
		var open uint64
		var lines [][]any
		if err := rows.Scan(&p.Project, &p.Accepted, &p.Stored, &p.Duplicate, &p.Rejected, &p.Dropped, &p.LostRetention, &p.InFlight, &p.Residual, &p.Uncounted, &open, &lines); err != nil {
			return err
		}
		p.Open = int64(open)
		r.Projects = append(r.Projects, p)
		for _, l := range lines {
			line, err := lineOf(p.Project, l)
			if err != nil {
				return err
			}
			r.Open = append(r.Open, line)
		}
		return nil
	}, `SELECT project, sum(accepted), sum(stored), sum(duplicate), sum(rejected), sum(dropped), sum(lost_retention), sum(in_flight), sum(residual), sum(uncounted),
			countIf(residual != 0),
			groupArrayIf(100)((minute, toString(src_topic), src_partition, accepted, stored, duplicate, rejected, dropped, lost_retention, in_flight, residual, uncounted), residual != 0)
		FROM (`+compareLines+`) GROUP BY project ORDER BY project`, from)
	if err != nil {
		return fmt.Errorf("compare ledger: %w", err)
	}
	slices.SortStableFunc(r.Open, func(a, b Line) int { return a.Minute.Compare(b.Minute) })
	r.Open = r.Open[:min(len(r.Open), maxOpen)]
	for i := range r.Open {
		if err := t.locate(ctx, &r.Open[i]); err != nil {
			return err
		}
	}
	return nil
}

// lineOf reads a tuple of compare.
func lineOf(project string, fields []any) (Line, error) {
	bad := errors.New("compare ledger: the answer has another form")
	if len(fields) != 12 {
		return Line{}, bad
	}
	l := Line{Project: project}
	var partition uint16
	ok := [3]bool{}
	l.Minute, ok[0] = fields[0].(time.Time)
	l.Topic, ok[1] = fields[1].(string)
	partition, ok[2] = fields[2].(uint16)
	l.Partition = int(partition)
	if ok != [3]bool{true, true, true} {
		return l, bad
	}
	for i, to := range []*int64{&l.Accepted, &l.Stored, &l.Duplicate, &l.Rejected, &l.Dropped, &l.LostRetention, &l.InFlight, &l.Residual, &l.Uncounted} {
		n, ok := fields[3+i].(int64)
		if !ok {
			return l, bad
		}
		*to = n
	}
	return l, nil
}

// locate asks the outcomes between which offsets the events of a line lie.
func (t tables) locate(ctx context.Context, l *Line) error {
	var n uint64
	err := t.conn.QueryRow(ctx, `SELECT count(), toInt64(min(min_offset)), toInt64(max(max_offset)) FROM touchline.outcomes
		WHERE src_topic = ? AND src_partition = ? AND project = ? AND minute = toDateTime(?, 'UTC')`,
		l.Topic, uint16(l.Partition), l.Project, uint32(l.Minute.Unix())).Scan(&n, &l.MinOffset, &l.MaxOffset)
	if err != nil {
		return fmt.Errorf("locate a difference: %w", err)
	}
	if n == 0 {
		l.MinOffset, l.MaxOffset = -1, -1
	}
	return nil
}
