// Package lifecycle runs the parts of a process: it starts them in order, each
// when the one before it is ready, stops them in reverse order, each when the
// one after it has drained, and bounds the stop by a deadline.
//
// It guarantees that Run returns the first failure with the name of the part
// it came from, and that a part is never told to stop while one that was
// started after it, and may depend on it, is still running. A panic is not
// caught: it ends the process, and the state on disk is made for that.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Component is one long-running part of a process.
//
// Run works until ctx ends, then drains what it has accepted and returns nil.
// Returning before that, with or without an error, stops the whole group. Run
// is called once.
//
// A component that is not ready as soon as Run is called implements [Readier].
type Component interface {
	Run(ctx context.Context) error
}

// Readier is a Component that says when the ones after it may start: Ready's
// channel is closed then. It may be asked before Run is called.
type Readier interface {
	Ready() <-chan struct{}
}

// ErrStopped is the failure of a component that returned nil without having
// been told to stop.
var ErrStopped = errors.New("stopped before it was told to")

// ErrDeadline is returned when components were still draining at the deadline.
// They may still be running: the process should exit.
var ErrDeadline = errors.New("not drained before the deadline")

// Group runs components as one. It is a Component and a Readier itself.
type Group struct {
	drainTimeout time.Duration
	parts        []*part
	ready        chan struct{}
	stopping     chan struct{} // closed when the first component is about to be told to stop
}

type part struct {
	name      string
	component Component
	stop      context.CancelFunc
	done      chan struct{} // closed when Run has returned err
	err       error
}

// NewGroup returns an empty group. drainTimeout bounds the time from the order
// to stop until all components have returned; 0 is no bound, for a group
// inside another.
func NewGroup(drainTimeout time.Duration) *Group {
	return &Group{drainTimeout: drainTimeout, ready: make(chan struct{}), stopping: make(chan struct{})}
}

// Add appends a component. The order of Add is the order of start. It must not
// be called after Run.
func (g *Group) Add(name string, c Component) {
	g.parts = append(g.parts, &part{name: name, component: c, done: make(chan struct{})})
}

// Ready is closed when all components are ready.
func (g *Group) Ready() <-chan struct{} { return g.ready }

// Run starts the components and stops them when ctx ends, which returns nil,
// or when one fails, which returns its failure joined with those that follow
// from it. It runs once.
func (g *Group) Run(ctx context.Context) error {
	// failed tells of the first component that returned early; the others are
	// found through their done channels.
	failed := make(chan *part, len(g.parts))
	first := g.start(ctx, failed)
	if first == nil && ctx.Err() == nil {
		close(g.ready)
		select {
		case <-ctx.Done():
		case first = <-failed:
		}
	}
	close(g.stopping)
	var errs []error
	if first != nil {
		errs = append(errs, first.failure())
	}
	return errors.Join(append(errs, g.stop(first)...)...)
}

// start runs the components one after the other until all are ready, ctx ends
// or one fails, which it returns.
func (g *Group) start(ctx context.Context, failed chan<- *part) *part {
	for _, p := range g.parts {
		// Each component has its own end, apart from ctx: stop gives the order.
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		p.stop = cancel
		go func() {
			p.err = p.component.Run(own)
			close(p.done)
			failed <- p
		}()
		var ready <-chan struct{}
		if r, ok := p.component.(Readier); ok {
			ready = r.Ready()
		} else {
			ready = closed()
		}
		select {
		case <-ready:
		case <-p.done:
			return p
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// stop ends the started components, the last first, and returns what went
// wrong apart from first. At the deadline the rest is told to stop together
// and reported.
func (g *Group) stop(first *part) []error {
	var deadline <-chan time.Time
	if g.drainTimeout > 0 {
		timer := time.NewTimer(g.drainTimeout)
		defer timer.Stop()
		deadline = timer.C
	}
	var errs []error
	for i, p := range slices.Backward(g.parts) {
		if p.stop == nil { // never started
			continue
		}
		early := p.returned()
		p.stop()
		select {
		case <-p.done:
		case <-deadline:
			return append(errs, g.abandon(i))
		}
		switch {
		case p == first:
		case early:
			errs = append(errs, p.failure())
		case p.err != nil:
			errs = append(errs, fmt.Errorf("stop %s: %w", p.name, p.err))
		}
	}
	return errs
}

// abandon tells the components up to i to stop and names those that have not.
func (g *Group) abandon(i int) error {
	var names []string
	for _, p := range g.parts[:i+1] {
		p.stop()
		if !p.returned() {
			names = append(names, p.name)
		}
	}
	return fmt.Errorf("stop %s: %w of %v", strings.Join(names, ", "), ErrDeadline, g.drainTimeout)
}

func (p *part) returned() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// failure is the error of a part that returned before it was told to.
func (p *part) failure() error {
	if p.err == nil {
		return fmt.Errorf("run %s: %w", p.name, ErrStopped)
	}
	return fmt.Errorf("run %s: %w", p.name, p.err)
}
