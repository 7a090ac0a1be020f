package collector

import (
	"net"
	"sync"
	"time"
)

// limited is a listener that holds at most as many connections as slots has room
// for; further ones wait in the kernel's queue.
type limited struct {
	net.Listener
	slots  chan struct{}
	slack  time.Duration
	closed chan struct{}
	once   sync.Once
}

// limitListener lets the deadlines of connections come late by up to slack.
func limitListener(l net.Listener, connections int, slack time.Duration) net.Listener {
	return &limited{Listener: l, slots: make(chan struct{}, connections), slack: slack, closed: make(chan struct{})}
}

// Accept waits for a free slot, then for a connection.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &conn{Conn: c, slots: l.slots, read: deadline{slack: l.slack}, write: deadline{slack: l.slack}}, nil
}

// Close also ends an Accept that waits for a slot.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
