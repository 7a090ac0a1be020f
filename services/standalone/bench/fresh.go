package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/standalone/bench/internal/load"
	"touchline.dev/services/standalone/bench/internal/meter"
	"touchline.dev/services/standalone/bench/internal/report"
	"touchline.dev/services/standalone/bench/internal/stack"
)

// freshness measures `touchline up`, then the separate services.
func (b *bench) freshness(ctx context.Context) ([]report.Freshness, error) {
	one, err := b.freshStandalone(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure freshness of touchline up: %w", err)
	}
	several, err := b.freshServices(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure freshness of the services: %w", err)
	}
	return []report.Freshness{one, several}, nil
}

func (b *bench) freshStandalone(ctx context.Context) (f report.Freshness, err error) {
	dir, err := b.scratch()
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := stack.StartStandalone(ctx, b.bin, dir)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	b.say("freshness: touchline up")
	return b.fresh(ctx, "`touchline up`", s.Addr, s.BI, processes{touchline: s.PID(), clickHouse: s.Engine})
}

func (b *bench) freshServices(ctx context.Context) (f report.Freshness, err error) {
	dir, err := b.scratch()
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := stack.StartServices(ctx, b.bin, dir)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	b.say("freshness: separate services")
	return b.fresh(ctx, "separate services", s.Addr, s.BI, processes{
		broker: s.Broker.PID(), collector: s.Collector.PID(), enricher: s.Enricher.PID(), clickHouse: s.ClickHousePID(),
	})
}

const (
	// settling is how long the load runs before anything is measured.
	settling = 3 * time.Second
	// markEvery is the time between markers; it is no multiple of the age at
	// which chunks are flushed.
	markEvery = 47 * time.Millisecond
	// askEvery is the time between queries, by which latencies may be too long.
	askEvery = 20 * time.Millisecond
	// lostAfter is how long after its acknowledgement a marker counts as lost.
	lostAfter = 30 * time.Second
)

// fresh sends events at the fixed rate, measures the processor time while nobody
// asks, then how long markers take to be read as a BI tool would.
func (b *bench) fresh(ctx context.Context, what, addr string, bi clickhouse.Config, p processes) (f report.Freshness, err error) {
	f = report.Freshness{What: what, Load: meter.Load(), Rate: freshRate, Window: b.window}
	conn, err := clickhouse.Open(bi)
	if err != nil {
		return f, err
	}
	defer conn.Close()
	seconds := (settling + 2*b.window).Seconds()
	plan := b.plan(int(seconds*freshRate/batchEvents), batchEvents)
	m := &markers{addr: addr, corpus: b.corpus, conn: conn, count: int(b.window / markEvery)}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := load.Send(gctx, addr, b.corpus, plan, load.Options{Connections: batchConnections, Rate: freshRate})
		return err
	})
	g.Go(func() error {
		if err := pause(gctx, settling); err != nil {
			return err
		}
		used, err := p.during(func() error { return pause(gctx, b.window) })
		if err != nil {
			return err
		}
		f.Cores = make(map[string]float64, len(used))
		for name, cpu := range used {
			f.Cores[name] = cpu.Seconds() / b.window.Seconds()
		}
		f.Latencies, err = m.run(gctx)
		return err
	})
	if err := g.Wait(); err != nil {
		return f, err
	}
	if f.PeakRSS, err = p.peakRSS(); err != nil {
		return f, err
	}
	want := plan.Events() - plan.Retried() + m.count
	rows := func(ctx context.Context) (int, error) {
		return number(ctx, conn, "SELECT count() FROM analytics.touchpoints WHERE project = '"+stack.Project+"'")
	}
	if err := until(ctx, want, rows); err != nil {
		return f, err
	}
	if n, err := rows(ctx); err != nil || n != want {
		return f, errors.Join(err, fmt.Errorf("%w: %d rows, want %d", report.ErrCounts, n, want))
	}
	return f, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// markers are events of their own whose way into the table is timed.
type markers struct {
	addr   string
	corpus *load.Corpus
	conn   driver.Conn
	count  int
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

func (m *markers) send(ctx context.Context, acked []time.Time) error {
	conn, err := load.Dial(ctx, m.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	var request []byte
	for i := range acked {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		request = m.corpus.AppendMarker(request[:0], i, time.Now())
		if err := conn.Post(request); err != nil {
			return fmt.Errorf("send marker %d: %w", i, err)
		}
		acked[i] = time.Now()
	}
	return nil
}

// errLost says that markers were acknowledged and never became rows.
var errLost = errors.New("markers are not in the table")

// look asks until every marker was seen.
func (m *markers) look(ctx context.Context, seen []time.Time) error {
	deadline := time.Now().Add(time.Duration(m.count)*markEvery + lostAfter)
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for missing := m.count; missing > 0; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		ids, err := m.visible(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		for _, id := range ids {
			i, err := strconv.Atoi(id)
			if err != nil || i < 0 || i >= m.count {
				return fmt.Errorf("%w: marker %q was never sent", report.ErrCounts, id)
			}
			if seen[i].IsZero() {
				seen[i] = now
				missing--
			}
		}
		if now.After(deadline) {
			return fmt.Errorf("%w: %d of %d", errLost, missing, m.count)
		}
	}
	return nil
}

func (m *markers) visible(ctx context.Context) (ids []string, err error) {
	rows, err := m.conn.Query(ctx, "SELECT message_id FROM analytics.touchpoints WHERE project = '"+stack.Project+"' AND event = '"+load.MarkerEvent+"'")
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
