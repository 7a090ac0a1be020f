package collector_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"touchline.dev/services/collector"
	"touchline.dev/services/internal/kafkatest"
)

// childEnv makes a process of the test binary a server of its own, so that what
// it costs is not mixed with what its clients and the broker cost.
const childEnv = "COLLECTOR_TEST_CHILD"

// Servers that a child can be. The handler reads requests and answers them with
// net/http and does nothing else: no collector can cost less.
const (
	roleCollector = "collector"
	roleHandler   = "handler"
	roleDecode    = "decode" // also undoes what is wrapped around the events
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childEnv); role != "" {
		os.Exit(runChild(role))
	}
	goleak.VerifyTestMain(m)
}

// usage is what a child has used since its start.
type usage struct {
	// cpu is user and system time, in nanoseconds.
	cpu            int64
	mallocs, bytes uint64
}

// runChild serves until standard input ends and answers each line of it with the
// usage so far.
func runChild(role string) int {
	signal.Ignore(os.Interrupt)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			var cpu syscall.Rusage
			var memory runtime.MemStats
			if syscall.Getrusage(syscall.RUSAGE_SELF, &cpu) != nil {
				return
			}
			runtime.ReadMemStats(&memory)
			fmt.Println(cpu.Utime.Nano()+cpu.Stime.Nano(), memory.Mallocs, memory.TotalAlloc)
		}
	}()
	if role == roleCollector {
		return collector.Main(ctx, os.Args[1:], nil, os.Stderr, os.Stderr)
	}
	handler := http.HandlerFunc(emptyHandler)
	if role == roleDecode {
		handler = decodeHandler
	}
	if err := serveHandler(ctx, handler); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func emptyHandler(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, success)
}

func serveHandler(ctx context.Context, handler http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	fmt.Fprintf(os.Stderr, `{"msg":"collector listens","address":%q}`+"\n", l.Addr())
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// child is a running server.
type child struct {
	addr string
	cmd  *exec.Cmd
	in   io.Writer
	out  io.Reader
	// killed is set when it need not end well.
	killed bool
}

// startChild starts a server; a collector gets a broker of its own.
func startChild(t testing.TB, role string) *child {
	t.Helper()
	if role == roleCollector {
		return startCollector(t, kafkatest.Start(t))
	}
	return launch(t, role)
}

// startCollector starts a collector with further arguments.
func startCollector(t testing.TB, cluster *kafkatest.Cluster, args ...string) *child {
	t.Helper()
	return startCollectorFor(t, projectsFile, cluster, args...)
}

// startCollectorFor starts one with a projects file of its own.
func startCollectorFor(t testing.TB, file string, cluster *kafkatest.Cluster, args ...string) *child {
	t.Helper()
	projects := filepath.Join(t.TempDir(), "projects.yaml")
	if err := os.WriteFile(projects, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return launch(t, roleCollector, append(args,
		"--http.listen", "127.0.0.1:0", "--telemetry.admin", "127.0.0.1:0", "--projects.file", projects,
		"--kafka.brokers", strings.Join(cluster.Kafka.Brokers, ","),
	)...)
}

func launch(t testing.TB, role string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	said := &logs{}
	c := &child{cmd: exec.Command(self, args...)}
	c.cmd.Env = append(os.Environ(), childEnv+"="+role)
	c.cmd.Stderr = said
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in, c.out = in, out
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := c.cmd.Wait(); err != nil && !c.killed {
			t.Errorf("%s: %v\n%s", role, err, said)
		}
	})
	kafkatest.Eventually(t, role+" to listen", func() bool {
		c.addr = said.field("collector listens", "address")
		return c.addr != ""
	})
	return c
}

// kill ends it as a crash does.
func (c *child) kill(t testing.TB) {
	t.Helper()
	c.killed = true
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}

func (c *child) usage(t testing.TB) (u usage) {
	t.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanln(c.out, &u.cpu, &u.mallocs, &u.bytes); err != nil {
		t.Fatal(err)
	}
	return u
}
