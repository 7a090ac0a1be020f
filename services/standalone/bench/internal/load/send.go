package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say how requests are sent.
type Options struct {
	// Connections are kept alive; each has one request at a time.
	Connections int
	// Rate is events a second, over all connections; 0 as fast as they are
	// answered.
	Rate int
	// Gzip compresses the bodies.
	Gzip bool
	// Stop ends the sending when it is closed, before the plan is done; nil never.
	Stop <-chan struct{}
}

// Result is what was sent: the first requests of the plan, each of them whole.
type Result struct {
	// Sent is how many events those requests have.
	Requests, Sent int
	// Acked is how many of them were acknowledged.
	Acked int
}

// success is the answer that acknowledges every event of a request.
const success = `{"success":true}`

// answerTimeout is longer than the collector takes to give up on its broker.
const answerTimeout = 15 * time.Second

// ErrRefused says that a request was not answered with a success.
var ErrRefused = errors.New("request was refused")

// Send sends the requests of the plan to addr, host:port. It stops at the first
// request that was not acknowledged.
func Send(ctx context.Context, addr string, c *Corpus, p Plan, o Options) (Result, error) {
	s := &sender{addr: addr, corpus: c, plan: p, options: o, began: time.Now()}
	if o.Rate > 0 {
		s.interval = time.Duration(p.PerRequest) * time.Second / time.Duration(o.Rate)
	}
	g, ctx := errgroup.WithContext(ctx)
	for range o.Connections {
		g.Go(func() error { return s.run(ctx) })
	}
	err := g.Wait()
	requests := int(s.sent.Load())
	return Result{Requests: requests, Sent: requests * p.PerRequest, Acked: int(s.acked.Load())}, err
}

type sender struct {
	addr     string
	corpus   *Corpus
	plan     Plan
	options  Options
	began    time.Time
	interval time.Duration // between requests; 0 none
	next     atomic.Int64
	sent     atomic.Int64
	acked    atomic.Int64
}

func (s *sender) stopped() bool {
	select {
	case <-s.options.Stop:
		return true
	default:
		return false
	}
}

// run sends over one connection.
func (s *sender) run(ctx context.Context) error {
	conn, err := Dial(ctx, s.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	w := newWriter(s.corpus, s.plan)
	w.compress = s.options.Gzip
	var request []byte
	for !s.stopped() {
		// Whoever takes a number sends that request, so none is left out.
		i := int(s.next.Add(1) - 1)
		if i >= s.plan.Requests {
			return nil
		}
		if err := s.await(ctx, i); err != nil {
			return err
		}
		if request, err = w.append(request[:0], i, time.Now().UTC()); err != nil {
			return err
		}
		s.sent.Add(1)
		if err := conn.Post(request); err != nil {
			return fmt.Errorf("send request %d: %w", i, err)
		}
		s.acked.Add(int64(s.plan.PerRequest))
	}
	return nil
}

// await returns when request i is due, whether or not earlier ones were answered.
func (s *sender) await(ctx context.Context, i int) error {
	wait := time.Until(s.began.Add(time.Duration(i) * s.interval))
	if s.interval == 0 || wait <= 0 {
		return ctx.Err()
	}
	due := time.NewTimer(wait)
	defer due.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-due.C:
		return nil
	}
}

// Conn is a connection to a collector. It reads answers by hand: the client of
// net/http would cost as much as what is measured. It is not for concurrent use.
type Conn struct {
	net.Conn
	in *bufio.Reader
}

// Dial connects to addr, host:port.
func Dial(ctx context.Context, addr string) (*Conn, error) {
	conn, err := (&net.Dialer{Timeout: answerTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &Conn{Conn: conn, in: bufio.NewReader(conn)}, nil
}

// Post sends a complete request and returns nil when the answer acknowledges
// every event in it.
func (c *Conn) Post(request []byte) error {
	if err := c.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	status, body, err := c.answer()
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if status != "200" || string(body) != success {
		return fmt.Errorf("%w: %q %q", ErrRefused, status, body)
	}
	return nil
}

// maxAnswer bounds an answer's body, in bytes.
const maxAnswer = 64 << 10

var errAnswer = errors.New("is not an HTTP answer with a length")

func (c *Conn) answer() (status string, body []byte, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return "", nil, err
	}
	fields := bytes.Fields(line)
	if len(fields) < 2 || string(fields[0]) != "HTTP/1.1" {
		return "", nil, fmt.Errorf("%q %w", line, errAnswer)
	}
	status = "200" // without allocating
	if string(fields[1]) != status {
		status = string(fields[1])
	}
	length := -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return "", nil, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return "", nil, fmt.Errorf("length: %w", err)
			}
		}
	}
	if length < 0 || length > maxAnswer {
		return "", nil, fmt.Errorf("length %d: %w", length, errAnswer)
	}
	body = make([]byte, length)
	_, err = io.ReadFull(c.in, body)
	return status, body, err
}
