package kafka

import (
	"time"

	"touchline.dev/services/internal/config"
)

// Membership says how a process takes part in consumer groups.
type Membership struct {
	InstanceID        string        `yaml:"instance_id" doc:"Static member id, unique per process (on Kubernetes the pod name); empty for dynamic membership."`
	SessionTimeout    time.Duration `yaml:"session_timeout" doc:"A member silent for so long loses its partitions."`
	HeartbeatInterval time.Duration `yaml:"heartbeat_interval" doc:"How often a member shows that it is alive."`
	RebalanceTimeout  time.Duration `yaml:"rebalance_timeout" doc:"How long members may take to rejoin when partitions move."`
	StuckAfter        time.Duration `yaml:"stuck_after" doc:"A worker that shows no progress for so long is cancelled; if it does not end then, the process ends, which frees its partition. Waiting for Kafka or repeating an insert is progress."`
}

// DefaultMembership takes over from a killed process within session_timeout and
// about a second. Nothing that a worker does between two signs of progress takes
// 2 minutes unless it hangs: the longest is one insert, which ends after 60 s.
func DefaultMembership() Membership {
	return Membership{
		SessionTimeout: 8 * time.Second, HeartbeatInterval: time.Second, RebalanceTimeout: 10 * time.Second,
		StuckAfter: 2 * time.Minute,
	}
}

// Validate reports every problem of the settings.
func (m Membership) Validate() error {
	var p config.Problems
	if m.SessionTimeout < time.Second {
		p.Addf("session_timeout", "is %s, want at least 1s", m.SessionTimeout)
	}
	if m.HeartbeatInterval <= 0 || m.HeartbeatInterval*3 > m.SessionTimeout {
		p.Addf("heartbeat_interval", "is %s, want more than 0 and at most a third of session_timeout", m.HeartbeatInterval)
	}
	if m.RebalanceTimeout < m.HeartbeatInterval {
		p.Addf("rebalance_timeout", "is %s, want at least heartbeat_interval", m.RebalanceTimeout)
	}
	// A hang is worth a restart, a pause that the group itself tolerates is not.
	if least := max(m.SessionTimeout, m.RebalanceTimeout); m.StuckAfter < least {
		p.Addf("stuck_after", "is %s, want at least session_timeout and rebalance_timeout, %s", m.StuckAfter, least)
	}
	return p.Err()
}
