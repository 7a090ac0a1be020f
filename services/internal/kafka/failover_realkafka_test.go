//go:build realkafka

package kafka_test

import "testing"

// The same as on the embedded broker; a cluster each, for they share a group.

func TestApacheFailover_killedMember(t *testing.T) {
	_, c := startApache(t, 1)
	testKilledMember(t, c)
}

func TestApacheFailover_killedStaticMember(t *testing.T) {
	_, c := startApache(t, 1)
	testKilledMember(t, c, "a", "b")
}

func TestApacheFailover_pausedMember(t *testing.T) {
	_, c := startApache(t, 1)
	testPausedMember(t, c)
}

func TestApacheFailover_staticMemberRestarts(t *testing.T) {
	_, c := startApache(t, 1)
	testStaticRestart(t, c)
}

func TestApachePoll_saysThatTheLogIsLost(t *testing.T) {
	for _, l := range logLosses {
		t.Run(l.name, func(t *testing.T) {
			_, c := startApache(t, 1)
			testLogLoss(t, c, l)
		})
	}
}
