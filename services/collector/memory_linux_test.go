package collector_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestMemoryOfManyConnections holds the default number of connections open, each
// after a request, and sends at full speed over others. 300 MB is what a
// collector may use for all of it.
func TestMemoryOfManyConnections(t *testing.T) {
	const (
		limit = 300 << 20
		load  = 20_000
		busy  = 64
		// A process has other files open than its connections.
		others = 300
	)
	idle := 10_000 - busy
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if most := int(files.Cur) - busy - others; most < idle {
		t.Logf("only %d files may be open: %d connections instead of %d", files.Cur, most, idle)
		idle = most
	}
	c := startChild(t, roleCollector)
	requests := recordedRequests(t, 1)
	began := c.memory(t, "VmHWM")
	hold(t, c.addr, requests, idle)
	held := c.memory(t, "VmRSS")
	send(t, c.addr, requests, busy, load)
	first := c.memory(t, "VmHWM")
	send(t, c.addr, requests, busy, load)
	second := c.memory(t, "VmHWM")
	t.Logf("%d idle connections: %d MB at start, %d MB with them (%d bytes each), most %d MB after %d events beside them and %d MB after as many again",
		idle, began>>20, held>>20, (held-began)/idle, first>>20, load, second>>20)
	if second > limit {
		t.Errorf("%d MB, want at most %d", second>>20, limit>>20)
	}
	if grown := second - first; grown > limit/10 {
		t.Errorf("another %d events took %d MB more", load, grown>>20)
	}
}

// hold opens connections, sends a request on each and keeps them until the test
// ends.
func hold(t *testing.T, addr string, requests [][]byte, connections int) {
	t.Helper()
	const atOnce = 64
	var wait sync.WaitGroup
	next := make(chan []byte)
	for range atOnce {
		wait.Go(func() {
			for request := range next {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					continue
				}
				t.Cleanup(func() { _ = conn.Close() })
				if err := exchange(conn, bufio.NewReader(conn), request); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range connections {
		next <- requests[i%len(requests)]
	}
	close(next)
	wait.Wait()
}

// memory returns a line of the child's /proc/PID/status, in bytes.
func (c *child) memory(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatalf("no %s", name)
	return 0
}
