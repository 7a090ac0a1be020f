//go:build sdks

package sdk_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that runs until stop; its output goes to a file.
type process struct {
	name, log string
	cmd       *exec.Cmd
	done      chan struct{}
	err       error // valid when done is closed
}

// launch starts a program that the end of the test kills.
func launch(t *testing.T, dir, name, path string, args []string, env ...string) *process {
	t.Helper()
	p := &process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd = exec.Command(path, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	for _, inherited := range []string{"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "TOUCHLINE_CACHE_DIR"} {
		if value, ok := os.LookupEnv(inherited); ok {
			env = append(env, inherited+"="+value)
		}
	}
	p.cmd.Env = env
	p.cmd.SysProcAttr = ownGroup()
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	// An error means that all of it has ended already.
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait returns how the process ended, or kills it when the time is over.
func (p *process) wait(limit time.Duration) error {
	select {
	case <-p.done:
		return p.err
	case <-time.After(limit):
		p.kill()
		return errors.New("did not end in " + limit.String())
	}
}

// await returns the first line of the log, an object, with the message.
func (p *process) await(t *testing.T, msg string) (line struct{ Address, Admin string }) {
	t.Helper()
	await(t, time.Minute, p.name+" logs "+msg, func() error {
		if p.ended() {
			t.Fatalf("%s ended with %v\n%s", p.name, p.err, p.tail())
		}
		data, err := os.ReadFile(p.log)
		if err != nil {
			return err
		}
		for text := range bytes.Lines(data) {
			var found struct{ Msg string }
			if json.Unmarshal(text, &found) == nil && found.Msg == msg {
				return json.Unmarshal(text, &line)
			}
		}
		return errors.New("not yet")
	})
	return line
}

// tail returns the end of the log.
func (p *process) tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(data), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "")
}

// await repeats a question until its answer is nil.
func await(t *testing.T, limit time.Duration, what string, question func() error) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
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
