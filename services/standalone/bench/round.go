package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/standalone/bench/internal/load"
	"touchline.dev/services/standalone/bench/internal/meter"
	"touchline.dev/services/standalone/bench/internal/report"
	"touchline.dev/services/standalone/bench/internal/stack"
)

const calibration = 500 * time.Millisecond

// round measures everything once, on empty directories. Profiles go into a folder
// unless that is empty.
func (b *bench) round(ctx context.Context, n sizes, name, profiles string) (r report.Round, err error) {
	r = report.NewRound(name)
	r.Load = meter.Load()
	if r.SHA, err = meter.Calibrate(calibration); err != nil {
		return r, err
	}
	dir, err := b.scratch()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if b.only.has(partCollector) {
		if err := b.baseline(ctx, dir, n, &r); err != nil {
			return r, err
		}
	}
	s, err := stack.StartServices(ctx, b.bin, dir, stack.Options{Partitions: topics.EmbeddedPartitions})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	w, err := openWatch(s.Kafka, s.ClickHouse, "touchline.touchpoints")
	if err != nil {
		return r, err
	}
	defer w.close()
	c := &course{
		b: b, s: s, w: w, r: &r, dir: dir, sizes: n, counts: report.Counts{Name: name}, profiles: profiles,
		processes: processes{
			broker: s.Broker.PID(), collector: s.Collector.PID(), enricher: s.Enricher.PID(), clickHouse: s.ClickHousePID(),
		},
	}
	return r, c.run(ctx)
}

// baseline measures the empty handler under the load of the collector.
func (b *bench) baseline(ctx context.Context, dir string, n sizes, r *report.Round) (err error) {
	h, err := stack.StartHandler(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Stop()) }()
	p := processes{handler: h.PID()}
	for _, l := range []loading{b.singles(report.HandlerSingle, n.single), b.batches(report.HandlerBatch, n.batch)} {
		used, err := p.during(func() error {
			_, err := load.Send(ctx, h.Addr, b.corpus, l.plan, l.options)
			return err
		})
		if err != nil {
			return fmt.Errorf("measure empty handler: %w", err)
		}
		r.SetCost(l.line, used[handler], l.plan.Events())
	}
	return nil
}

// loading is what is sent, and the line it is measured for.
type loading struct {
	line    report.Line
	plan    load.Plan
	options load.Options
}

func (b *bench) singles(line report.Line, events int) loading {
	return loading{line, b.plan(events, 1), load.Options{Connections: singleConnections}}
}

func (b *bench) batches(line report.Line, events int) loading {
	return loading{line, b.plan(events/batchEvents, batchEvents), load.Options{Connections: batchConnections}}
}

// packed compresses the bodies.
func (l loading) packed() loading {
	l.options.Gzip = true
	return l
}

// course is a round on running services.
type course struct {
	b        *bench
	s        *stack.Services
	w        *watch
	r        *report.Round
	dir      string
	sizes    sizes
	counts   report.Counts
	profiles string
	// heap is what the enricher has allocated before the next phase.
	heap meter.Heap
	processes
}

// run sends the events and follows them. The enricher is paused while they are
// sent, and landing is held while the enricher writes the dense log, so that each
// step is measured by itself; landing then works off a backlog.
func (c *course) run(ctx context.Context) (err error) {
	only := c.b.only
	if c.heap, err = meter.ReadHeap(ctx, c.s.Enricher.Admin); err != nil {
		return err
	}
	if err := c.s.Enricher.Pause(); err != nil {
		return fmt.Errorf("pause enricher: %w", err)
	}
	if err := c.collect(ctx); err != nil {
		return err
	}
	if err := c.w.checkRawLog(ctx, c.counts.Acked); err != nil {
		return err
	}
	if only.enriches() {
		if err := c.enrich(ctx); err != nil {
			return err
		}
	}
	if only.lands() {
		if err := c.land(ctx); err != nil {
			return err
		}
	}
	peak, err := c.peakRSS()
	if err != nil {
		return err
	}
	delete(peak, collector) // the crowd comes after what is meant
	maps.Copy(c.r.PeakRSS, peak)
	if !only.lands() {
		return nil
	}
	if err := c.w.count(ctx, &c.counts); err != nil {
		return err
	}
	c.r.Counts = append(c.r.Counts, c.counts)
	if only.has(partColumns) {
		return c.landColumns(ctx)
	}
	return nil
}

func (c *course) collect(ctx context.Context) error {
	if !c.b.only.has(partCollector) {
		c.b.say("  sending %d events", c.sizes.batch)
		_, err := c.send(ctx, c.b.batches(0, c.sizes.batch))
		return err
	}
	brokerLine := map[report.Line]report.Line{
		report.CollectorSingle: report.BrokerSingle, report.CollectorBatch: report.BrokerBatch,
	}
	for _, l := range []loading{
		c.b.singles(report.CollectorSingle, c.sizes.single), c.b.batches(report.CollectorBatch, c.sizes.batch),
		c.b.singles(report.CollectorSingleGzip, c.sizes.singleGzip).packed(), c.b.batches(report.CollectorBatchGzip, c.sizes.batchGzip).packed(),
	} {
		c.b.say("  collector: %d requests of %d, compressed: %t", l.plan.Requests, l.plan.PerRequest, l.options.Gzip)
		name := fmt.Sprintf("collector-%d", l.plan.PerRequest)
		if l.options.Gzip {
			name += "-gzip"
		}
		before, err := meter.ReadHeap(ctx, c.s.Collector.Admin)
		if err != nil {
			return err
		}
		stop := c.profile(ctx, c.s.Collector, name)
		used, err := c.during(func() error {
			_, err := c.send(ctx, l)
			return err
		})
		if err = errors.Join(err, stop()); err != nil {
			return fmt.Errorf("measure collector: %w", err)
		}
		after, err := meter.ReadHeap(ctx, c.s.Collector.Admin)
		if err != nil {
			return err
		}
		c.r.SetCost(l.line, used[collector], l.plan.Events())
		c.r.SetHeap(l.line, after.Sub(before), l.plan.Events())
		if line, ok := brokerLine[l.line]; ok {
			c.r.SetCost(line, used[broker], l.plan.Events())
		}
	}
	peak, err := meter.PeakRSS(c.processes[collector])
	if err != nil {
		return err
	}
	c.r.PeakRSS[collector] = peak
	if c.sizes.connections > 0 && c.b.only.has(partConnections) {
		return c.crowd(ctx)
	}
	return nil
}

// send sends a load and counts it.
func (c *course) send(ctx context.Context, l loading) (load.Result, error) {
	r, err := load.Send(ctx, c.s.Addr, c.b.corpus, l.plan, l.options)
	c.counted(l.plan, r)
	return r, err
}

func (c *course) counted(p load.Plan, r load.Result) {
	c.counts.Sent += r.Sent
	c.counts.Acked += r.Acked
	c.counts.Retried += p.Retried()
}

// crowdAtOnce is how many of the open connections send in the second wave. All of
// them at once would wait for the broker longer than the collector lets them.
const crowdAtOnce = 1000

// crowd measures the collector's memory while all connections are open: first
// with few of them sending at a time, then with many.
func (c *course) crowd(ctx context.Context) error {
	n := c.sizes.connections
	c.b.say("  collector: %d connections", n)
	waves := []int{singleConnections, crowdAtOnce}
	var names []string
	for _, atOnce := range waves {
		names = append(names, fmt.Sprintf("collector, %d open connections of which %d send at a time", n, min(n, atOnce)))
	}
	plan := c.b.plan(n*len(waves), 1)
	r, err := load.Crowd(ctx, c.s.Addr, c.b.corpus, plan, n, waves, func(wave int) error {
		peak, err := meter.PeakRSS(c.processes[collector])
		c.r.PeakRSS[names[wave]] = peak
		return err
	})
	c.counted(plan, r)
	if err != nil {
		return fmt.Errorf("measure collector with %d connections: %w", n, err)
	}
	return nil
}

func (c *course) enrich(ctx context.Context) (err error) {
	c.b.say("  enricher: dense log")
	stop := func() error { return nil }
	used, err := c.during(func() error {
		if err := c.s.Enricher.Resume(); err != nil {
			return fmt.Errorf("resume enricher: %w", err)
		}
		stop = c.profile(ctx, c.s.Enricher, "enriching")
		return c.w.awaitDenseLog(ctx, c.counts.Sent)
	})
	if err = errors.Join(err, stop()); err != nil {
		return fmt.Errorf("measure enricher: %w", err)
	}
	c.r.SetCost(report.Enriching, used[enricher], c.counts.Sent)
	c.r.SetCost(report.BrokerEnriching, used[broker], c.counts.Sent)
	return c.setHeap(ctx, report.Enriching)
}

// setHeap notes what the enricher has allocated in the phase that has ended.
func (c *course) setHeap(ctx context.Context, l report.Line) error {
	before := c.heap
	var err error
	if c.heap, err = meter.ReadHeap(ctx, c.s.Enricher.Admin); err != nil {
		return err
	}
	c.r.SetHeap(l, c.heap.Sub(before), c.counts.Sent)
	return nil
}

func (c *course) land(ctx context.Context) error {
	c.b.say("  landing")
	sent := c.counts.Sent
	stop := func() error { return nil }
	used, err := c.during(func() error {
		if err := c.s.Landing.Release(ctx); err != nil {
			return err
		}
		stop = c.profile(ctx, c.s.Enricher, "landing")
		return c.w.awaitRows(ctx, sent-c.counts.Retried)
	})
	if err = errors.Join(err, stop()); err != nil {
		return fmt.Errorf("measure landing: %w", err)
	}
	c.r.SetCost(report.Landing, used[enricher], sent)
	c.r.SetCost(report.Inserts, used[clickHouse], sent)
	if err := c.setHeap(ctx, report.Landing); err != nil {
		return err
	}
	if used, err = c.during(func() error { return c.w.awaitRest(ctx) }); err != nil {
		return fmt.Errorf("measure merges: %w", err)
	}
	c.r.SetCost(report.Merges, used[clickHouse], sent)
	return nil
}
