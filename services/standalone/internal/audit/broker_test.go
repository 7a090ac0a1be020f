//go:build !realkafka

package audit

import (
	"testing"

	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// startBroker starts a broker that ends with the test.
func startBroker(t *testing.T) kafka.Config { return kafkatest.Start(t).Kafka }
