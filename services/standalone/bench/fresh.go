package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"touchline.dev/schemas/topics"
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
	f = b.newFreshness("`touchline up`", topics.EmbeddedPartitions)
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
	w, err := openWatch(s.Kafka, s.BI, publicTable)
	if err != nil {
		return f, err
	}
	defer w.close()
	m := &fresh{b: b, f: &f, w: w, addr: s.Addr, processes: processes{touchline: s.PID(), clickHouse: s.Engine}}
	return f, m.run(ctx)
}

func (b *bench) freshServices(ctx context.Context) (f report.Freshness, err error) {
	f = b.newFreshness("separate services", freshPartitions)
	f.Enricher, f.ClickHouse = enricher, clickHouse
	dir, err := b.scratch()
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := stack.StartServices(ctx, b.bin, dir, stack.Options{Partitions: freshPartitions})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	w, err := openWatch(s.Kafka, s.BI, publicTable)
	if err != nil {
		return f, err
	}
	defer w.close()
	m := &fresh{b: b, f: &f, w: w, addr: s.Addr, hold: s.Landing, processes: processes{
		broker: s.Broker.PID(), collector: s.Collector.PID(), enricher: s.Enricher.PID(), clickHouse: s.ClickHousePID(),
	}}
	return f, m.run(ctx)
}

// publicTable is what BI tools read.
const publicTable = "analytics.touchpoints"

func (b *bench) newFreshness(what string, partitions int) report.Freshness {
	b.say("freshness: %s", what)
	return report.Freshness{
		What: what, Partitions: partitions, Load: meter.Load(), Rate: b.rate,
		Counts: report.Counts{Name: "freshness, " + what},
	}
}

const (
	// settling is how long the load runs before anything is measured, in a window
	// that is not shorter.
	settling = 3 * time.Second
	// longestLoad bounds the load, which is stopped long before.
	longestLoad = time.Hour
	// warmUp is how many markers have to come through before the first window.
	warmUp = 100
)

// fresh is a measurement on a running pipeline. The fixed rate goes on from the
// beginning to the end of it.
type fresh struct {
	b    *bench
	f    *report.Freshness
	w    *watch
	addr string
	// hold is nil where landing cannot be held off.
	hold *stack.Hold
	processes
	markers int
}

func (m *fresh) run(ctx context.Context) (err error) {
	plan := m.b.plan(int(longestLoad.Seconds())*m.b.rate/batchEvents, batchEvents)
	stop := make(chan struct{})
	var sent load.Result
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		sent, err = load.Send(gctx, m.addr, m.b.corpus, plan, load.Options{
			// One that waits for long before its first request is closed.
			Connections: min(batchConnections, m.b.rate/batchEvents), Rate: m.b.rate, Stop: stop,
		})
		return err
	})
	g.Go(func() error {
		defer close(stop)
		return m.measure(gctx)
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if m.f.PeakRSS, err = m.peakRSS(); err != nil {
		return err
	}
	plan.Requests = sent.Requests
	c := &m.f.Counts
	c.Sent, c.Acked, c.Retried = sent.Sent+m.markers, sent.Acked+m.markers, plan.Retried()
	if err := m.w.awaitRows(ctx, c.Sent-c.Retried); err != nil {
		return err
	}
	return m.w.count(ctx, c)
}

// measure takes the processor time while nobody asks, and how long markers take
// to be read as a BI tool would, in turn.
func (m *fresh) measure(ctx context.Context) (err error) {
	if err := pause(ctx, min(settling, m.b.window)); err != nil {
		return err
	}
	if m.hold != nil {
		if m.f.Held, err = m.cores(func() error { return pause(ctx, m.b.window) }); err != nil {
			return err
		}
		if err := m.hold.Release(ctx); err != nil {
			return err
		}
	}
	// When these have come through, landing has caught up.
	if _, err := m.mark(ctx, warmUp); err != nil {
		return err
	}
	for i := range freshWindows {
		m.b.say("  window %d of %d", i+1, freshWindows)
		var w report.Window
		if w.Cores, err = m.cores(func() error { return pause(ctx, m.b.window) }); err != nil {
			return err
		}
		if w.Latencies, err = m.mark(ctx, int(m.b.window/markEvery)); err != nil {
			return err
		}
		m.f.Windows = append(m.f.Windows, w)
	}
	return nil
}

// mark sends so many markers and returns the sorted times that they took.
func (m *fresh) mark(ctx context.Context, count int) ([]time.Duration, error) {
	s := &markers{addr: m.addr, corpus: m.b.corpus, conn: m.w.conn, first: m.markers, count: count}
	m.markers += count
	return s.run(ctx)
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
