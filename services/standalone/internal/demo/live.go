package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"touchline.dev/services/internal/retry"
)

const (
	// maxPresent is how many live visitors are in the shop at a time; while so
	// many wait for a collector that does not answer, nobody else comes in.
	maxPresent = 64
	// appFlush is how many events an app gathers before it sends them.
	appFlush = 4
	// liveRepeated: one live request in so many is sent again.
	liveRepeated = 40
)

// Live sends visitors who come at this moment, cfg.LiveRate in a second, until
// ctx ends; then it returns nil. They click every half second or so, which is
// faster than life. Browsers make single calls, apps and servers batches. No two
// calls of Live make the same messages.
//
// While the collector is away its visitors wait. What it refuses for good (a
// wrong write key) is an error and ends all of them.
func Live(ctx context.Context, cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	if cfg.LiveRate == 0 {
		<-ctx.Done()
		return nil
	}
	s := newSender(cfg, retry.Policy{Name: "send live events", Initial: 100 * time.Millisecond, Max: 2 * time.Second})
	defer s.close()
	visits, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	defer wg.Wait()

	shop, run := newShop(), rand.Text()
	arrivals := time.NewTicker(time.Duration(float64(time.Second) / max(cfg.LiveRate, 1e-6)))
	defer arrivals.Stop()
	present := make(chan struct{}, maxPresent)
	for n := 0; ; n++ {
		select {
		case <-visits.Done():
			return liveEnd(ctx, visits)
		case present <- struct{}{}:
		}
		wg.Go(func() {
			defer func() { <-present }()
			v := shop.newVisitor(livePrefix, fmt.Sprintf("%s/%d", run, n))
			v.at = time.Now().UTC()
			v.arrive()
			if err := s.perform(visits, v.events); err != nil {
				cancel(err)
			}
		})
		select {
		case <-visits.Done():
			return liveEnd(ctx, visits)
		case <-arrivals.C:
		}
	}
}

// liveEnd is nil when the caller wanted it to end.
func liveEnd(ctx, visits context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(visits)
}

// perform sends the events of one visitor one after the other, each with the time
// at which it comes. When ctx ends the rest stays undone.
func (s *sender) perform(ctx context.Context, events []Event) error {
	var gathered []Event // of the app
	for i, e := range events {
		if !pause(ctx, time.Duration(150+mathrand.IntN(750))*time.Millisecond) {
			return nil
		}
		e.At = time.Now().UTC().Truncate(time.Millisecond)
		var r request
		switch {
		case e.Context.App != nil:
			gathered = append(gathered, e)
			if i+1 < len(events) && events[i+1].Context.App != nil && len(gathered) < appFlush {
				continue
			}
			r = batchOf(gathered, e.Context.UserAgent)
			gathered = nil
		case e.Context.Page == nil:
			r = batchOf([]Event{e}, serverAgent)
		default:
			r = request{shortPath(e.Type), e.Context.UserAgent, e.JSON}
		}
		times := 1
		if mathrand.IntN(liveRepeated) == 0 {
			times = 2
		}
		for range times {
			if err := s.post(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// shortPath is where the browser SDK posts a call of that type.
func shortPath(kind string) string { return "/v1/" + kind[:1] }

// batchOf is a batch that says when it is sent, as those of apps and servers do.
func batchOf(events []Event, userAgent string) request {
	return request{pathBatch, userAgent, func(sentAt time.Time) ([]byte, error) {
		encoded := make([][]byte, len(events))
		for i, e := range events {
			var err error
			if encoded[i], err = e.JSON(time.Time{}); err != nil {
				return nil, err
			}
		}
		return batchJSON(encoded, sentAt), nil
	}}
}

// pause waits, and reports false when ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
