package lifecycle_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"touchline.dev/services/internal/lifecycle"
)

var errDown = errors.New("down")

// journal notes what components do, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) expect(t *testing.T, want string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.lines, strings.Fields(want)) {
		t.Errorf("got  %v\nwant %v", j.lines, want)
	}
}

// component takes a while to get ready and to drain.
func (j *journal) component(name string, starting, draining time.Duration) lifecycle.Component {
	return lifecycle.Func(func(ctx context.Context, ready func()) error {
		j.add("start:" + name)
		select {
		case <-time.After(starting):
			j.add("ready:" + name)
			ready()
			<-ctx.Done()
		case <-ctx.Done():
		}
		j.add("stop:" + name)
		time.Sleep(draining) // of the fake clock
		j.add("drained:" + name)
		return nil
	})
}

// failing is ready at once, and returns err after a while or, drained, at the
// order to stop.
func failing(after time.Duration, err error, drain error) lifecycle.Component {
	return lifecycle.Func(func(ctx context.Context, ready func()) error {
		ready()
		select {
		case <-time.After(after):
			return err
		case <-ctx.Done():
			return drain
		}
	})
}

func TestGroup_startsInOrderAndStopsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		g := lifecycle.NewGroup(10 * time.Second)
		for _, name := range []string{"broker", "enricher", "collector"} {
			g.Add(name, j.component(name, time.Second, time.Second))
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		<-g.Ready()
		j.expect(t, "start:broker ready:broker start:enricher ready:enricher start:collector ready:collector")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		j.expect(t, `start:broker ready:broker start:enricher ready:enricher start:collector ready:collector
			stop:collector drained:collector stop:enricher drained:enricher stop:broker drained:broker`)
	})
}

func TestGroup_cancelledDuringStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		g := lifecycle.NewGroup(10 * time.Second)
		g.Add("broker", j.component("broker", time.Second, 0))
		g.Add("enricher", j.component("enricher", time.Hour, 0))
		g.Add("collector", j.component("collector", 0, 0))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := g.Run(ctx); err != nil {
			t.Error(err)
		}
		j.expect(t, "start:broker ready:broker start:enricher stop:enricher drained:enricher stop:broker drained:broker")
		select {
		case <-g.Ready():
			t.Error("ready although one component never was")
		default:
		}
	})
}

func TestGroup_failures(t *testing.T) {
	f := func(want string, first lifecycle.Component, is ...error) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			var j journal
			g := lifecycle.NewGroup(10 * time.Second)
			g.Add("broker", j.component("broker", 0, time.Second))
			g.Add("enricher", first)
			g.Add("collector", j.component("collector", 0, time.Second))
			err := g.Run(t.Context())
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			for _, target := range is {
				if !errors.Is(err, target) {
					t.Errorf("%v is not %v", err, target)
				}
			}
			j.mu.Lock()
			defer j.mu.Unlock()
			if last := j.lines[len(j.lines)-1]; last != "drained:broker" {
				t.Errorf("the last was %s", last)
			}
		})
	}
	f("run enricher: down", failing(time.Minute, errDown, nil), errDown)
	f("run enricher: stopped before it was told to", failing(time.Minute, nil, nil), lifecycle.ErrStopped)
	f("run enricher: open: down", lifecycle.Lazy(func() (lifecycle.Component, error) { return nil, errors.Join(errors.New("open: down")) }))
	f("run enricher: down", lifecycle.Func(func(context.Context, func()) error { return errDown }), errDown) // never ready
}

func TestGroup_joinsWhatFollowsFromTheFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := errors.New("lost the broker")
		g := lifecycle.NewGroup(0)
		g.Add("broker", failing(time.Minute, errDown, nil))
		g.Add("scorer", failing(time.Hour, nil, errors.New("flush: lost the broker")))
		g.Add("enricher", failing(time.Minute+time.Second, other, nil))
		g.Add("collector", lifecycle.Func(func(ctx context.Context, ready func()) error {
			ready()
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			return nil
		}))
		err := g.Run(t.Context())
		if want := "run broker: down\nrun enricher: lost the broker\nstop scorer: flush: lost the broker"; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
}

func TestGroup_deadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		g := lifecycle.NewGroup(10 * time.Second)
		g.Add("broker", j.component("broker", 0, 0))
		g.Add("enricher", lifecycle.Func(func(ctx context.Context, ready func()) error {
			ready()
			<-ctx.Done()
			<-release
			return nil
		}))
		g.Add("collector", j.component("collector", 0, 4*time.Second))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		<-g.Ready()
		start := time.Now()
		cancel()
		err := <-done
		if took := time.Since(start); took != 10*time.Second { // of all together, not of each
			t.Errorf("returned after %v", took)
		}
		if !errors.Is(err, lifecycle.ErrDeadline) || !strings.Contains(err.Error(), "stop broker, enricher: not drained") {
			t.Errorf("got %v", err)
		}
		close(release)
		synctest.Wait() // the rest was told to stop too
		j.expect(t, "start:broker ready:broker start:collector ready:collector stop:collector drained:collector stop:broker drained:broker")
	})
}

// A component may be a plain Run, ready at once; a group may hold a group.
func TestGroup_nests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		inner := lifecycle.NewGroup(0)
		inner.Add("enricher", j.component("enricher", time.Second, 0))
		outer := lifecycle.NewGroup(time.Minute)
		outer.Add("plain", plain{&j})
		outer.Add("services", inner)
		var addr string
		outer.Add("broker", lifecycle.Func(func(ctx context.Context, ready func()) error {
			addr = "127.0.0.1:9092"
			ready()
			<-ctx.Done()
			return nil
		}))
		outer.Add("lazy", lifecycle.Lazy(func() (lifecycle.Component, error) {
			j.add("addr:" + addr)
			return j.component("lazy", time.Second, 0), nil
		}))
		outer.Add("lazy plain", lifecycle.Lazy(func() (lifecycle.Component, error) { return plain{&j}, nil }))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- outer.Run(ctx) }()
		<-outer.Ready()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		j.expect(t, `start:enricher ready:enricher addr:127.0.0.1:9092 start:lazy ready:lazy
			stop:plain stop:lazy drained:lazy stop:enricher drained:enricher stop:plain`)
	})
}

type plain struct{ j *journal }

func (p plain) Run(ctx context.Context) error {
	<-ctx.Done()
	p.j.add("stop:plain")
	return nil
}

func TestGroup_empty(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := lifecycle.NewGroup(0)
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	<-g.Ready()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// panicInComponent is run in a process of its own by the test below.
func panicInComponent() {
	g := lifecycle.NewGroup(time.Second)
	g.Add("broken", lifecycle.Func(func(context.Context, func()) error { panic("component is broken") }))
	_ = g.Run(context.Background())
}

func TestGroup_doesNotSwallowPanics(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LIFECYCLE_PANIC=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "panic: component is broken") {
		t.Errorf("%v\n%s", err, out)
	}
}
