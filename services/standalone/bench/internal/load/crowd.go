package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// dialsAtOnce keeps the listener's queue from overflowing, after which the kernel
// makes connections wait for a second.
const dialsAtOnce = 64

// Crowd opens connections that all stay open. Over each of them it sends one
// request for each wave: so many at a time. After each wave, with no connection
// closed, it calls after with its number. The plan has a request for each
// connection and wave.
func Crowd(ctx context.Context, addr string, c *Corpus, p Plan, connections int, waves []int, after func(wave int) error) (r Result, err error) {
	conns := make([]*Conn, connections)
	defer func() {
		for _, conn := range conns {
			if conn != nil {
				err = errors.Join(err, conn.Close())
			}
		}
	}()
	dial, dialing := errgroup.WithContext(ctx)
	dial.SetLimit(dialsAtOnce)
	for i := range conns {
		dial.Go(func() (err error) {
			conns[i], err = Dial(dialing, addr)
			return err
		})
	}
	if err := dial.Wait(); err != nil {
		return r, fmt.Errorf("open %d connections: %w", connections, err)
	}
	w := newWriter(c, p)
	for wave, atOnce := range waves {
		requests := make([][]byte, connections)
		for i := range requests {
			if requests[i], err = w.append(nil, r.Requests+i, time.Now().UTC()); err != nil {
				return r, err
			}
		}
		send, sending := errgroup.WithContext(ctx)
		send.SetLimit(atOnce)
		for i, conn := range conns {
			send.Go(func() error {
				if err := sending.Err(); err != nil {
					return err
				}
				return conn.Post(requests[i])
			})
		}
		r.Requests += connections
		r.Sent += connections * p.PerRequest
		if err := send.Wait(); err != nil {
			return r, fmt.Errorf("send over %d connections: %w", connections, err)
		}
		r.Acked = r.Sent
		if err := after(wave); err != nil {
			return r, err
		}
	}
	return r, nil
}
