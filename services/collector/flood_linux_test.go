package collector_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// hostile are bodies that ask for much more than they are, with the answers that
// they may get: refused, kept as a rejected event, or told to come again.
func hostile(t testing.TB) map[string][]byte {
	const zeros = 64 << 20
	head := func(encoding string, body string) []byte {
		h := "POST /v1/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Basic d2tfdGVzdDo=\r\n"
		if encoding != "" {
			h += "Content-Encoding: " + encoding + "\r\n"
		}
		return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", h, len(body), body)
	}
	var strongest bytes.Buffer
	w, err := gzip.NewWriterLevel(&strongest, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(make([]byte, zeros))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	const deep, keys = 1 << 20, 800_000
	nested := strings.Repeat("[", deep/2) + strings.Repeat("]", deep/2)
	many := `{` + strings.Repeat(`"":0,`, keys) + `"":0}`
	split := `{"batch":[` + strings.Repeat(`{"a":{`+strings.Repeat(`"":0,`, keys/20)+`"":0}},`, 19) + `{}]}`
	return map[string][]byte{
		"gzip 1:1029":          head("gzip", strongest.String()),
		"zstd 1:32000":         head("zstd", zstandard(t, make([]byte, zeros))),
		"br 1:600000":          head("br", brotlied(t, make([]byte, zeros))),
		"deep":                 head("", nested),
		"deep in an event":     head("", `{"batch":[{"userId":"u","properties":`+nested+`}]}`),
		"deep and never ends":  head("", strings.Repeat(`{"a":`, deep/5)),
		"800,000 keys":         head("", many),
		"800,000 keys, packed": head("gzip", gzipped(t, []byte(many))),
		"20 times 40,000 keys": head("", split),
		"400,000 events":       head("gzip", gzipped(t, []byte(`{"batch":[`+strings.Repeat(`{},`, 400_000)+`{}]}`))),
	}
}

// TestFlood keeps as many connections as the collector takes by default: most of
// them idle, a tenth sending a body byte by byte, and some sending the worst bodies
// there are, as fast as they are answered. 300 MB is what a collector may use for
// all of it, and events that others send meanwhile are taken.
func TestFlood(t *testing.T) {
	const (
		limit    = 300 << 20
		rounds   = 4
		flooding = 24
		normal   = 8
		slow     = 1000
		others   = 300 // files that a process has open besides
	)
	idle := 10_000 - flooding - normal - slow
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if most := int(files.Cur) - flooding - normal - slow - others; most < idle {
		t.Logf("only %d files may be open: %d connections instead of %d", files.Cur, most, idle)
		idle = most
	}
	bodies := hostile(t)
	c := startChild(t, roleCollector)
	requests := recordedRequests(t, 1)
	hold(t, c.addr, requests, idle)
	held := c.memory(t, "VmRSS")

	over := make(chan struct{})
	var trickling, beside sync.WaitGroup
	for range slow {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			t.Fatal(err)
		}
		trickling.Go(func() { trickle(conn, over) })
	}
	var served, later atomic.Int64
	for range normal {
		beside.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				switch status, err := once(c.addr, requests[n%len(requests)]); {
				case err != nil:
					t.Errorf("beside the flood: %v", err)
					return
				case status == http.StatusOK:
					served.Add(1)
				default:
					later.Add(1)
				}
			}
		})
	}
	answers := flood(t, c, bodies, flooding, rounds)
	close(over)
	trickling.Wait()
	beside.Wait()
	most := c.memory(t, "VmHWM")
	t.Logf("%d idle connections: %d MB; with %d slow ones and the flood at most %d MB; %d events of others taken meanwhile, %d told to come again",
		idle, held>>20, slow, most>>20, served.Load(), later.Load())
	t.Logf("answers: %v", answers)
	if most > limit {
		t.Errorf("%d MB, want at most %d", most>>20, limit>>20)
	}
	if served.Load() == 0 || later.Load() > served.Load()/20 {
		t.Errorf("%d of %d events of others were not taken", later.Load(), served.Load()+later.Load())
	}
	if status, err := once(c.addr, requests[0]); err != nil || status != http.StatusOK {
		t.Errorf("after the flood: %d, %v", status, err)
	}
}

// flood sends each body so many times from each of many connections and returns
// how often each status was the answer.
func flood(t *testing.T, c *child, bodies map[string][]byte, connections, rounds int) map[string]int {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		body := bodies[name]
		before, began := c.usage(t), time.Now()
		var wait sync.WaitGroup
		for range connections {
			wait.Go(func() {
				for range rounds {
					status, err := once(c.addr, body)
					switch {
					case err != nil:
						t.Errorf("%s: %v", name, err)
						return
					case status != 200 && status != 400 && status != 413 && status != 503:
						t.Errorf("%s: answered %d", name, status)
					}
					mu.Lock()
					answers[fmt.Sprintf("%s: %d", name, status)]++
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		after, n := c.usage(t), int64(connections*rounds)
		t.Logf("%-22s %8d bytes: %6.2f ms of CPU each, with what goes on beside it, %.1f s, now at most %d MB",
			name, len(body), float64(after.cpu-before.cpu)/float64(n)/1e6, time.Since(began).Seconds(), c.memory(t, "VmHWM")>>20)
	}
	return answers
}

// once sends a request on a connection of its own and returns the status.
func once(addr string, request []byte) (int, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, err
	}
	go func() { _, _ = conn.Write(request) }() // a refusal may come before all is written
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

// trickle sends a byte of a body now and then until it is over; where the
// collector ends it, it begins again.
func trickle(conn net.Conn, over <-chan struct{}) {
	addr := conn.RemoteAddr().String()
	defer func() { _ = conn.Close() }()
	const head = "POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: Basic d2tfdGVzdDo=\r\nContent-Length: 1000000\r\n\r\n{"
	_, err := io.WriteString(conn, head)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		if err == nil {
			_, err = io.WriteString(conn, " ")
			continue
		}
		_ = conn.Close()
		next, failed := net.Dial("tcp", addr)
		if failed != nil {
			return
		}
		conn = next
		_, err = io.WriteString(conn, head)
	}
}
