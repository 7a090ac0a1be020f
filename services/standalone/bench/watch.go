package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/standalone/bench/internal/report"
)

// watch looks from the outside at what the services have written: at the logs
// and the tables, not at the services' own counters.
type watch struct {
	kafka kafka.Config
	deps  kafka.Deps
	admin *kadm.Client
	conn  driver.Conn
	// table has the rows: a name that the user of the connection may read.
	table string
}

func openWatch(k kafka.Config, c clickhouse.Config, table string) (*watch, error) {
	w := &watch{kafka: k, deps: kafka.Deps{Log: zap.NewNop()}, table: table}
	cl, err := kafka.NewClient(k, w.deps, "bench")
	if err != nil {
		return nil, err
	}
	w.admin = kadm.NewClient(cl)
	if w.conn, err = clickhouse.Open(c); err != nil {
		cl.Close()
		return nil, err
	}
	return w, nil
}

func (w *watch) close() {
	w.admin.Close()
	_ = w.conn.Close() // nothing was written through it
}

const (
	// lookEvery is how often logs and tables are looked at: often enough to see
	// the end to 2 % of a phase, seldom enough to cost nothing.
	lookEvery = 100 * time.Millisecond
	// stuckAfter is how long nothing may move.
	stuckAfter = 30 * time.Second
	// restsAfter is how long ClickHouse must not merge to be said to rest.
	restsAfter = 2 * time.Second
	// longestMerges bounds the wait for that.
	longestMerges = time.Minute
)

var errStuck = fmt.Errorf("nothing has moved for %v", stuckAfter)

// until looks until the number reaches want.
func until(ctx context.Context, want int, look func(context.Context) (int, error)) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last, moved := -1, time.Now()
	for {
		n, err := look(ctx)
		if err != nil || n >= want {
			return err
		}
		if n != last {
			last, moved = n, time.Now()
		}
		if time.Since(moved) > stuckAfter {
			return fmt.Errorf("%d of %d: %w", n, want, errStuck)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// awaitDenseLog returns when the dense log has so many records. Another one, such
// as a repetition after a worker's restart, shows in the counts.
func (w *watch) awaitDenseLog(ctx context.Context, records int) error {
	return until(ctx, records, func(ctx context.Context) (int, error) { return w.records(ctx, topics.Enriched) })
}

// checkRawLog returns an error unless the raw log has as many records as were
// acknowledged.
func (w *watch) checkRawLog(ctx context.Context, acked int) error {
	n, err := w.records(ctx, topics.Raw)
	if err == nil && n != acked {
		err = fmt.Errorf("%w: %d records in the raw log, %d were acknowledged", report.ErrCounts, n, acked)
	}
	return err
}

// records returns how many records a topic has from which none was removed.
func (w *watch) records(ctx context.Context, topic string) (total int, err error) {
	ends, err := w.ends(ctx, topic)
	for _, end := range ends {
		total += int(end)
	}
	return total, err
}

// ends returns where each partition of a topic ends.
func (w *watch) ends(ctx context.Context, topic string) (map[int32]int64, error) {
	listed, err := w.admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list end of %s: %w", topic, err)
	}
	ends := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
	return ends, nil
}

// awaitRows returns when the table has so many rows.
func (w *watch) awaitRows(ctx context.Context, rows int) error {
	return until(ctx, rows, func(ctx context.Context) (int, error) {
		return w.rows(ctx)
	})
}

// awaitRest returns when ClickHouse has not merged for a while.
func (w *watch) awaitRest(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, longestMerges, fmt.Errorf("still merging after %v", longestMerges))
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for busy := time.Now(); time.Since(busy) < restsAfter; {
		n, err := w.number(ctx, "SELECT count() FROM system.merges")
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if n > 0 {
			busy = time.Now()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// rows counts what the table has, which ClickHouse knows without reading it.
func (w *watch) rows(ctx context.Context) (int, error) {
	return w.number(ctx, "SELECT count() FROM "+w.table)
}

func (w *watch) distinctRows(ctx context.Context) (int, error) {
	return w.number(ctx, "SELECT uniqExact(event_id) FROM "+w.table)
}

func (w *watch) number(ctx context.Context, query string) (int, error) {
	var n uint64
	if err := w.conn.QueryRow(ctx, query).Scan(&n); err != nil {
		return 0, fmt.Errorf("ask ClickHouse: %w", err)
	}
	return int(n), nil
}

// count counts outcomes and rows.
func (w *watch) count(ctx context.Context, c *report.Counts) (err error) {
	if c.Outcomes, err = w.outcomes(ctx); err != nil {
		return err
	}
	if c.Rows, err = w.rows(ctx); err != nil {
		return err
	}
	c.DistinctRows, err = w.distinctRows(ctx)
	return err
}

// outcomes reads the dense log as its readers do: repeats count once.
func (w *watch) outcomes(ctx context.Context) (map[event.Outcome]int, error) {
	ends, err := w.ends(ctx, topics.Enriched)
	if err != nil {
		return nil, err
	}
	outcomes := make(map[event.Outcome]int)
	for partition, end := range ends {
		mark := denselog.NewMark(denselog.None)
		err := kafka.Scan(ctx, w.kafka, w.deps, topics.Enriched, partition, 0, end, func(r *kgo.Record) error {
			pos, err := denselog.Parse(r)
			if err != nil || mark.Judge(pos, r.Timestamp) != denselog.Take {
				return err
			}
			for _, h := range r.Headers {
				if h.Key == topics.Outcome {
					outcomes[event.Outcome(h.Value)]++
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}
