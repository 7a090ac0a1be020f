package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What processes get of time: stopTime is what is promised for a clean stop.
const (
	startTime = 60 * time.Second
	stopTime  = 10 * time.Second
)

// process is one run of a program; its output is appended to a log file.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string
	since int64 // length of the log when it began
	done  chan struct{}
	err   error // valid when done is closed
	// dismissed is set once the test wants it to end: ending by itself is a
	// failure. It is for the goroutine of the test alone.
	dismissed bool
}

// environment is what every program inherits; settings come on top.
func environment(settings ...string) []string {
	env := settings
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "TOUCHLINE_CACHE_DIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// launch starts a program, whose settings are args and env.
func launch(t *testing.T, s *site, name, path string, args, env []string) *process {
	t.Helper()
	log := filepath.Join(s.dir, name+".log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	stat, err := out.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{name: name, log: log, since: stat.Size(), done: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = env, s.dir, out, out
	p.cmd.SysProcAttr = noOrphans()
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the process as a crash does and waits until it is gone.
func (p *process) kill() {
	if p == nil {
		return
	}
	p.dismissed = true
	// An error means that it has ended already.
	_ = p.cmd.Process.Kill()
	<-p.done
}

// signal sends a signal to the running process.
func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("send %s to %s: %v\n%s", sig, p.name, err, p.tail())
	}
}

// stop asks the process to end: it must exit with 0 within 10 s.
func (p *process) stop(t *testing.T) {
	t.Helper()
	began := time.Now()
	p.dismiss(t)
	select {
	case <-p.done:
	case <-time.After(2 * stopTime):
		p.kill()
		t.Fatalf("%s does not stop\n%s", p.name, p.tail())
	}
	if took := time.Since(began); p.err != nil || took > stopTime {
		t.Errorf("%s stopped with %v after %s\n%s", p.name, p.err, took, p.tail())
	}
}

// dismiss asks the process to end and does not wait for it. It may have ended by itself.
func (p *process) dismiss(t *testing.T) {
	t.Helper()
	p.dismissed = true
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("end %s: %v", p.name, err)
	}
}

// entry is a line of a program's log.
type entry struct {
	Msg     string `json:"msg"`
	Address string `json:"address"`
	Admin   string `json:"admin"`
	PID     int    `json:"pid"`
	// Of a partition that is assigned or released.
	Group     string `json:"group"`
	Partition int32  `json:"partition"`
}

// logged returns the last line that this run logged with the message.
func (p *process) logged(msg string) (last entry, found bool) {
	for e := range p.entries() {
		if e.Msg == msg {
			last, found = e, true
		}
	}
	return last, found
}

// entries returns what this run has logged so far.
func (p *process) entries() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		data, err := os.ReadFile(p.log)
		if err != nil || int64(len(data)) < p.since {
			return
		}
		for line := range bytes.Lines(data[p.since:]) {
			var e entry
			if json.Unmarshal(line, &e) == nil && !yield(e) {
				return
			}
		}
	}
}

// await returns the line with the message as soon as it is there.
func (p *process) await(t *testing.T, msg string) (line entry) {
	t.Helper()
	await(t, startTime, fmt.Sprintf("%s logs %q", p.name, msg), func() error {
		var found bool
		if line, found = p.logged(msg); found {
			return nil
		}
		if !p.running() {
			t.Fatalf("%s ended with %v\n%s", p.name, p.err, p.tail())
		}
		return errors.New("not yet")
	})
	return line
}

// tail returns the end of the log, for messages.
func (p *process) tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(data), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "")
}

// result is what a command left.
type result struct {
	stdout, stderr string
	code           int
}

// execute runs a command to its end, which must come within a minute.
func execute(t *testing.T, env []string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(name), args...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = environment(env...), t.TempDir(), &stdout, &stderr
	cmd.SysProcAttr = noOrphans()
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || !exit.Exited()) {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// await repeats a question until its answer is nil.
func await(t *testing.T, limit time.Duration, what string, question func() error) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := question()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s: not after %s: %v", what, limit, err)
		}
	}
}
