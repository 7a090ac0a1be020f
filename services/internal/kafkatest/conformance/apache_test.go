//go:build realkafka

package conformance_test

import (
	"testing"

	"touchline.dev/services/internal/kafkatest/apache"
	"touchline.dev/services/internal/kafkatest/conformance"
)

// cluster is Apache Kafka, which the test's settings have clean its logs by itself.
type cluster struct{ *apache.Cluster }

func (cluster) Clean() error { return nil }

func TestApacheKafka(t *testing.T) {
	conformance.Exercise(t, cluster{apache.Start(t, apache.Options{})}, conformance.Apache)
}

func TestApacheKafka_threeBrokers(t *testing.T) {
	conformance.ExerciseReplicated(t, cluster{apache.Start(t, apache.Options{Brokers: 3})})
}
