package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/zap"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/telemetry"
)

// Deps is what an auditor needs besides its configuration.
type Deps struct {
	telemetry.Deps
	// Conn may read database touchline and insert into ledger_accepted.
	Conn driver.Conn
}

// Auditor counts the raw log in rounds. It is not safe for concurrent use; several
// auditors of one installation do each other no harm.
type Auditor struct {
	cfg     Config
	deps    Deps
	logs    *logs
	tables  tables
	metrics *metrics

	// topic is the id of the raw topic that the tallies are of, by partition.
	topic   string
	tallies map[int]*tally
	// buried is set when no earlier topic has anything in flight any more.
	buried bool
	// nextSum is when the ledger is added up again; unclosed says that it did not
	// close the last time.
	nextSum  time.Time
	unclosed bool
	raw      event.Raw
}

// New returns an auditor of an installation's raw topic; nothing is connected yet.
func New(cfg Config, k kafka.Config, deps Deps) *Auditor {
	return &Auditor{cfg: cfg, deps: deps, logs: newLogs(k), tables: tables{deps.Conn}, metrics: newMetrics(deps.Metrics)}
}

// Close drops the connections to the brokers.
func (a *Auditor) Close() { a.logs.close() }

// Place is how far an auditor and the landing have come in one partition.
type Place struct {
	// Mark is the highest raw offset that has landed, -1 for none.
	Mark int64
	// Next is the first raw offset that was not counted.
	Next int64
	// End is the first raw offset that there is not.
	End int64
	// more is set when the round has left records that it could have counted.
	more bool
}

// roundRecords is how many records of a partition a round counts at most, so that
// one long partition does not keep the others waiting: about a second.
const roundRecords = 200_000

// maxRuns bounds the memory for records in flight: 32 bytes for each run of
// consecutive records of one project and minute. A partition with so many is not
// counted any further until some have landed.
const maxRuns = 1 << 20

// Round counts what is new and writes it. It returns the places of the partitions
// that it could work on; an error says what stood in the way of the others.
func (a *Auditor) Round(ctx context.Context) (map[int]Place, error) {
	a.metrics.rounds.Inc()
	places, err := a.round(ctx)
	if err != nil {
		return places, err
	}
	var lag, flying int64
	for id, p := range places {
		lag += p.End - p.Next
		flying += a.tallies[id].inFlight()
	}
	a.metrics.lag.Set(float64(lag))
	a.metrics.inFlight.Set(float64(flying))
	return places, nil
}

func (a *Auditor) round(ctx context.Context) (map[int]Place, error) {
	raw, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	// Commits come before bounds: what has landed lies below the end.
	commits, err := a.logs.commits(ctx, raw.partitions)
	if err != nil {
		return nil, err
	}
	logs, err := a.logs.bounds(ctx, topics.Raw, raw.partitions)
	if err != nil {
		return nil, err
	}
	places := map[int]Place{}
	var rows []row
	var whole []*tally
	var problems error
	// Earlier topics are settled when the landing has left them in every partition.
	settled := len(commits) > 0
	for _, p := range raw.partitions {
		mark := int64(-1)
		if c, ok := commits[p]; ok {
			if id := c.Topics[topics.Raw]; id != raw.id {
				problems = errors.Join(problems, fmt.Errorf("%s has id %s, partition %d landed from %s: %w", topics.Raw, raw.id, p, id, checkpoint.ErrTopicRecreated))
				continue
			}
			if c.Source(topics.Raw) == raw.id {
				mark = c.Mark
			} else {
				settled = false
			}
		}
		more, err := a.advance(ctx, p, mark, logs[p])
		if err != nil {
			problems = errors.Join(problems, fmt.Errorf("count partition %d: %w", p, err))
			continue
		}
		t := a.tallies[p]
		if t.next > mark {
			// Everything up to the mark is counted; rows of less are no round.
			whole = append(whole, t)
			for _, r := range t.rows() {
				r.topic = raw.id
				rows = append(rows, r)
			}
		}
		places[p] = Place{Mark: t.mark, Next: t.next, End: logs[p].end, more: more}
	}
	bury := !a.buried && settled && problems == nil
	if bury {
		old, err := a.tables.bury(ctx, raw.id)
		if err != nil {
			return places, err
		}
		rows = append(rows, old...)
	}
	// The topic that was counted is the one that was described only if it still is.
	now, err := a.logs.topics(ctx, topics.Raw)
	if err == nil && now[topics.Raw].id != raw.id {
		err = fmt.Errorf("%s became %s: %w", raw.id, now[topics.Raw].id, checkpoint.ErrTopicRecreated)
	}
	if err != nil {
		a.topic = ""
		return nil, errors.Join(problems, err)
	}
	if len(rows) > 0 {
		if err := a.tables.write(ctx, rows); err != nil {
			return places, errors.Join(problems, err)
		}
	}
	for _, t := range whole {
		t.written()
	}
	a.buried = a.buried || bury
	return places, problems
}

// open finds the raw topic, and when it is not the one that was counted begins
// with that one.
func (a *Auditor) open(ctx context.Context) (topic, error) {
	found, err := a.logs.topics(ctx, topics.Raw, topics.Enriched)
	if err != nil {
		return topic{}, err
	}
	landed, err := a.tables.landedTopic(ctx, topics.Enriched)
	if err != nil {
		return topic{}, err
	}
	if id := found[topics.Enriched].id; landed != "" && landed != id {
		return topic{}, fmt.Errorf("%s had id %s when its rows landed and has %s: %w", topics.Enriched, landed, id, checkpoint.ErrTopicRecreated)
	}
	raw := found[topics.Raw]
	slices.Sort(raw.partitions)
	if raw.id == a.topic {
		return raw, nil
	}
	tallies := map[int]*tally{}
	for _, p := range raw.partitions {
		if tallies[p], err = a.tables.load(ctx, raw.id, p); err != nil {
			return topic{}, err
		}
	}
	a.topic, a.tallies, a.buried = raw.id, tallies, false
	return raw, nil
}

// advance counts what is new in a partition and, when that is everything up to the
// mark, moves its own mark there. more says that there is more to count at once.
func (a *Auditor) advance(ctx context.Context, partition int, mark int64, log bounds) (more bool, err error) {
	t := a.tallies[partition]
	// A late copy of an old commit could have turned the mark back.
	mark = max(mark, t.mark)
	if mark >= log.end || t.next > log.end {
		return false, fmt.Errorf("the mark is %d, counted up to %d, the log ends at %d: %w", mark, t.next-1, log.end, checkpoint.ErrTruncated)
	}
	if t.gap || log.start > t.next {
		return a.bridge(ctx, partition, mark, log)
	}
	to := log.end
	if len(t.flying) >= maxRuns {
		to = max(t.next, mark+1)
	}
	end := min(to, t.next+roundRecords)
	before := t.next
	err = a.logs.scan(ctx, topics.Raw, partition, t.next, end, func(r *record) error {
		a.count(t, r, mark)
		return nil
	})
	a.metrics.records.Add(float64(t.next - before))
	if err != nil {
		// What was read is counted; the next round goes on behind it.
		return false, err
	}
	if t.next > mark {
		var lost []span
		if log.start > t.mark+1 {
			if lost, err = a.tables.lost(ctx, a.topic, partition, t.mark, mark); err != nil {
				return false, err
			}
		}
		t.settle(mark, lost)
	}
	return t.next < to, nil
}

// count counts one record. One that cannot be decoded has no project and no minute:
// the enricher rejects it as such.
func (a *Auditor) count(t *tally, r *record, landed int64) {
	project, minute := "", uint32(0)
	if a.raw.Decode(r.value) == nil {
		project, minute = a.raw.Project, schema.Minute(a.raw.ReceivedAt)
	}
	t.add(r.offset, project, minute, landed)
}

// bridge works on a partition of which records expired before they were counted.
// When all of them have landed, their outcomes are taken over; until then nothing
// behind them is counted.
func (a *Auditor) bridge(ctx context.Context, partition int, mark int64, log bounds) (more bool, err error) {
	// Only the table knows which of the counted ones had landed, and another
	// auditor may have gone on.
	t, err := a.tables.load(ctx, a.topic, partition)
	if err != nil {
		return false, err
	}
	known := a.tallies[partition].gap
	a.tallies[partition] = t
	if log.start <= t.next {
		return true, nil
	}
	if !known {
		a.deps.Log.Warn("raw records expired before they were counted", zap.Int("partition", partition), zap.Int64("from", t.next), zap.Int64("to", log.start-1))
	}
	t.expire(log.start)
	mark = max(mark, t.mark)
	if mark < log.start-1 {
		return false, nil
	}
	fills, err := a.tables.fills(ctx, a.topic, partition, t.mark, mark)
	if err != nil {
		return false, err
	}
	return true, t.resolve(mark, fills)
}

// behind reports whether a round has left something that it could have counted.
func behind(places map[int]Place) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(places)), func(p Place) bool { return p.more })
}

// maxWait is the longest time between two rounds while they fail.
const maxWait = time.Minute

// Run works until ctx ends. Errors of brokers and ClickHouse are waited out; the
// health check "ledger" tells them.
func (a *Auditor) Run(ctx context.Context) error {
	defer a.Close()
	for wait := time.Duration(0); ; {
		places, err := a.Round(ctx)
		if err == nil {
			err = a.sum(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			a.metrics.failures.Inc()
			a.deps.Log.Warn("round failed, is repeated", zap.Error(err))
			a.deps.Health.Set("ledger", false, err.Error())
			wait = min(max(2*wait, a.cfg.Every), max(maxWait, a.cfg.Every))
		case behind(places):
			a.deps.Health.Set("ledger", true, "")
			wait = 0
		default:
			a.deps.Health.Set("ledger", true, "")
			wait = a.cfg.Every
		}
		if pause(ctx, wait) != nil {
			return nil
		}
	}
}

// minSum is the shortest time between two sums of the ledger.
const minSum = 15 * time.Second

// sum adds up the ledger for the metrics, when it is time. One open sum may be the
// reading of a chunk that was just landing; two are not.
func (a *Auditor) sum(ctx context.Context) error {
	began := time.Now()
	if began.Before(a.nextSum) {
		return nil
	}
	sum, err := a.tables.totals(ctx)
	if err != nil {
		return err
	}
	// Adding up takes at most a hundredth of the time.
	a.nextSum = time.Now().Add(max(minSum, 100*time.Since(began)))
	a.metrics.residual.Set(float64(sum.residual))
	a.metrics.lines.Set(float64(sum.lines))
	a.metrics.unproven.Set(float64(sum.uncounted))
	if sum.residual != 0 && a.unclosed {
		a.deps.Log.Error("the ledger does not close; touchline audit --once says where", zap.Int64("residual", sum.residual), zap.Int64("minutes", sum.lines))
	}
	a.unclosed = sum.residual != 0
	return nil
}
