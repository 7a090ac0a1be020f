//go:build realkafka

package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"touchline.dev/services/internal/kafkatest/apache"
)

// deployments are what every test of behaviour runs on: the services as separate
// processes over a real Apache Kafka.
func deployments() map[string]func(*site) deployment {
	return map[string]func(*site) deployment{"kafka": func(s *site) deployment {
		return newSeparateOn(s, newApacheBrokers(s, 1), "collector", "enricher-1", "enricher-2", "scorer-1")
	}}
}

// newBrokers is what the kill test of separate processes runs on; E2E_BROKERS says
// how many there are, 1 or 3.
func newBrokers(t *testing.T, s *site) brokers {
	t.Helper()
	return newApacheBrokers(s, int(setting(t, "E2E_BROKERS", 1)))
}

// staticMembers: in the kill test members of both kinds are killed.
const staticMembers = false

// apacheBrokers is a cluster of Apache Kafka. With three brokers each partition
// has three replicas, of which two have to acknowledge.
type apacheBrokers struct {
	site    *site
	number  int
	cluster *apache.Cluster
	// addresses are those of the last start; a cluster that starts again on its
	// directory has them again.
	addresses string
	// reviving has a channel for each broker that is being started again; it
	// gives the result.
	reviving map[int32]chan error
}

func newApacheBrokers(s *site, number int) brokers {
	return &apacheBrokers{site: s, number: number, reviving: map[int32]chan error{}}
}

func (b *apacheBrokers) start(t *testing.T) {
	t.Helper()
	c, err := apache.Launch(apache.Options{Brokers: b.number, Dir: b.site.path("kafka")})
	if err != nil {
		t.Fatal(err)
	}
	b.cluster, b.addresses = c, strings.Join(c.Brokers(), ",")
}

func (b *apacheBrokers) stop(t *testing.T) {
	t.Helper()
	if err := errors.Join(b.cluster.Shutdown(), b.cluster.Stop()); err != nil {
		t.Errorf("stop brokers: %v", err)
	}
	b.cluster = nil
}

func (b *apacheBrokers) kill() {
	if b.cluster != nil {
		_ = b.cluster.Stop() // it may have ended before
		b.cluster = nil
	}
}

func (b *apacheBrokers) seeds() string { return b.addresses }
func (b *apacheBrokers) replicas() int { return b.number }

func (b *apacheBrokers) parts() []part {
	do := func(what func(...int32) error, id int32) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if err := what(id); err != nil {
				t.Fatal(err)
			}
		}
	}
	var parts []part
	for _, id := range b.cluster.IDs() {
		parts = append(parts, part{
			name: fmt.Sprintf("broker-%d", id),
			kill: do(b.cluster.Kill, id), pause: do(b.cluster.Pause, id), resume: do(b.cluster.Resume, id),
			revive: func(*testing.T) { b.revive(id) },
			ready:  func() error { return b.ready(id) },
		})
	}
	return parts
}

// revive starts a broker in the background: it takes up to half a minute.
func (b *apacheBrokers) revive(id int32) {
	done := make(chan error, 1)
	b.reviving[id] = done
	go func() { done <- b.cluster.Revive(id) }()
}

func (b *apacheBrokers) ready(id int32) error {
	done := b.reviving[id]
	if done == nil {
		return nil
	}
	select {
	case err := <-done:
		done <- err // for who asks again
		return err
	default:
		return errors.New("is starting")
	}
}
