package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"
)

// WorkFunc processes one partition for as long as this process owns it. ctx ends
// when the partition is lost; p.Poll returns ErrDraining when the process is to
// stop: the worker then finishes and commits what it has taken, and returns nil.
// A worker that returns earlier is started again from the committed offset, with
// growing pauses; a Fatal error ends the whole group instead.
//
// A worker that shows no progress for Membership.StuckAfter is cancelled. Each
// call of a method of p is progress, and so is the time spent in Poll and Commit;
// what waits long elsewhere calls p.Beat. A worker that does not return soon
// after ctx has ended ends the group with ErrStuck.
type WorkFunc func(ctx context.Context, p *Partition) error

// What workers are told when they have to end.
var (
	// ErrLost says that this process no longer owns the partition.
	ErrLost = errors.New("partition is no longer owned")
	// ErrDraining says that the process is stopping.
	ErrDraining = errors.New("draining")
)

// FatalError wraps an error that no restart of a worker can mend, such as a
// topic that was recreated under its name.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return e.Err.Error() }
func (e *FatalError) Unwrap() error { return e.Err }

// Fatal marks err as one that ends the group.
func Fatal(err error) error { return &FatalError{err} }

// owner is the assignment of a partition to this process, with the goroutine
// that works on it.
type owner struct {
	id     int32
	cancel context.CancelFunc
	drain  chan struct{}
	done   chan struct{}

	// steps grows with each sign of progress; inside is positive while the
	// worker waits in this package.
	steps  atomic.Int64
	inside atomic.Int32

	watch watch // guarded by Group.mu
}

// wait marks the time until the returned function is called as one in which the
// worker waits for Kafka.
func (o *owner) wait() (done func()) {
	o.inside.Add(1)
	return func() {
		o.steps.Add(1)
		o.inside.Add(-1)
	}
}

// work keeps a worker running on the partition until it drains, is cancelled, or
// fails fatally.
func (g *Group) work(ctx context.Context, o *owner) {
	defer close(o.done)
	defer g.metrics.forget(o.id)
	pause := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(10*time.Second), backoff.WithMaxElapsedTime(0))
	for {
		began := time.Now()
		err := g.attempt(ctx, o)
		if ctx.Err() != nil || o.draining() && (err == nil || errors.Is(err, ErrDraining)) {
			return
		}
		if err == nil {
			err = errReturned
		}
		if f := (*FatalError)(nil); errors.As(err, &f) {
			g.fail(o.id, err)
			return
		}
		if time.Since(began) > time.Minute {
			pause.Reset()
		}
		wait := pause.NextBackOff()
		g.metrics.restarts.Inc()
		g.log.Error("partition worker stopped, starts again", zap.Int32("partition", o.id), zap.Error(err), zap.Duration("wait", wait))
		select {
		case <-ctx.Done():
			return
		case <-o.drain:
			return
		case <-time.After(wait):
		}
	}
}

// errReturned is the failure of a worker that ended without a reason: its
// partition would stand still for ever.
var errReturned = errors.New("worker returned before it was told to")

// attempt runs the worker once. When it returns, nothing that the worker left
// behind can read or commit any more.
func (g *Group) attempt(ctx context.Context, o *owner) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g.begin(o, cancel)
	defer g.begin(o, nil)
	p := &Partition{group: g, owner: o, ended: ctx.Done()}
	defer g.fetch.remove(p)
	err := g.opts.Work(ctx, p)
	if cause := context.Cause(ctx); errors.Is(cause, errNoProgress) {
		return errors.Join(cause, err)
	}
	return err
}

// fail ends the group, if nothing else has ended it.
func (g *Group) fail(partition int32, err error) {
	select {
	case g.fatal <- fmt.Errorf("%s partition %d: %w", g.opts.Topic, partition, err):
	default:
	}
}

func (o *owner) draining() bool { return closed(o.drain) }
func (o *owner) ended() bool    { return closed(o.done) }

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
