package landing

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/telemetry"
)

// status is one health check for all partitions of a lander: one that works does
// not hide that another does not. It is safe for concurrent use.
type status struct {
	health *telemetry.Health
	name   string

	mu      sync.Mutex // guards the following
	reasons map[int32]string
}

func newStatus(h *telemetry.Health, name string) *status {
	return &status{health: h, name: name, reasons: make(map[int32]string)}
}

// set notes why a partition does not land; an empty reason says that it does.
func (s *status) set(partition int32, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reason == s.reasons[partition] {
		return
	}
	if reason == "" {
		delete(s.reasons, partition)
	} else {
		s.reasons[partition] = reason
	}
	ids := slices.Sorted(maps.Keys(s.reasons))
	if len(ids) == 0 {
		s.health.Set(s.name, true, "")
		return
	}
	// All of them usually wait for the same.
	s.health.Set(s.name, false, fmt.Sprintf("partitions %v do not land: %s", ids, s.reasons[ids[0]]))
}

// reason is what health says about an error: nothing of what the server answered,
// because that may quote rows.
func reason(err error) string {
	if _, ok := errors.AsType[*clickhouse.Error](err); !ok {
		return err.Error()
	}
	for _, named := range []error{ErrViewThrows, ErrRefused, ErrRefusedLate, clickhouse.ErrManyRefused, clickhouse.ErrRefusedTogether} {
		if errors.Is(err, named) {
			return named.Error()
		}
	}
	return clickhouse.Explain(err)
}
