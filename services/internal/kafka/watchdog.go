package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// ErrStuck ends a group one of whose workers hangs: it was cancelled, because it
// showed no progress or lost its partition, and has not returned. Its goroutine
// cannot be ended from outside; the end of the process is what frees whatever it
// holds. It can no longer commit.
var ErrStuck = errors.New("partition worker hangs and does not end when it is cancelled")

// errNoProgress is why the watchdog cancels a worker.
var errNoProgress = errors.New("no progress")

// cancelGrace is how long a worker may take to return once it is cancelled: it
// ends requests under way, and writes nothing. Rebalances wait for it, so it lies
// below every sensible rebalance timeout.
const cancelGrace = 5 * time.Second

// watch is what the watchdog knows of the worker of a partition.
type watch struct {
	// cancel ends the attempt under way; nil between two attempts.
	cancel context.CancelCauseFunc
	// steps is the last state of owner.steps seen, since when it stands there,
	// and quiet for how long: the sum of the watchdog's own intervals, so that
	// time in which the whole process was paused does not count.
	steps int64
	since time.Time
	quiet time.Duration
	// stuck is set when the attempt was cancelled, late when it did not end.
	stuck, late bool
}

// begin notes the start of an attempt, or with nil its end.
func (g *Group) begin(o *owner, cancel context.CancelCauseFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	o.watch = watch{cancel: cancel, steps: o.steps.Load(), since: time.Now()}
}

// watchWorkers looks at every worker until ctx ends.
func (g *Group) watchWorkers(ctx context.Context) {
	interval := min(time.Second, g.opts.Membership.StuckAfter/10)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			g.inspect(interval)
		}
	}
}

// inspect cancels workers that have shown no progress for too long, and ends the
// group when a cancelled one has not returned.
func (g *Group) inspect(interval time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := g.opts.Membership.StuckAfter
	for _, o := range g.owned {
		w := &o.watch
		if steps := o.steps.Load(); !w.stuck && (w.cancel == nil || steps != w.steps || o.inside.Load() > 0) {
			w.steps, w.since, w.quiet = steps, time.Now(), 0
			continue
		}
		w.quiet += interval
		switch {
		case !w.stuck && w.quiet >= limit:
			w.stuck = true
			g.log.Error("partition worker shows no progress, is cancelled", zap.Int32("partition", o.id), zap.Time("since", w.since))
			w.cancel(fmt.Errorf("%w since %s", errNoProgress, w.since.UTC().Format(time.RFC3339)))
		case w.stuck && !w.late && w.quiet >= limit+cancelGrace:
			w.late = true
			g.fail(o.id, Fatal(ErrStuck))
		}
	}
}

// stuck says which workers show no progress; nil when none. It is a health probe.
func (g *Group) stuck() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var reasons []string
	for _, o := range g.owned {
		if o.watch.stuck {
			reasons = append(reasons, fmt.Sprintf("the worker of partition %d shows no progress since %s", o.id, o.watch.since.UTC().Format(time.RFC3339)))
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	slices.Sort(reasons)
	return errors.New(strings.Join(reasons, "; "))
}
