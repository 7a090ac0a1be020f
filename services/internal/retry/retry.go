// Package retry repeats operations under named policies: exponential backoff
// with jitter, always bounded by a context. It reads and writes nothing of its
// own and logs nothing; callers see each failure through a callback.
//
// There is one retry layer for each operation: what a client library retries
// by itself is not wrapped again.
package retry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Policy says how long to go on. The wait starts at Initial, doubles up to
// Max, and each wait is drawn evenly from half to one and a half times that.
type Policy struct {
	// Name stands in errors and should be a verb phrase: "insert chunk".
	Name string
	// Initial and Max bound the wait between attempts, before jitter.
	Initial, Max time.Duration
	// Elapsed is the time after which no attempt is started; 0 is forever.
	Elapsed time.Duration
}

// Startup waits for a dependency that is started at the same time as we are. A
// minute covers a broker (4-6 s) and a database on a busy machine; after it, a
// restart with a visible error is better than silence.
func Startup(name string) Policy {
	return Policy{Name: name, Initial: 100 * time.Millisecond, Max: 2 * time.Second, Elapsed: time.Minute}
}

// Insert never gives up: the chunk is not acknowledged until it is stored, and
// its source keeps the records meanwhile. The cap of 5 s bounds how long a
// healed database stays unused.
func Insert(name string) Policy {
	return Policy{Name: name, Initial: 200 * time.Millisecond, Max: 5 * time.Second}
}

// Permanent marks an error as one that no further attempt can heal.
func Permanent(err error) error { return backoff.Permanent(err) }

// Do runs op until it returns nil, a [Permanent] error, or the policy or ctx
// ends. onRetry, if not nil, gets each failure and the wait that follows it.
// The error names the policy and the attempts and wraps op's last error and,
// if ctx ended it, the cause of that. With ctx already done op is not run.
func Do(ctx context.Context, p Policy, onRetry func(err error, wait time.Duration), op func(ctx context.Context) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: not attempted: %w", p.Name, context.Cause(ctx))
	}
	waits := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(p.Initial),
		backoff.WithMaxInterval(p.Max),
		backoff.WithMaxElapsedTime(p.Elapsed),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.5),
	)
	start := time.Now()
	attempts := 0
	var last error
	attempt := func() error {
		attempts++
		last = op(ctx)
		return last
	}
	if backoff.RetryNotify(attempt, backoff.WithContext(waits, ctx), onRetry) == nil {
		return nil
	}
	var permanent *backoff.PermanentError
	switch {
	case errors.As(last, &permanent):
		return fmt.Errorf("%s: not retryable, attempt %d: %w", p.Name, attempts, unmark(last, permanent))
	case ctx.Err() != nil:
		return fmt.Errorf("%s: stopped after %s: %w (last error: %w)", p.Name, count(attempts), context.Cause(ctx), last)
	default:
		return fmt.Errorf("%s: gave up after %s in %v: %w", p.Name, count(attempts), time.Since(start).Round(time.Millisecond), last)
	}
}

// unmark removes the mark where it is outermost, so that a caller that retries
// on another level decides for itself.
func unmark(err error, mark *backoff.PermanentError) error {
	if err == error(mark) {
		return mark.Err
	}
	return err
}

func count(attempts int) string {
	if attempts == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", attempts)
}
