package lifecycle

import (
	"context"
	"time"

	"go.uber.org/zap"

	"touchline.dev/services/internal/retry"
	"touchline.dev/services/internal/telemetry"
)

// checkTimeout bounds one attempt of WaitFor.
const checkTimeout = 10 * time.Second

// WaitFor repeats check until it succeeds, for at most a minute: services start
// in any order, also before what they depend on. Meanwhile the health check
// "start" says what is missing. what names it in errors.
func WaitFor(ctx context.Context, deps telemetry.Deps, what string, check func(ctx context.Context) error) error {
	err := retry.Do(ctx, retry.Startup("wait for "+what), func(err error, _ time.Duration) {
		deps.Log.Info("waiting", zap.Error(err))
		deps.Health.Set("start", false, err.Error())
	}, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		return check(ctx)
	})
	if err == nil {
		deps.Health.Set("start", true, "")
	}
	return err
}
