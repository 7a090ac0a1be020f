package documents_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	embedded "touchline.dev/services/internal/embedded/clickhouse"
	"touchline.dev/services/standalone"
)

const (
	// program is the name under which the test binary is touchline.
	program = "touchline"
	// untilStdin makes it stop when its standard input ends, as it does with the test.
	untilStdin = "DOCUMENTS_UNTIL_STDIN"
	// root is that of the repository.
	root = "../../../.."
)

func TestMain(m *testing.M) {
	embedded.RunChildIfRequested()
	if filepath.Base(os.Args[0]) == program {
		os.Exit(touchline())
	}
	os.Exit(m.Run())
}

func touchline() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if os.Getenv(untilStdin) != "" {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // its end is what counts
			cancel()
		}()
	}
	return standalone.Main(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
}

// shop is a folder as the repository is after `make run`: with the program in bin, and
// the demo shop in .data/run.
type shop struct {
	dir   string
	ready standalone.Ready
	// report is what up has printed.
	report string
}

// newShop starts the demo shop and waits until its history can be asked.
func newShop(t *testing.T) shop {
	t.Helper()
	s := shop{dir: t.TempDir()}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(s.dir, "bin", program)); err != nil {
		t.Fatal(err)
	}
	up := exec.Command(filepath.Join(s.dir, "bin", program), "up", "--demo", "--dir", ".data/run", "--listen", "127.0.0.1:0", "--telemetry.log-level", "warn")
	var out output
	up.Dir, up.Env, up.Stdout, up.Stderr = s.dir, s.env(untilStdin+"=1"), &out, &out
	stdin, err := up.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	t.Cleanup(func() {
		if err := stdin.Close(); err != nil && !errors.Is(err, os.ErrClosed) { // it is where up has ended
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("touchline up: %v\n%s", err, out.String())
		}
	})
	deadline := time.After(5 * time.Minute) // also fetches the ClickHouse library
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(out.String(), "── Retention:") {
		select {
		case <-tick.C:
		case err := <-ended:
			ended <- err
			t.Fatalf("touchline up ended: %v\n%s", err, out.String())
		case <-deadline:
			t.Fatalf("touchline up has not told of the demo shop:\n%s", out.String())
		}
	}
	s.report = out.String()
	text, err := os.ReadFile(filepath.Join(s.dir, ".data", "run", "ready.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s.ready); err != nil {
		t.Fatal(err)
	}
	return s
}

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// env is the environment of this process, in which touchline is the program and has no
// settings, with further variables.
func (s shop) env(more ...string) []string {
	path := filepath.Join(s.dir, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	env := []string{"PATH=" + path}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PATH=") && !strings.HasPrefix(v, "TOUCHLINE_") {
			env = append(env, v)
		}
	}
	return append(env, more...)
}

// sh runs lines in a shell, in the folder of the shop, until one of them fails.
func (s shop) sh(t *testing.T, script string) (code int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-euc", script)
	c.Dir, c.Env = s.dir, s.env()
	out, err := c.CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if err != nil && (!errors.As(err, &exit) || !exit.Exited()) {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return c.ProcessState.ExitCode(), string(out)
}
