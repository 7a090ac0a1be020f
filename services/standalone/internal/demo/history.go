package demo

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"
	"time"

	"touchline.dev/services/internal/retry"
)

const (
	// streams is how many requests are under way at a time: two cores of a laptop
	// run the collector, the broker and the rest of the pipeline as well.
	streams = 4
	// repeated: one request in so many is sent again, as by an SDK that never saw
	// the answer. It adds nothing, because the messages are known.
	repeated = 16
)

// History sends what the visitors of the last cfg.Days days did before now, and
// returns when the collector has acknowledged all of it. events is how many
// different events that is, also when an earlier call has sent some of them; with
// an error it is 0, and a part may have been sent.
//
// Each visitor's events arrive in the order of time. Requests that the collector
// cannot take now are repeated for a minute.
func History(ctx context.Context, cfg Config, now time.Time) (events int, err error) {
	if err := cfg.check(); err != nil {
		return 0, err
	}
	var shares [streams][]Event
	n := 0
	for visitor := range history(cfg, now) {
		shares[n%streams] = append(shares[n%streams], visitor...)
		events += len(visitor)
		n++
	}
	s := newSender(cfg, retry.Policy{Name: "send history", Initial: 100 * time.Millisecond, Max: 2 * time.Second, Elapsed: time.Minute})
	defer s.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, share := range shares {
		wg.Go(func() {
			if err := s.sendHistory(ctx, share); err != nil {
				cancel(err) // the first error ends the others and is the one returned
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return events, nil
}

// history yields the events of one visitor after the other: those later than
// cfg.After and before now, of visitors who came first on one of the days that
// lie in the last cfg.Days days from their beginning.
func history(cfg Config, now time.Time) iter.Seq[[]Event] {
	return func(yield func([]Event) bool) {
		shop := newShop()
		day := now.UTC().AddDate(0, 0, -cfg.Days).Truncate(24 * time.Hour)
		for range cfg.Days {
			day = day.AddDate(0, 0, 1)
			for n := range cfg.newcomers(day) {
				events := slices.DeleteFunc(shop.visitor(cfg.Seed, day, n), func(e Event) bool {
					return !e.At.Before(now) || !e.At.After(cfg.After)
				})
				if len(events) > 0 && !yield(events) {
					return
				}
			}
		}
	}
}

// newcomers is how many visitors come for the first time on a day. It depends on
// nothing but the day. The golden ratio spreads the roundings evenly.
func (c Config) newcomers(day time.Time) int {
	_, part := math.Modf(float64(day.Unix()/(24*60*60)) * math.Phi)
	return int(float64(c.Visitors)/float64(c.Days)*weekday(day) + part)
}

// sendHistory sends the events in the order of time, one batch after the other.
// The calls carry no sentAt: their times are right as they are.
func (s *sender) sendHistory(ctx context.Context, events []Event) error {
	slices.SortStableFunc(events, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.MessageID, b.MessageID))
	})
	encoded := make([][]byte, len(events))
	for i, e := range events {
		var err error
		if encoded[i], err = e.JSON(time.Time{}); err != nil {
			return fmt.Errorf("send history: %w", err)
		}
	}
	for n := 0; len(encoded) > 0; n++ {
		size, bytes := 0, 0
		for size < len(encoded) && size < maxBatchEvents && (size == 0 || bytes+len(encoded[size]) < maxBatchBytes) {
			bytes += len(encoded[size]) + len(",")
			size++
		}
		body := batchJSON(encoded[:size], time.Time{})
		r := request{pathImport, serverAgent, func(time.Time) ([]byte, error) { return body, nil }}
		times := 1
		if n%repeated == repeated/2 {
			times = 2
		}
		for range times {
			if err := s.post(ctx, r); err != nil {
				return err
			}
		}
		encoded = encoded[size:]
	}
	return nil
}
