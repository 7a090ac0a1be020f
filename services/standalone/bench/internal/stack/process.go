package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Process is a running child.
type Process struct {
	Name string
	// Admin is host:port of its metrics and profiles, empty if it has none.
	Admin string

	// service says that it ends by SIGTERM.
	service bool
	cmd     *exec.Cmd
	input   io.Closer
	log     string
	done    chan struct{}
	err     error // valid when done is closed
}

// startProcess starts a program whose output goes to a file in dir.
func startProcess(name, dir, program string, args, env []string) (*Process, error) {
	p := &Process{Name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	// Not bound to a context: Stop ends it in the right order.
	p.cmd = exec.CommandContext(context.Background(), program, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.cmd.Env = append(environment(), env...)
	// A group of its own: an interrupt at the terminal is for the parent.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.input, err = p.cmd.StdinPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// environment is what children inherit: settings of services in the caller's
// environment would change what is measured.
func environment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Pause stops the process from running until Resume.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets the process run again; one that was not paused it leaves as it is.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

const (
	startTimeout = time.Minute
	stopTimeout  = 15 * time.Second
	pollInterval = 10 * time.Millisecond
)

// ErrEnded says that a process ended although nobody told it to.
var ErrEnded = errors.New("process has ended")

// field waits for the process's first log line with that message and returns a
// field of it.
func (p *Process) field(ctx context.Context, message, name string) (string, error) {
	var value string
	err := p.await(ctx, fmt.Sprintf("say %q", message), func() (bool, error) {
		text, err := os.ReadFile(p.log)
		if err != nil {
			return false, err
		}
		for line := range strings.Lines(string(text)) {
			var fields map[string]any
			if json.Unmarshal([]byte(line), &fields) != nil || fields["msg"] != message {
				continue // crashes and the like are no JSON
			}
			value, _ = fields[name].(string)
			return true, nil
		}
		return false, nil
	})
	return value, err
}

// await waits until the condition holds, and no longer than the process lives.
func (p *Process) await(ctx context.Context, what string, condition func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not in %v", startTimeout))
	defer cancel()
	err := poll(ctx, func() (bool, error) {
		select {
		case <-p.done:
			return false, fmt.Errorf("%w: %w", ErrEnded, p.err)
		default:
			return condition()
		}
	})
	if err != nil {
		return fmt.Errorf("wait for %s to %s: %w\n%s", p.Name, what, err, p.lastWords())
	}
	return nil
}

// poll asks until the condition holds.
func poll(ctx context.Context, condition func() (bool, error)) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		if ok, err := condition(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lastWords returns up to 2 KiB of the end of the log.
func (p *Process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2<<10):])
}

// Stop ends the process and returns when it has ended. It is an error if it had
// ended before, or has to be killed.
func (p *Process) Stop() error { return p.stop() }

// stop ends the process and returns when it has ended: a service by SIGTERM, a
// server of this program by the end of its input. One that takes too long is
// killed, and that is an error.
func (p *Process) stop() error {
	select {
	case <-p.done:
		return fmt.Errorf("stop %s: %w: %w\n%s", p.Name, ErrEnded, p.err, p.lastWords())
	default:
	}
	err := errors.Join(p.Resume(), p.input.Close())
	if p.service {
		err = errors.Join(err, p.cmd.Process.Signal(syscall.SIGTERM))
	}
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C:
		err = errors.Join(err, fmt.Errorf("it took more than %v", stopTimeout), p.cmd.Process.Kill())
		<-p.done
	}
	if err = errors.Join(err, p.err); err != nil {
		return fmt.Errorf("stop %s: %w\n%s", p.Name, err, p.lastWords())
	}
	return nil
}
