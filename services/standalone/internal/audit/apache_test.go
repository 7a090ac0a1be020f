//go:build realkafka

package audit

import (
	"testing"

	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest/apache"
)

// startBroker starts Apache Kafka, which ends with the test.
func startBroker(t *testing.T) kafka.Config { return apache.Start(t, apache.Options{}).Config() }
