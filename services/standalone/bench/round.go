package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"touchline.dev/services/standalone/bench/internal/load"
	"touchline.dev/services/standalone/bench/internal/meter"
	"touchline.dev/services/standalone/bench/internal/report"
	"touchline.dev/services/standalone/bench/internal/stack"
)

// Names of the processes.
const (
	handler    = "handler"
	broker     = "broker"
	collector  = "collector"
	enricher   = "enricher"
	clickHouse = "ClickHouse"
	touchline  = "touchline"
)

const calibration = 500 * time.Millisecond

// round measures everything once, on empty directories.
func (b *bench) round(ctx context.Context, number int) (r report.Round, err error) {
	r.Load = meter.Load()
	if r.SHA, err = meter.Calibrate(calibration); err != nil {
		return r, err
	}
	dir, err := b.scratch()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := b.baseline(ctx, dir, &r); err != nil {
		return r, err
	}
	s, err := stack.StartServices(ctx, b.bin, dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	c := &course{b: b, s: s, r: &r, number: number, processes: processes{
		broker: s.Broker.PID(), collector: s.Collector.PID(), enricher: s.Enricher.PID(), clickHouse: s.ClickHousePID(),
	}}
	return r, c.run(ctx)
}

// baseline measures the empty handler under the load of the collector.
func (b *bench) baseline(ctx context.Context, dir string, r *report.Round) (err error) {
	h, err := stack.StartHandler(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Stop()) }()
	p := processes{handler: h.PID()}
	for _, phase := range b.loads(report.HandlerSingle, report.HandlerBatch) {
		used, err := p.during(func() error {
			_, err := load.Send(ctx, h.Addr, b.corpus, phase.plan, phase.options)
			return err
		})
		if err != nil {
			return fmt.Errorf("measure empty handler: %w", err)
		}
		r.Set(phase.line, used[handler], phase.plan.Events())
	}
	return nil
}

// loading is one of the two loads, and the line it is measured for.
type loading struct {
	line    report.Line
	plan    load.Plan
	options load.Options
}

func (b *bench) loads(single, batch report.Line) []loading {
	return []loading{
		{single, b.plan(b.singles(), 1), load.Options{Connections: singleConnections}},
		{batch, b.plan(b.batches()/batchEvents, batchEvents), load.Options{Connections: batchConnections}},
	}
}

// course is a round on running services.
type course struct {
	b      *bench
	s      *stack.Services
	r      *report.Round
	number int
	processes
}

// run sends the events and follows them. The enricher is paused while they are
// sent, and ClickHouse while the enricher writes the dense log, so that each step
// is measured by itself; landing then works off a backlog.
func (c *course) run(ctx context.Context) error {
	if err := c.s.Enricher.Pause(); err != nil {
		return fmt.Errorf("pause enricher: %w", err)
	}
	if err := c.collect(ctx); err != nil {
		return err
	}
	w, err := openWatch(c.s.Kafka, c.s.ClickHouse)
	if err != nil {
		return err
	}
	defer w.close()
	if err := c.enrich(ctx, w); err != nil {
		return err
	}
	if err := c.land(ctx, w); err != nil {
		return err
	}
	if c.r.PeakRSS, err = c.peakRSS(); err != nil {
		return err
	}
	if err := w.count(ctx, &c.r.Counts); err != nil {
		return err
	}
	return c.r.Counts.Check()
}

func (c *course) collect(ctx context.Context) error {
	brokerLine := map[report.Line]report.Line{
		report.CollectorSingle: report.BrokerSingle, report.CollectorBatch: report.BrokerBatch,
	}
	for _, phase := range c.b.loads(report.CollectorSingle, report.CollectorBatch) {
		c.b.say("  collector: %d requests of %d", phase.plan.Requests, phase.plan.PerRequest)
		stop := c.b.profile(ctx, c.s.Collector, c.number, fmt.Sprintf("collector-%d", phase.plan.PerRequest))
		counts := &c.r.Counts
		used, err := c.during(func() error {
			acked, err := load.Send(ctx, c.s.Addr, c.b.corpus, phase.plan, phase.options)
			counts.Acked += acked
			return err
		})
		if err = errors.Join(err, stop()); err != nil {
			return fmt.Errorf("measure collector: %w", err)
		}
		counts.Sent += phase.plan.Events()
		counts.Retried += phase.plan.Retried()
		c.r.Set(phase.line, used[collector], phase.plan.Events())
		c.r.Set(brokerLine[phase.line], used[broker], phase.plan.Events())
	}
	return nil
}

func (c *course) enrich(ctx context.Context, w *watch) (err error) {
	c.b.say("  enricher: dense log")
	if err := c.s.PauseClickHouse(); err != nil {
		return fmt.Errorf("pause ClickHouse: %w", err)
	}
	defer func() { err = errors.Join(err, c.s.ResumeClickHouse()) }()
	sent := c.r.Counts.Sent
	if err := c.s.Enricher.Resume(); err != nil {
		return fmt.Errorf("resume enricher: %w", err)
	}
	stop := c.b.profile(ctx, c.s.Enricher, c.number, "enriching")
	used, err := c.during(func() error { return w.awaitDenseLog(ctx, sent) })
	if err = errors.Join(err, stop()); err != nil {
		return fmt.Errorf("measure enricher: %w", err)
	}
	c.r.Set(report.Enriching, used[enricher], sent)
	c.r.Set(report.BrokerEnriching, used[broker], sent)
	return nil
}

func (c *course) land(ctx context.Context, w *watch) error {
	c.b.say("  landing")
	sent := c.r.Counts.Sent
	stop := c.b.profile(ctx, c.s.Enricher, c.number, "landing")
	used, err := c.during(func() error { return w.awaitRows(ctx, sent-c.r.Counts.Retried) })
	if err = errors.Join(err, stop()); err != nil {
		return fmt.Errorf("measure landing: %w", err)
	}
	c.r.Set(report.Landing, used[enricher], sent)
	c.r.Set(report.Inserts, used[clickHouse], sent)
	if used, err = c.during(func() error { return w.awaitRest(ctx) }); err != nil {
		return fmt.Errorf("measure merges: %w", err)
	}
	c.r.Set(report.Merges, used[clickHouse], sent)
	return nil
}
