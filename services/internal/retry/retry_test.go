package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"touchline.dev/services/internal/retry"
)

var errDown = errors.New("down")

func policy(elapsed time.Duration) retry.Policy {
	return retry.Policy{Name: "insert chunk", Initial: 100 * time.Millisecond, Max: time.Second, Elapsed: elapsed}
}

func TestDo_waitsGrowWithJitterAndStayBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		attempts := 0
		start := time.Now()
		err := retry.Do(t.Context(), policy(0), func(err error, wait time.Duration) {
			if !errors.Is(err, errDown) {
				t.Errorf("got %v", err)
			}
			waits = append(waits, wait)
		}, func(context.Context) error {
			if attempts++; attempts <= 50 {
				return errDown
			}
			return nil
		})
		if err != nil || attempts != 51 || len(waits) != 50 {
			t.Fatalf("%d attempts, %d waits, %v", attempts, len(waits), err)
		}
		var sum time.Duration
		distinct := map[time.Duration]bool{}
		for i, wait := range waits {
			middle := min(100*time.Millisecond<<min(i, 10), time.Second)
			if wait < middle/2 || wait > middle*3/2 {
				t.Errorf("wait %d is %v, want %v to %v", i, wait, middle/2, middle*3/2)
			}
			sum += wait
			distinct[wait] = true
		}
		if len(distinct) < 25 {
			t.Errorf("only %d distinct waits: no jitter", len(distinct))
		}
		if slept := time.Since(start); slept != sum {
			t.Errorf("slept %v, announced %v", slept, sum)
		}
	})
}

func TestDo_givesUpAfterElapsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		attempts := 0
		err := retry.Do(t.Context(), policy(5*time.Second), nil, func(context.Context) error {
			attempts++
			return errDown
		})
		spent := time.Since(start)
		if !errors.Is(err, errDown) || spent > 5*time.Second || spent < 3*time.Second {
			t.Errorf("%v after %v", err, spent)
		}
		want := fmt.Sprintf("insert chunk: gave up after %d attempts in %v: down", attempts, spent.Round(time.Millisecond))
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	})
}

func TestDo_permanent(t *testing.T) {
	f := func(mark func(error) error, want string) {
		t.Helper()
		attempts := 0
		err := retry.Do(t.Context(), retry.Policy{Name: "write", Initial: 1, Max: 1}, nil, func(context.Context) error {
			if attempts++; attempts < 3 {
				return errors.New("try again")
			}
			return mark(errDown)
		})
		if attempts != 3 || !errors.Is(err, errDown) || err.Error() != want {
			t.Errorf("%d attempts, %v", attempts, err)
		}
	}
	f(retry.Permanent, "write: not retryable, attempt 3: down")
	f(func(err error) error { return fmt.Errorf("block 7: %w", retry.Permanent(err)) }, "write: not retryable, attempt 3: block 7: down")

	// The mark counts for one Do only: one around it decides for itself.
	outer := 0
	err := retry.Do(t.Context(), retry.Policy{Name: "outer", Initial: 1, Max: 1}, nil, func(ctx context.Context) error {
		if outer++; outer == 3 {
			return nil
		}
		return retry.Do(ctx, retry.Policy{Name: "inner", Initial: 1, Max: 1}, nil, func(context.Context) error { return retry.Permanent(errDown) })
	})
	if err != nil || outer != 3 {
		t.Errorf("%d attempts, %v", outer, err)
	}
}

func TestDo_contextEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		start := time.Now()
		err := retry.Do(ctx, retry.Policy{Name: "insert", Initial: time.Hour, Max: time.Hour}, func(error, time.Duration) {
			time.AfterFunc(time.Second, func() { cancel(cause) })
		}, func(context.Context) error { return errDown })
		if time.Since(start) != time.Second || !errors.Is(err, cause) || !errors.Is(err, errDown) {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if want := "insert: stopped after 1 attempt: shutting down (last error: down)"; err.Error() != want {
			t.Errorf("got %q", err)
		}

		err = retry.Do(ctx, policy(0), nil, func(context.Context) error {
			t.Error("attempted although the context is done")
			return nil
		})
		if want := "insert chunk: not attempted: shutting down"; err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	})
}

func TestDo_passesContext(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	err := retry.Do(ctx, retry.Startup("connect"), nil, func(ctx context.Context) error {
		if ctx.Value(key{}) != "value" {
			return retry.Permanent(errors.New("another context"))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPolicies(t *testing.T) {
	for _, p := range []retry.Policy{retry.Startup("x"), retry.Insert("x")} {
		if p.Name != "x" || p.Initial <= 0 || p.Max < p.Initial || p.Elapsed != 0 && p.Elapsed < p.Max {
			t.Errorf("got %+v", p)
		}
	}
	if retry.Insert("x").Elapsed != 0 {
		t.Error("an insert must not be given up")
	}
}
