package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// dialer opens connections to brokers, and only to brokers that answer.
//
// A broker that is paused, or whose host hangs, goes on accepting connections.
// The client library takes such a broker for a living one: it asks the same
// coordinator again for as long as a session lasts, and the member loses all its
// partitions; and metadata requests wait for it in turn. A failed dial it takes
// for a dead broker: it forgets the coordinator and asks the others. So a
// connection counts as dialled once the broker has answered on it.
type dialer struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu sync.Mutex // guards the following
	// silent holds, by address, until when a broker that did not answer is not
	// asked again: every request and connection would wait for it anew.
	silent map[string]time.Time
}

const (
	// dialTimeout covers a lost SYN and its second try after 1 s.
	dialTimeout = 2 * time.Second
	// answerTimeout is what a broker gets for its first answer: 1 s is a thousand
	// times what an idle one needs. silentFor keeps the brokers that do answer
	// from waiting for one that does not.
	answerTimeout = time.Second
	silentFor     = time.Second
)

// errSilent says that a broker accepts connections and does not answer.
var errSilent = errors.New("the broker does not answer")

func newDialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *dialer {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	return &dialer{dial: dial, silent: make(map[string]time.Time)}
}

func (d *dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	d.mu.Lock()
	silent := time.Now().Before(d.silent[addr])
	d.mu.Unlock()
	if silent {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s: %w", addr, errSilent)}
	}
	conn, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	err = greet(ctx, conn)
	if err == nil {
		return conn, nil
	}
	if cerr := conn.Close(); cerr != nil {
		err = errors.Join(err, cerr)
	}
	if ctx.Err() == nil {
		d.mu.Lock()
		d.silent[addr] = time.Now().Add(silentFor)
		d.mu.Unlock()
	}
	// The cause is told but not wrapped: the library repeats time-outs on the same
	// broker, and takes the end of a connection for a wrong protocol.
	return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s: %w: %s", addr, errSilent, err.Error())}
}

// greet asks the broker for the versions of its requests, which every broker
// answers first thing, and throws the answer away.
func greet(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	req := kmsg.NewRequestFormatter(kmsg.FormatterClientID("touchline")).AppendRequest(nil, kmsg.NewPtrApiVersionsRequest(), 0)
	if _, err := conn.Write(req); err != nil {
		return err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxGreeting {
		return fmt.Errorf("answer of %d bytes", n)
	}
	if _, err := io.CopyN(io.Discard, conn, int64(n)); err != nil {
		return err
	}
	if !stop() {
		return ctx.Err()
	}
	return conn.SetDeadline(time.Time{})
}

// maxGreeting bounds the answer; Kafka's has about 500 bytes.
const maxGreeting = 64 << 10
