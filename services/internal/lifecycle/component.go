package lifecycle

import (
	"context"
	"sync"
)

// Func returns a Component and Readier that runs run, which calls ready once
// the components after it may start. What run has written to variables before
// that, such as an address, the later components may read.
func Func(run func(ctx context.Context, ready func()) error) Component {
	return &function{run: run, ready: make(chan struct{})}
}

type function struct {
	run   func(ctx context.Context, ready func()) error
	once  sync.Once
	ready chan struct{}
}

func (f *function) Ready() <-chan struct{} { return f.ready }

func (f *function) Run(ctx context.Context) error {
	return f.run(ctx, func() { f.once.Do(func() { close(f.ready) }) })
}

// Lazy returns a Component and Readier that is built when it is started: its
// configuration may hold what earlier components found out.
func Lazy(build func() (Component, error)) Component {
	return Func(func(ctx context.Context, ready func()) error {
		c, err := build()
		if err != nil {
			return err
		}
		r, ok := c.(Readier)
		if !ok {
			ready()
			return c.Run(ctx)
		}
		done := make(chan struct{})
		watching := make(chan struct{})
		go func() {
			defer close(watching)
			select {
			case <-r.Ready():
				ready()
			case <-done:
			}
		}()
		err = c.Run(ctx)
		close(done)
		<-watching
		return err
	})
}
