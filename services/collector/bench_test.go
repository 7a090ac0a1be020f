package collector_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// BenchmarkHandler measures the whole way from a socket to the broker's
// acknowledgement with recorded events, beside a net/http handler that reads and
// answers. b.N counts events. The server is a process of its own, and CPU time
// and allocations are its own only: of a collector all of it, Kafka's client and
// the collection of garbage included.
func BenchmarkHandler(b *testing.B) {
	for _, size := range []int{1, 50} {
		requests := recordedRequests(b, size)
		for _, role := range []string{roleHandler, roleCollector} {
			b.Run(fmt.Sprintf("events=%d/%s", size, role), func(b *testing.B) {
				c := startChild(b, role)
				measure(b, c, requests, size)
			})
		}
	}
}

var eventIDs = regexp.MustCompile(`"(messageId|anonymousId|userId)":"([^"]{6,})"`)

// recordedRequests returns requests of size events as SDKs sent them, a browser's
// of one and a server's of many, with ids of their own.
func recordedRequests(tb testing.TB, size int) [][]byte {
	tb.Helper()
	name := "segment-next/default/005-POST_v1_t.json"
	if size > 1 {
		name = "segment-node/default/001-POST_v1_batch.json"
	}
	text, err := os.ReadFile(filepath.Join(recordings, filepath.FromSlash(name)))
	if err != nil {
		tb.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal(text, &r); err != nil {
		tb.Fatal(err)
	}
	events := []json.RawMessage{json.RawMessage(r.Body)}
	if size > 1 {
		var batch struct{ Batch []json.RawMessage }
		if err := json.Unmarshal([]byte(r.Body), &batch); err != nil {
			tb.Fatal(err)
		}
		events = batch.Batch
	}
	requests := make([][]byte, 512/size+32)
	for i := range requests {
		list := make([]string, size)
		for k := range list {
			n := i*size + k
			list[k] = eventIDs.ReplaceAllStringFunc(string(events[n%len(events)]), func(member string) string {
				return member[:len(member)-7] + fmt.Sprintf(`%06d"`, n%1_000_000)
			})
		}
		body := list[0]
		if size > 1 {
			body = `{"batch":[` + strings.Join(list, ",") + `],"writeKey":"wk_test","sentAt":"2026-11-21T19:45:15.415Z"}`
		}
		requests[i] = r.request(body)
	}
	return requests
}

// request is the recorded one with another body.
func (r recorded) request(body string) []byte {
	head := r.Method + " " + r.Target + " HTTP/1.1\r\n"
	for _, h := range r.Headers {
		if !strings.EqualFold(h[0], "Content-Length") && !strings.EqualFold(h[0], "Connection") && !strings.EqualFold(h[0], "Transfer-Encoding") {
			head += h[0] + ": " + h[1] + "\r\n"
		}
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

// send sends so many requests over keep-alive connections.
func send(tb testing.TB, addr string, requests [][]byte, connections, total int) {
	tb.Helper()
	jobs := make(chan []byte, 1024)
	var wait sync.WaitGroup
	for range connections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			tb.Fatal(err)
		}
		wait.Go(func() {
			defer conn.Close()
			in := bufio.NewReader(conn)
			for request := range jobs {
				if err := exchange(conn, in, request); err != nil {
					tb.Error(err)
					break
				}
			}
			for range jobs { // let the others end
			}
		})
	}
	for i := range total {
		jobs <- requests[i%len(requests)]
	}
	close(jobs)
	wait.Wait()
}

var errAnswer = errors.New("not answered with a success")

// exchange reads an answer by hand: net/http's client would cost as much as what
// is measured.
func exchange(conn net.Conn, in *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	length, ok := 0, false
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		ok = ok || bytes.HasPrefix(line, []byte("HTTP/1.1 20"))
		if rest, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(rest))); err != nil {
				return err
			}
		}
		if len(line) > 2 {
			continue
		}
		if _, err := in.Discard(length); err != nil || !ok {
			return errors.Join(errAnswer, err)
		}
		return nil
	}
}
