package standalone

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
)

// up runs the whole pipeline until it is told to stop.
func up(c *call) error {
	s := DefaultSettings()
	if done, err := c.load("touchline", &s); done || err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	unlock, err := lockDir(s.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := prepare(s); err != nil {
		return err
	}
	var p *pipeline
	c.code = lifecycle.Run(c.ctx, lifecycle.Process{
		Service: "touchline", Lifecycle: s.Lifecycle, Telemetry: s.Telemetry, Logs: c.stderr,
		Ready: func(t *telemetry.Telemetry) error { return p.announce(t, c.stdout) },
	}, func(t *telemetry.Telemetry, g *lifecycle.Group) error {
		p = newPipeline(s, t.Deps, c.stderr)
		p.addTo(g)
		if s.Demo {
			g.Add("demo", p.demo(c.stdout))
		}
		return nil
	})
	return nil
}

// ErrInUse says that another process works on the data directory.
var ErrInUse = errors.New("another touchline is running on this directory")

// lockDir makes sure that one process at a time works on the directory. The lock
// goes with the process, however it ends.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
		}
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	return func() { _ = f.Close() }, nil
}

// demoProjects is the projects file of those who bring none.
const demoProjects = `# Which projects there are and with which write keys SDKs may post to them.
projects:
  - id: demo
    write_keys: [demo]
    currency: EUR
`

// prepare writes the demo projects file, once, and takes away what an earlier
// run announced: whoever waits for the ready file waits for this one.
func prepare(s Settings) error {
	for _, file := range []string{s.readyFile(), s.ReadyFile} {
		if file == "" {
			continue
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove old ready file: %w", err)
		}
	}
	if s.Projects != "" {
		return nil
	}
	f, err := os.OpenFile(s.projectsFile(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write demo projects file: %w", err)
	}
	_, err = io.WriteString(f, demoProjects)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write demo projects file: %w", err)
	}
	return nil
}
