package lifecycle_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/zap"

	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
)

func TestWaitFor_saysWhatIsMissingUntilItIsThere(t *testing.T) {
	deps := telemetry.Deps{Log: zap.NewNop(), Health: telemetry.NewHealth()}
	tries := 0
	err := lifecycle.WaitFor(t.Context(), deps, "the table", func(context.Context) error {
		if tries++; tries == 1 {
			return errors.New("no such table")
		}
		if got := deps.Health.Reasons()["start"]; got != "no such table" {
			t.Errorf("health says %q while it is missing", got)
		}
		return nil
	})
	if err != nil || tries != 2 {
		t.Fatalf("after %d tries: %v", tries, err)
	}
	if got, ok := deps.Health.Reasons()["start"]; ok {
		t.Errorf("health still says %q", got)
	}
}
