package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"touchline.dev/services/standalone/bench/internal/load"
	"touchline.dev/services/standalone/bench/internal/report"
	"touchline.dev/services/standalone/bench/internal/stack"
)

const (
	// markEvery is the time between markers: a thousand in a window, so that ten
	// are above the 99th percentile. It divides no age at which chunks are flushed.
	markEvery = 13 * time.Millisecond
	// markerConnections are enough for answers within 100 ms.
	markerConnections = 8
	// askEvery is the time between queries, by which latencies may be too long.
	askEvery = 20 * time.Millisecond
	// lostAfter is how long no marker may appear before the rest counts as lost.
	lostAfter = time.Minute
)

// markers are events of their own whose way into the table is timed: those with
// the numbers from first on.
type markers struct {
	addr         string
	corpus       *load.Corpus
	conn         driver.Conn
	first, count int
}

// run sends the markers and returns the sorted times from acknowledgement to
// appearance in a query's result.
func (m *markers) run(ctx context.Context) ([]time.Duration, error) {
	acked, seen := make([]time.Time, m.count), make([]time.Time, m.count)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.send(ctx, acked) })
	g.Go(func() error { return m.look(ctx, seen) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	latencies := make([]time.Duration, m.count)
	for i := range latencies {
		// A query may see a marker before its answer has arrived here.
		latencies[i] = max(0, seen[i].Sub(acked[i]))
	}
	slices.Sort(latencies)
	return latencies, nil
}

// send sends the markers when they are due, over several connections: one waits for
// each answer.
func (m *markers) send(ctx context.Context, acked []time.Time) error {
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for c := range markerConnections {
		g.Go(func() error {
			conn, err := load.Dial(ctx, m.addr)
			if err != nil {
				return err
			}
			defer conn.Close()
			var request []byte
			for i := c; i < len(acked); i += markerConnections {
				if err := pause(ctx, time.Until(began.Add(time.Duration(i)*markEvery))); err != nil {
					return err
				}
				request = m.corpus.AppendMarker(request[:0], m.first+i, time.Now())
				if err := conn.Post(request); err != nil {
					return fmt.Errorf("send marker %d: %w", m.first+i, err)
				}
				acked[i] = time.Now()
			}
			return nil
		})
	}
	return g.Wait()
}

// errLost says that markers were acknowledged and never became rows.
var errLost = errors.New("markers are not in the table")

// look asks until every marker was seen.
func (m *markers) look(ctx context.Context, seen []time.Time) error {
	began := time.Now()
	last := began // when a marker appeared
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for missing := m.count; missing > 0; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		ids, err := m.visible(ctx, began)
		if err != nil {
			return err
		}
		now := time.Now()
		for _, id := range ids {
			i, err := strconv.Atoi(id)
			if i -= m.first; err != nil || i >= m.count {
				return fmt.Errorf("%w: marker %q was never sent", report.ErrCounts, id)
			}
			if i >= 0 && seen[i].IsZero() {
				seen[i], last = now, now
				missing--
			}
		}
		if now.Sub(last) > lostAfter {
			return fmt.Errorf("%w: %d of %d", errLost, missing, m.count)
		}
	}
	return nil
}

// visible asks for the markers that happened since then.
func (m *markers) visible(ctx context.Context, since time.Time) (ids []string, err error) {
	rows, err := m.conn.Query(ctx, "SELECT message_id FROM analytics.touchpoints WHERE project = '"+stack.Project+"' AND event = '"+load.MarkerEvent+"' AND event_time >= ?", since.Add(-time.Second))
	if err != nil {
		return nil, fmt.Errorf("look for markers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("look for markers: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for markers: %w", err)
	}
	return ids, nil
}
