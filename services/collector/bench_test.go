package collector_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/kafkatest"
)

// benchEvent has about 760 bytes, like those of real SDKs.
const benchEvent = `{"timestamp":"2026-11-21T19:45:15.405Z","integrations":{"All":true},"event":"Order Completed","type":"track",` +
	`"properties":{"order_id":"o-1","revenue":129.9,"currency":"EUR","products":[{"product_id":"p1","price":64.95,"quantity":2}]},` +
	`"context":{"page":{"url":"https://shop.example.com/pricing?utm_source=google&utm_medium=cpc","path":"/pricing","title":"Pricing",` +
	`"referrer":"https://www.google.com/"},"campaign":{"source":"google","medium":"cpc","name":"spring"},"ip":"203.0.113.7",` +
	`"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)","locale":"fr-FR","timezone":"Europe/Paris",` +
	`"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"anonymousId":"anon-%06d",` +
	`"messageId":"node-next-1795290315405-d252bf73-e32f-4668-b3aa-3049c2%06d"}`

// BenchmarkCollector measures the whole way from a socket to the broker's
// acknowledgement. The broker (kfake) and the clients run in the same process;
// Client measures those clients alone, against a server that reads and answers.
func BenchmarkCollector(b *testing.B) {
	for _, size := range []int{1, 50} {
		requests := make([][]byte, 64)
		for i := range requests {
			requests[i] = benchRequest(size, i)
		}
		connections := map[int]int{1: 128, 50: 32}[size]
		b.Run(fmt.Sprintf("events=%d", size), func(b *testing.B) {
			s := startOn(b, kafkatest.Start(b), zap.NewNop())
			load(b, s.Addr(), requests, size, connections)
		})
		b.Run(fmt.Sprintf("events=%d/client", size), func(b *testing.B) {
			load(b, echo(b), requests, size, connections)
		})
	}
}

func benchRequest(size, seed int) []byte {
	path, body := "/v1/track", fmt.Sprintf(benchEvent, seed, seed)
	if size > 1 {
		list := make([]string, size)
		for i := range list {
			list[i] = fmt.Sprintf(benchEvent, seed*size+i, seed*size+i)
		}
		path, body = "/v1/batch", `{"batch":[`+strings.Join(list, ",")+`],"sentAt":"2026-11-21T19:45:15.415Z"}`
	}
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: collect.test\r\nUser-Agent: bench/1\r\nContent-Type: application/json\r\n"+
		"Authorization: Basic d2tfdGVzdDo=\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// echo is net/http with a handler that reads the body and answers.
func echo(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, success)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	b.Cleanup(func() { _ = server.Close(); <-done })
	return l.Addr().String()
}

// load sends b.N events over keep-alive connections and reports CPU time.
func load(b *testing.B, addr string, requests [][]byte, size, connections int) {
	total := max(b.N/size, connections)
	jobs := make(chan []byte, 1024)
	var wait sync.WaitGroup
	for range connections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		wait.Go(func() {
			defer conn.Close()
			in := bufio.NewReader(conn)
			for request := range jobs {
				if _, err := conn.Write(request); err != nil {
					b.Error(err)
					return
				}
				if !readOK(in) {
					b.Error("not answered 200")
					return
				}
			}
		})
	}
	before := cpu(b)
	start := time.Now()
	b.ResetTimer()
	for i := range total {
		jobs <- requests[i%len(requests)]
	}
	close(jobs)
	wait.Wait()
	b.StopTimer()
	events := float64(total * size)
	b.ReportMetric((cpu(b)-before)/events*1e6, "cpu-s/Mevent")
	b.ReportMetric(events/time.Since(start).Seconds(), "events/s")
}

// readOK reads an answer by hand: net/http's client would cost as much as what
// is measured.
func readOK(in *bufio.Reader) bool {
	length, ok := 0, false
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return false
		}
		if bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			ok = true
		}
		if rest, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			for _, c := range bytes.TrimSpace(rest) {
				length = length*10 + int(c-'0')
			}
		}
		if len(line) == 2 {
			_, err := in.Discard(length)
			return ok && err == nil
		}
	}
}

// cpu is the user and system time of the process so far, in seconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
