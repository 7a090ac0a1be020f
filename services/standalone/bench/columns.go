package main

import (
	"context"
	"errors"
	"fmt"

	"touchline.dev/services/standalone/bench/internal/meter"
	"touchline.dev/services/standalone/bench/internal/report"
	"touchline.dev/services/standalone/bench/internal/stack"
	"touchline.dev/services/standalone/bench/internal/touchpoints30"
)

// landColumns lands the dense log once more, by the same code, in a table of 30
// columns without views, of which nothing is merged.
func (c *course) landColumns(ctx context.Context) (err error) {
	c.b.say("  landing in a table of 30 columns")
	w := *c.w
	w.table = touchpoints30.Table().FullName()
	counts := c.counts
	counts.Name += ", table of 30 columns"
	var p *stack.Process
	defer func() {
		if p != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	stop := func() error { return nil }
	// The process's own start is part of what it uses.
	var landing meter.Time
	used, err := processes{clickHouse: c.processes[clickHouse]}.during(func() (err error) {
		if p, err = c.s.StartColumns(ctx, c.dir); err != nil {
			return err
		}
		stop = c.profile(ctx, p, "columns")
		if err := w.awaitRows(ctx, counts.Sent-counts.Retried); err != nil {
			return err
		}
		landing, err = meter.CPU(p.PID())
		return err
	})
	if err = errors.Join(err, stop()); err != nil {
		return fmt.Errorf("measure landing of 30 columns: %w", err)
	}
	c.r.SetCost(report.ColumnsLanding, landing, counts.Sent)
	c.r.SetCost(report.ColumnsInserts, used[clickHouse], counts.Sent)
	heap, err := meter.ReadHeap(ctx, p.Admin)
	if err != nil {
		return err
	}
	c.r.SetHeap(report.ColumnsLanding, heap, counts.Sent)
	if c.r.PeakRSS[columns], err = meter.PeakRSS(p.PID()); err != nil {
		return err
	}
	if counts.Rows, err = w.rows(ctx); err != nil {
		return err
	}
	if counts.DistinctRows, err = w.distinctRows(ctx); err != nil {
		return err
	}
	c.r.Counts = append(c.r.Counts, counts)
	return nil
}
