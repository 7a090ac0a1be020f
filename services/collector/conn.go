package collector

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection of a client. It spares the server work that this handler
// has no use for: looking for a hang-up while the handler waits for Kafka, and
// moving timers that are moved again before they can fire. It gives its slot of
// the listener back when it is closed.
type conn struct {
	net.Conn
	slots       chan struct{}
	closed      atomic.Bool
	watched     atomic.Bool
	read, write deadline
}

// watch notes that the server is about to answer a request, or has done so. It is
// the server's ConnState.
//
// As soon as a body is read to its end the server starts a read of one byte in a
// goroutine of its own, to cancel the request's context when the client hangs up.
// Nothing here waits for that context. Of each request's reads the first of a
// single byte returns without one, which ends the watch; were it another read,
// it would be repeated, as io.Reader asks for.
func watch(c net.Conn, state http.ConnState) {
	if c, ok := c.(*conn); ok {
		c.watched.Store(state == http.StateActive)
	}
}

// Read reads what the client sent.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 1 && c.watched.CompareAndSwap(true, false) {
		return 0, nil
	}
	if err := c.read.apply(c.Conn.SetReadDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write sends p.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.write.apply(c.Conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// SetReadDeadline bounds the reads that begin from now on; one that has passed
// also ends those under way.
func (c *conn) SetReadDeadline(t time.Time) error { return c.read.want(t, c.Conn.SetReadDeadline) }

// SetWriteDeadline bounds the writes that begin from now on; one that has passed
// also ends those under way.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.write.want(t, c.Conn.SetWriteDeadline) }

// SetDeadline bounds reads and writes.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// CloseWrite tells the client that nothing more comes. The server does it before
// it closes a connection on which the client may still be sending: were it closed
// at once, the client's system would drop the answer.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection.
func (c *conn) Close() error {
	err := c.Conn.Close()
	if c.closed.CompareAndSwap(false, true) {
		<-c.slots
	}
	return err
}

// deadline is one direction's. The server asks for eight of them in each request
// and most are replaced before anything waits, so one is only set when something
// is about to wait, and left alone while it is late by no more than slack.
type deadline struct {
	slack time.Duration

	mu     sync.Mutex
	wanted time.Time
	set    time.Time
}

func (d *deadline) want(t time.Time, set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if t.IsZero() || time.Until(t) > 0 {
		return nil
	}
	d.set = t
	return set(t)
}

func (d *deadline) apply(set func(time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	to := d.wanted
	switch late := d.set.Sub(d.wanted); {
	case d.wanted.IsZero():
		if d.set.IsZero() {
			return nil
		}
	case late >= 0 && late <= d.slack:
		return nil
	default:
		to = to.Add(d.slack)
	}
	d.set = to
	return set(to)
}
