package collector

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// counted counts the reads that reach the kernel and how often timers are moved.
type counted struct {
	net.Conn
	single, timers *atomic.Int32
}

func (c counted) Read(p []byte) (int, error) {
	if len(p) == 1 {
		c.single.Add(1)
	}
	return c.Conn.Read(p)
}

func (c counted) SetReadDeadline(t time.Time) error {
	c.timers.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c counted) SetWriteDeadline(t time.Time) error {
	c.timers.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

type connKey struct{}

type counting struct {
	net.Listener
	single, timers atomic.Int32
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return counted{c, &l.single, &l.timers}, nil
}

// What this relies on is how net/http watches a client, which no documentation
// promises: with a version of Go that does it otherwise this fails.
func TestRequestsAreNotWatched(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	under := &counting{Listener: l}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute, ConnState: watch,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			// The body is read, so the watch begins.
			for deadline := time.Now().Add(20 * time.Second); r.Context().Value(connKey{}).(*conn).watched.Load(); runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Error("the server does not watch the client")
					break
				}
			}
			fmt.Fprintf(w, "%s %s", body, r.Trailer.Get("X"))
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(limitListener(under, 10, time.Minute)) }()
	t.Cleanup(func() { _ = server.Close(); <-served })

	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	in := bufio.NewReader(client)
	answer := func(want string) {
		t.Helper()
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil || string(text) != want {
			t.Fatalf("%q, %v; want %q", text, err, want)
		}
	}
	const post = "POST / HTTP/1.1\r\nHost: x\r\n"
	long := strings.Repeat("y", 100_000)
	const rounds = 20
	for range rounds {
		for _, request := range []struct{ text, want string }{
			{post + "Content-Length: 3\r\n\r\nabc", "abc "},
			{post + "Content-Length: 100000\r\n\r\n" + long, long + " "},
			{post + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\nX: " + long[:3000] + "\r\n\r\n", "abc " + long[:3000]},
			{post + "Content-Length: 0\r\n\r\n", " "},
		} {
			if _, err := io.WriteString(client, request.text); err != nil {
				t.Fatal(err)
			}
			answer(request.want)
		}
		// The next request may come before the answer.
		if _, err := io.WriteString(client, strings.Repeat(post+"Content-Length: 1\r\n\r\nz", 3)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			answer("z ")
		}
	}
	if n := under.single.Load(); n > 0 {
		t.Errorf("%d reads of one byte in %d requests", n, 7*rounds)
	}
	// The server asks eight times a request. One for each direction, and two for
	// each watch that the server ends before its goroutine has.
	if n := under.timers.Load(); n > 2+2*7*rounds {
		t.Errorf("timers were set %d times in %d requests", n, 7*rounds)
	}
}

// A deadline is never early, late by no more than the slack, and one that has
// passed is set at once.
func TestDeadline(t *testing.T) {
	const slack = time.Second
	var sets []time.Time
	set := func(t time.Time) error { sets = append(sets, t); return nil }
	d := deadline{slack: slack}
	begin := time.Now().Add(time.Hour)
	do := func(f func(func(time.Time) error) error, want ...time.Time) {
		t.Helper()
		sets = nil
		if err := f(set); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(sets) != fmt.Sprint(want) {
			t.Errorf("set %v, want %v", sets, want)
		}
	}
	want := func(to time.Time) func(func(time.Time) error) error {
		return func(set func(time.Time) error) error { return d.want(to, set) }
	}
	do(d.apply)
	do(want(begin))
	do(d.apply, begin.Add(slack))
	do(want(begin.Add(slack)))
	do(d.apply)
	do(want(begin.Add(slack + 1)))
	do(d.apply, begin.Add(2*slack+1))
	do(want(begin)) // earlier
	do(d.apply, begin.Add(slack))
	do(want(time.Time{}))
	do(d.apply, time.Time{})
	do(d.apply)
	past := time.Unix(1, 0)
	do(want(past), past)
	do(d.apply)
	do(want(begin))
	do(d.apply, begin.Add(slack))
}
